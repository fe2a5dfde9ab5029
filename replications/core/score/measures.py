"""The measures that an experiment names: functions of its paper's measures.py."""

from __future__ import annotations

from importlib import import_module

from torch import Tensor

from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.learning import LearningRule
from replications.core.learn.models import GenerativeModel
from replications.core.run.build import generator
from replications.core.run.runs import Run
from replications.core.score.rows import assign


def evaluated(run: Run, name: str):
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

    A measure is a function of that, the images, the parameters `kept` by epoch and a generator,
    with its settings as keyword-only arguments. When it is called `tensors`, those of the subject,
    are as they are after the last epoch; it may leave others in them.
    """
    scores: list[Score] = []
    arrays: dict[str, Tensor] = {}
    named = run.experiment.resolved.get("evaluation", {}).get("measures", {})
    for name, settings in named.items():
        assign(tensors, kept[max(kept)])
        source = generator(run, "evaluation")
        found, more = evaluated(run, name)(subject, images, kept, source, **settings)
        scores += found
        arrays |= more
    return scores, arrays
