"""What the units of a layer sum, by epoch: whether inhibition centres and standardises it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Generator, Tensor

from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.learning import FeedForwardRule
from replications.core.score.learning_rule import probed
from replications.core.score.rows import assign


def inputs_of_layers(
    rule: FeedForwardRule,
    images: Images,
    kept: Mapping[int, Mapping[str, Tensor]],
    generator: Generator,
    *,
    count: int,
) -> tuple[list[Score], dict[str, Tensor]]:
    """Mean and standard deviation over a hidden layer's units of a_i, for each epoch that is kept.

    Means over the first `count` validation images. Those before training are parts of their own,
    too, so that a claim can be about them.
    """
    tensors, last = rule.tensors, max(kept)
    batch, scores = probed(images, count), []
    for epoch, parameters in kept.items():
        assign(tensors, dict(parameters))
        below = batch.inputs
        for i in range(1, rule.network.depth):
            summed = rule.network.summed(i, below)  # (N, n_i)
            below = rule.network.layer(i, below)
            moments = {"mean": summed.mean(1), "deviation": summed.std(1, correction=0)}
            for name, values in moments.items():
                found = Score(f"input_{name}", float(values.mean()), f"layer {i}", epoch)
                scores.append(found)
                if epoch == 0:
                    part = f"layer {i}, before training"
                    scores.append(Score(found.metric, found.value, part, last))
    return scores, {}
