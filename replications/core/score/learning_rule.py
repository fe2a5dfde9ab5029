"""Scores a trained classifier: error rates, and alignment with the gradient per layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import torch
from torch.nn.functional import one_hot

from replications.core.base.arrays import write_arrays
from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.learning import Batch, Updates, errors
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


class Aligned(Protocol):
    """A rule whose updates can be compared with a gradient."""

    def estimate(self, batch: Batch) -> Updates:
        """The updates of a batch outside the training set."""

    def gradient(self, batch: Batch) -> Updates:
        """The gradient of the network's cost, by parameter."""


def aligned(rule: Aligned, batch: Batch, step: int) -> list[Score]:
    """Cosine, angle and norm ratio of update and gradient, for each weight matrix."""
    updates = rule.estimate(batch)
    with torch.enable_grad():
        gradients = rule.gradient(batch)
    return [
        Score(metric, value, name, step)
        for name in gradients
        if name.startswith("W")
        for metric, value in alignment(updates[name], gradients[name]).items()
    ]


def by_selection(monitored: Sequence[Score], last: int) -> list[Score]:
    """What choosing an epoch makes of the test error, where it was monitored in every epoch.

    best_test_error: the smallest of all epochs, as if the test images were there to choose by;
    test_error_chosen: that of the epoch with the smallest validation error, of the first such.
    """
    tested = {s.step: s.value for s in monitored if s.metric == "test_error_by_epoch"}
    if not tested:
        return []
    held_out = {s.step: s.value for s in monitored if s.metric == "validation_error"}
    chosen = min(held_out, key=held_out.__getitem__)
    values = {"best_test_error": min(tested.values()), "test_error_chosen": tested[chosen]}
    return [Score(metric, value, step=last) for metric, value in values.items()]


@torch.no_grad()
def score(run: Run) -> None:
    """Write scores.json, and arrays.npz: what the measures keep, if there are any.

    Where the evaluation names the images of an `alignment`, that of every snapshot is scored.
    """
    images, kept = images_of(run), snapshots(run)
    asked = run.experiment.resolved.get("evaluation", {}).get("alignment")
    batch = probed(images, asked["images"]) if asked else None
    rule = rule_of(run, examples=len(batch.labels) if batch else 1)
    scores = curves(run)
    tensors = rule.tensors
    for epoch, parameters in kept.items():
        assign(tensors, parameters)
        if batch:
            scores += aligned(cast(Aligned, rule), batch, epoch)
    last = run.experiment.resolved["budget"]["epochs"]
    assign(tensors, kept[last])  # an alignment has left others in the buffers
    tested = errors(rule, images.test.inputs, images.test.labels, "test")
    scores += by_selection(scores, last)
    scores += [Score(metric, value, step=last) for metric, value in tested.items()]
    found, arrays = measured(run, rule, tensors, kept, images)
    write_arrays(run.directory, arrays)
    write(run, scores + found)
