"""Scores of a learning rule: its alignment with the gradient, and where that is measured."""

import pytest
import torch

from replications.core.data.datasets import Images, Split, load
from replications.core.learn.learning import Backpropagation, Batch
from replications.core.learn.networks import FeedForward
from replications.core.score.learning_rule import aligned, probed


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def network_and_batch(seed=0):
    network = FeedForward(
        layers=[5, 4, 4, 3], initialisation="orthogonal", units="tanh",
        cost="softmax_cross_entropy", generator=seeded(seed), dtype=torch.float64,
    )  # fmt: skip
    inputs = torch.rand(8, 5, generator=seeded(seed + 1), dtype=torch.float64)
    labels = torch.randint(3, (8,), generator=seeded(seed + 2))
    targets = torch.eye(3, dtype=torch.float64)[labels]
    return network, Batch(inputs, labels, targets, slice(0, 8))


class Bent(Backpropagation):
    """Back-propagation whose first layer goes uphill, three times as far."""

    def updates(self, batch):
        updates, monitor = super().updates(batch)
        return updates | {"W1": -3 * updates["W1"]}, monitor


def rows_by_key(rule_class):
    network, batch = network_and_batch()
    before = {name: p.clone() for name, p in network.parameters.items()}
    rule = rule_class(network=network, examples=8, generator=seeded(9))
    with torch.no_grad():
        scores = aligned(rule, batch, 7)
    assert all(torch.equal(network.parameters[name], p) for name, p in before.items())
    assert {s.step for s in scores} == {7}
    return {(s.metric, s.part): s.value for s in scores}


def test_back_propagation_is_the_gradient():
    found = rows_by_key(Backpropagation)
    metrics = ("cosine", "angle", "norm_ratio")
    assert set(found) == {(m, f"W{i}") for m in metrics for i in (1, 2, 3)}
    for i in (1, 2, 3):
        assert found["angle", f"W{i}"] < 0.01
        assert found["cosine", f"W{i}"] == pytest.approx(1, abs=1e-9)
        assert found["norm_ratio", f"W{i}"] == pytest.approx(1, rel=1e-9)


def test_an_update_uphill_and_its_length_are_seen_in_its_own_layer():
    found = rows_by_key(Bent)
    assert found["cosine", "W1"] == pytest.approx(-1, abs=1e-9)
    assert found["angle", "W1"] > 179.99
    assert found["norm_ratio", "W1"] == pytest.approx(3, rel=1e-9)
    assert found["angle", "W2"] < 0.01 and found["norm_ratio", "W2"] == pytest.approx(1)


def split(count, start):
    """Images that say which they are."""
    inputs = torch.arange(start, start + count, dtype=torch.float32)[:, None].repeat(1, 2)
    return Split(inputs, torch.arange(count) % 4)


@pytest.mark.parametrize(("held_out", "asked", "there"), [(120, 100, 100), (30, 100, 30)])
def test_probed_are_the_first_validation_images(held_out, asked, there):
    images = Images(split(50, 0), split(held_out, 10_000), split(70, 20_000))
    batch = probed(images, asked)
    assert batch.inputs[:, 0].tolist() == [10_000 + i for i in range(there)]
    assert torch.equal(batch.labels, images.validation.labels[:there])
    assert batch.rows == slice(0, there)
    assert batch.targets.dtype == batch.inputs.dtype and batch.targets.shape == (there, 4)
    assert torch.equal(batch.targets.argmax(1), batch.labels)
    assert batch.targets.sum(1).eq(1).all()


def test_no_probed_digit_is_a_training_or_a_test_image(tmp_path):
    images = load("digits", tmp_path)
    batch = probed(images, 1000)
    assert torch.equal(batch.inputs, images.validation.inputs)
    others = torch.cat([images.train.inputs, images.test.inputs])
    assert not (batch.inputs[:, None] == others).all(2).any()
