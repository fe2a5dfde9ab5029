"""Scores of a learning rule: its alignment with the gradient, and where that is measured."""

import json
from dataclasses import replace

import pytest
import torch

from replications.core.base.scores import Score
from replications.core.data.datasets import Images, Split, load
from replications.core.declare.papers import suite
from replications.core.learn.learning import Backpropagation, Batch
from replications.core.learn.networks import FeedForward
from replications.core.run.runs import Run
from replications.core.score import learning_rule
from replications.core.score.learning_rule import aligned, by_selection, probed
from replications.core.score.rows import snapshots
from replications.core.steps import jobs


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


def test_what_choosing_an_epoch_makes_of_the_test_error():
    """By the first of the smallest validation errors, and as if by the test images."""
    curves = {"validation_error": [3, 2, 2, 4], "test_error_by_epoch": [5, 9, 1, 7]}
    monitored = [Score(metric, value, step=epoch) for metric, values in curves.items()
                 for epoch, value in enumerate(values, start=1)]  # fmt: skip
    found = {s.metric: (s.value, s.step) for s in by_selection(monitored, 4)}
    assert found == {"best_test_error": (1, 4), "test_error_chosen": (9, 4)}
    assert by_selection([s for s in monitored if s.metric == "validation_error"], 4) == []


def test_the_test_error_is_monitored_where_the_training_says_so(tmp_path):
    """In every epoch; that after the last is the test error of the scores."""
    experiment = suite().experiment("bartunov2018", "backpropagation", "smoke")
    short = experiment.resolved | {"budget": {"epochs": 2, "examples": 200}}
    run = Run(replace(experiment, resolved=short), "smoke", 0, tmp_path / "run", tmp_path / "data",
              hashes={"code": "", "config": "", "data": ""})  # fmt: skip
    with run.writing():
        jobs.train(run)
        jobs.score(run)
    rows = json.loads((run.directory / "scores.json").read_text())["rows"]
    by_epoch = {r["step"]: r["value"] for r in rows if r["metric"] == "test_error_by_epoch"}
    (last,) = (r["value"] for r in rows if r["metric"] == "test_error")
    assert set(by_epoch) == {1, 2} and by_epoch[2] == last


def test_the_test_images_are_answered_by_the_statistics_of_the_training(tmp_path, monkeypatch):
    """An alignment counts in the running means of a normalised network; its answers come after."""
    experiment = suite().experiment("liao2016", "normalised_backpropagation", "smoke")
    short = experiment.resolved | {"budget": {"epochs": 1, "examples": 128}}
    hashes = {"code": "", "config": "", "data": ""}
    run = Run(replace(experiment, resolved=short), "smoke", 0, tmp_path / "run", tmp_path / "data",
              hashes=hashes)  # fmt: skip
    with run.writing():
        jobs.train(run)
        seen = {}

        def answered(rule, *_):
            seen.update({name: buffer.clone() for name, buffer in rule.network.buffers.items()})
            return {"test_error": 0.0}

        monkeypatch.setattr(learning_rule, "errors", answered)
        jobs.score(run)
    trained = snapshots(run)[1]
    assert len(seen) == 8 and all(torch.equal(seen[name], trained[name]) for name in seen)
