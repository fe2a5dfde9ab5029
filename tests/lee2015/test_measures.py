"""How alike the targets of a class are, against pairs written out."""

import numpy as np
import pytest
import torch

from replications.core.data.datasets import Images, Split
from replications.core.learn.networks import FeedForward
from replications.lee2015.ablations.uncorrected import TargetPropagation
from replications.lee2015.measures import likeness, likeness_of_targets
from tests.feed_forward import build


def by_pairs(vectors, labels):
    d = vectors - vectors.mean(0)
    found = []
    for c in set(labels):
        mine = [k for k, label in enumerate(labels) if label == c]
        cosines = [
            d[i] @ d[j] / np.linalg.norm(d[i]) / np.linalg.norm(d[j])
            for i in mine for j in mine if i < j
        ]  # fmt: skip
        if cosines:
            found.append(np.mean(cosines))
    return np.mean(found)


def test_likeness_is_the_mean_cosine_over_pairs_of_a_class():
    vectors = np.random.default_rng(0).normal(size=(9, 4))
    labels = [0, 1, 0, 2, 1, 0, 3, 2, 2]  # class 3 has no pair
    found = likeness(torch.tensor(vectors), torch.tensor(labels))
    assert found == pytest.approx(by_pairs(vectors, labels))


def test_vectors_that_are_the_classes_are_alike():
    labels = torch.tensor([0, 0, 1, 1])
    vectors = torch.tensor([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [-2.0, 0.0]])
    assert likeness(vectors, labels) == pytest.approx(1.0)


def test_targets_that_an_inverse_makes_equal_are_told_by_layer_and_epoch():
    rule, batch = build(TargetPropagation, FeedForward, alpha=0.3, noise=0.2)
    split = Split(batch.inputs, batch.labels)
    kept = {0: {n: p.clone() for n, p in (rule.network.parameters | rule.parameters).items()}}
    kept[2] = {n: p.clone() for n, p in kept[0].items()}
    # An inverse that passes on one unit alone: all that its targets can say is one number.
    kept[2]["V2"].zero_()[:, 0] = 1e-3
    kept[2]["V2"][1:] = 0
    images = Images(split, split, split)
    scores, arrays = likeness_of_targets(rule, images, kept, torch.Generator(), count=6)
    assert arrays == {}
    found = {(s.metric, s.part, s.step): s.value for s in scores}
    layers = ("layer 1", "layer 2", "layer 3")
    assert set(found) == {
        (f"likeness_of_{what}", layer, epoch)
        for what in ("targets", "activities") for layer in layers for epoch in (0, 2)
    }  # fmt: skip
    activities = rule.network.activities(batch.inputs)
    for i in (1, 2, 3):
        expected = by_pairs(activities[i].numpy(), batch.labels.tolist())
        assert found["likeness_of_activities", f"layer {i}", 2] == pytest.approx(expected)
    targets = rule.targets(activities, batch.targets)
    for i in (1, 2, 3):
        expected = by_pairs(targets[i].numpy(), batch.labels.tolist())
        assert found["likeness_of_targets", f"layer {i}", 2] == pytest.approx(expected)
