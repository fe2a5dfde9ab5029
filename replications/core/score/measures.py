"""The measures that an experiment names: functions of its paper's measures.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

import torch
from torch import Tensor

from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.learning import LearningRule
from replications.core.learn.models import GenerativeModel
from replications.core.run.build import generator
from replications.core.run.runs import Run
from replications.core.score.rows import assign


class Measure(Protocol):
    """A function of a paper's measures.py: what it measures of a subject, and arrays for figures.

    `kept` are the parameters by epoch; the keywords are the measure's settings.
    """

    def __call__(
        self,
        subject: Any,
        images: Images,
        kept: Mapping[int, Mapping[str, Tensor]],
        generator: torch.Generator,
        /,
        **settings: Any,
    ) -> tuple[list[Score], dict[str, Tensor]]: ...


def evaluated(run: Run, name: str) -> Callable:
    """What an evaluation names: a function of the paper's samplers or measures."""
    (module,) = (m for m, function in run.experiment.evaluated if function == name)
    return getattr(import_module(module), name)


def measured(
    run: Run,
    subject: LearningRule | GenerativeModel,
    tensors: dict[str, Tensor],
    kept: dict[int, dict[str, Tensor]],
    images: Images,
) -> tuple[list[Score], dict[str, Tensor]]:
    """Scores, and arrays for figures, of every measure of a model or of a learning rule.

    When a measure is called `tensors`, those of the subject, are as they are after the last epoch;
    it may leave others in them.
    """
    scores: list[Score] = []
    arrays: dict[str, Tensor] = {}
    named = run.experiment.resolved.get("evaluation", {}).get("measures", {})
    for name, settings in named.items():
        assign(tensors, kept[max(kept)])
        source = generator(run, "evaluation")
        measure: Measure = evaluated(run, name)
        found, more = measure(subject, images, kept, source, **settings)
        scores += found
        arrays |= more
    return scores, arrays
