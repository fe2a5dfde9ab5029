"""What is measured of a rule that has targets."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize

from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.score.learning_rule import probed
from replications.core.score.rows import assign
from replications.lee2015.rule import DifferenceTargetPropagation


def likeness(vectors: Tensor, labels: Tensor) -> float:
    """How alike the vectors, (N, n), of one class are: the mean cosine over its pairs.

    The vectors are taken from their mean over all N; `labels`: (N,). 1: those of a class point the
    same way; 0: in all directions. The mean over the classes of two vectors and more.
    """
    centred = normalize(vectors - vectors.mean(0), dim=1)
    found = []
    for label in labels.unique():
        those = centred[labels == label]  # (M, n), unit vectors
        pairs = len(those) * (len(those) - 1)
        if pairs:
            found.append((those.sum(0).square().sum() - len(those)) / pairs)
    return float(torch.stack(found).mean())


def likeness_of_targets(
    rule: DifferenceTargetPropagation,
    images: Images,
    kept: Mapping[int, Mapping[str, Tensor]],
    generator: Generator,
    *,
    count: int,
) -> tuple[list[Score], dict[str, Tensor]]:
    """`likeness` of each hidden layer's targets and of its activities, by epoch.

    Of the first `count` validation images. Targets that are alike where activities are not tell a
    layer the class and nothing else (derived: what an inverse loses is gone from the targets
    below it, unless the difference brings it back).
    """
    batch = probed(images, count)
    tensors, scores = rule.tensors, []
    for epoch, parameters in kept.items():
        assign(tensors, dict(parameters))
        _, activities = rule.passed(batch.inputs)
        for i, target in rule.targets(activities, batch.targets).items():
            for what, vectors in (("targets", target), ("activities", activities[i])):
                value = likeness(vectors, batch.labels)
                scores.append(Score(f"likeness_of_{what}", value, f"layer {i}", epoch))
    return scores, {}
