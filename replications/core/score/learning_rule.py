"""Scores a trained classifier: error rates, and alignment with the gradient per layer."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import one_hot

from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.learning import Batch, LearningRule, errors
from replications.core.run.build import images_of, rule_of
from replications.core.run.runs import Run
from replications.core.score.estimators.alignment import alignment
from replications.core.score.measures import measured
from replications.core.score.rows import assign, curves, snapshots, write

def probed(images: Images, count: int) -> Batch:
    """The first `count` validation images, or all: fixed, and never trained on."""
    split = images.validation.first(min(count, len(images.validation)))
    targets = one_hot(split.labels, images.classes).to(split.inputs.dtype)
    return Batch(split.inputs, split.labels, targets, slice(0, len(split)))


def aligned(rule: LearningRule, batch: Batch, step: int) -> list[Score]:
    """Cosine, angle and norm ratio for each weight matrix."""
    updates = rule.estimate(batch)
    with torch.enable_grad():
        gradients = rule.gradient(batch)
    return [
        Score(metric, value, name, step)
        for name in gradients
        if name.startswith("W")
        for metric, value in alignment(updates[name], gradients[name]).items()
    ]


@torch.no_grad()
def score(run: Run) -> None:
    """Write scores.json, and arrays.npz: what the measures keep, if there are any.

    Where the evaluation names the images of an `alignment`, that of every snapshot is scored.
    """
    images = images_of(run)
    asked = run.experiment.resolved.get("evaluation", {}).get("alignment")
    batch = probed(images, asked["images"]) if asked else None
    rule = rule_of(run, examples=len(batch.labels) if batch else 1)
    scores = curves(run)
    tensors = rule.network.parameters | rule.parameters
    for epoch, parameters in snapshots(run).items():
        assign(tensors, parameters)
        if batch:
            scores += aligned(rule, batch, epoch)
    last = run.experiment.resolved["budget"]["epochs"]
    tested = errors(rule, images.test.inputs, images.test.labels, "test")
    scores += [Score(metric, value, step=last) for metric, value in tested.items()]
    found, arrays = measured(run, rule, tensors, images)
    np.savez(run.directory / "arrays.npz", **{n: t.cpu().numpy() for n, t in arrays.items()})
    write(run, scores + found)
