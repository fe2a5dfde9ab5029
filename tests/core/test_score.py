"""Scores of finished runs, and the commands that make them: exit codes and what is told."""

import itertools
import json
import logging
import math
import re
import shutil
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from replications import commands
from replications.__main__ import arguments, main
from replications.core import classifier, papers
from replications.core.datasets import Images, Split, load
from replications.core.learning import Backpropagation, Batch
from replications.core.metrics import METRICS
from replications.core.networks import FeedForward
from replications.core.runs import Run
from replications.core.score import fidelity, learning_rule
from replications.core.score import model as scoring
from replications.core.score.learning_rule import aligned, probe
from replications.core.score.parzen import log_likelihoods
from replications.core.score.rows import assign, row, snapshots
from replications.core.tables import rows_of
from replications.core.train.minibatch import generator


def seeded(seed):
    return torch.Generator().manual_seed(seed)


# Rows


def test_a_row_is_a_metric_of_a_layer_at_a_step():
    expected = {"metric": "cosine", "layer": "W1", "step": 3, "value": 0.5}
    assert row("cosine", 0.5, layer="W1", step=3) == expected
    assert row("cosine", 0.5, step=3) == expected | {"layer": ""}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_no_number_that_is_none_becomes_a_row(bad):
    with pytest.raises(ValueError, match=f"cosine W1 at step 3 is {bad}"):
        row("cosine", bad, layer="W1", step=3)


# A generative model: a toy one, on digits

SETS = ("parzen", "parzen_validation", "sigma", "parzen_chosen")  # of every set of samples
FEATURES = ("frechet", "precision", "recall", "density", "coverage", "two_sample")
ANCHORS = ("real images", "k-means", "mean image", "gaussian")
LIKELIHOOD = ("log_likelihood", "log_likelihood_gap", "observation_sd", "acceptance")
SIGMAS = [0.1, 0.3, 0.5]
TINY = {"images": 3, "temperatures": 3, "leapfrogs": 2, "chains": 2, "transitions": 4}


class Toy:
    """Digits through one layer; its chain draws anew in every step."""

    latents = 2

    def __init__(self, *, gain, generator, device):
        self.parameters = {"weight": gain * torch.randn(2, 64, generator=generator)}
        self.buffers = {"bias": torch.zeros(64)}

    def decoder(self, sampler):
        scale = {"direct": 1.0, "twice": 2.0}[sampler]
        weight, bias = self.parameters["weight"], self.buffers["bias"]
        return lambda z: torch.sigmoid(scale * z @ weight + bias)

    def direct(self, count, generator):
        return self.decoder("direct")(torch.randn(count, 2, generator=generator))

    def redrawn(self, count, generator):
        while True:
            yield self.direct(count, generator)


def fading(model, count, generator):
    """A chain of a paper's samplers: after step n, the n-th power of what was drawn first."""
    x = model.direct(count, generator)
    for step in range(4):  # as far as any test asks: one step more ends the chain
        yield x ** (step + 1)
    pytest.fail("a step more than the largest was computed")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with a classifier of digits, hardly trained."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fidelity, "STEPS", 20)
        classifier.train("digits", folder, "cpu")
    return folder


@pytest.fixture
def digits(data):
    return load("digits", data)


@pytest.fixture
def finished(tmp_path, data, monkeypatch):
    """A function: a run of the toy, trained for two epochs, under an evaluation."""
    monkeypatch.setitem(sys.modules, "toy.samplers", SimpleNamespace(fading=fading))

    def run(**evaluation):
        experiment = SimpleNamespace(
            paper="toy", name="toy", data="digits", science=(__name__, "Toy"),
            evaluated=["toy.samplers", "toy.measures"],
            resolved={
                "settings": {"gain": 1.0}, "budget": {"epochs": 2},
                "evaluation": {"samples": 30, "samplers": ["direct"], "sigmas": SIGMAS}
                | evaluation,
            },
        )  # fmt: skip
        trained = {
            f"{epoch}/{name}": torch.randn(shape, generator=seeded(seed))
            for seed, (epoch, name, shape) in enumerate(
                (e, n, s) for e in (0, 1, 2) for n, s in (("weight", (2, 64)), ("bias", (64,)))
            )
        }
        save_file(trained, tmp_path / "parameters.safetensors")
        (tmp_path / "curves.csv").write_text("step,metric,layer,value\n1,local_loss,g,0.5\n")
        told = {"hashes": {}, "device": "cpu", "commit": "", "share": 1, "seconds": 1}
        (tmp_path / "run.json").write_text(json.dumps(told))
        return Run(experiment, "smoke", 0, tmp_path, data)

    return run


def restored(run):
    """The toy as its run left it."""
    toy = Toy(gain=1.0, generator=seeded(0), device="cpu")
    assign(toy.parameters | toy.buffers, snapshots(run)[2])
    return toy


def table(rows):
    """Rows by metric, layer and step, each once."""
    found = {(r["metric"], r["layer"], r["step"]): r["value"] for r in rows}
    assert len(found) == len(rows)
    return found


def scored(run):
    """What scoring writes: rows by metric, layer and step, and the arrays."""
    scoring.score(run)
    with np.load(run.directory / "arrays.npz") as arrays:
        kept = dict(arrays)
    return table(json.loads((run.directory / "scores.json").read_text())["rows"]), kept


def other_test(images):
    """The same images, but for the test's, which are negatives."""
    return replace(images, test=Split(1 - images.test.inputs, images.test.labels))


def other_validation(images):
    return replace(images, validation=Split(1 - images.validation.inputs, images.validation.labels))


# Samples and chains


@pytest.mark.parametrize("count", [1, 9, 10, 11, 25])
@pytest.mark.parametrize("steps", [[0], [3, 0, 1], [2, 7]])
def test_chains_are_kept_after_the_asked_steps_and_moved_no_further(monkeypatch, count, steps):
    monkeypatch.setattr(scoring, "BATCH", 10)
    moved = []

    def states(size, source):
        x = torch.rand(size, 3, generator=source)
        for step in itertools.count():
            moved.append((size, step))
            yield x + step

    found = scoring.visited(states, count, seeded(5), steps)
    sizes = {1: [1], 9: [9], 10: [10], 11: [10, 1], 25: [10, 10, 5]}[count]
    assert moved == [(size, step) for size in sizes for step in range(max(steps) + 1)]
    source = seeded(5)
    starts = torch.cat([torch.rand(size, 3, generator=source) for size in sizes])
    assert set(found) == set(steps)
    assert all(torch.equal(x, starts + step) for step, x in found.items())


def test_samples_of_a_chain_are_those_of_its_last_step_and_likelihoods_carry_theirs(
    finished, digits
):
    run = finished(chains={"redrawn": [5, 0, 2], "fading": [3, 1]})
    toy, test = restored(run), digits.test.inputs
    samples, rows = scoring.drawn(run, toy, test)
    source = generator(run, "evaluation")
    redrawn = [toy.direct(30, source) for _ in range(6)]
    assert list(samples) == ["direct", "redrawn", "fading"]
    assert torch.equal(samples["direct"], redrawn[0])  # all start from the same draws
    assert torch.equal(samples["redrawn"], redrawn[5])
    assert torch.equal(samples["fading"], redrawn[0] ** 4)
    at = {("redrawn", n): redrawn[n] for n in (0, 2, 5)}
    at |= {("fading", n): redrawn[0] ** (n + 1) for n in (1, 3)}
    assert table(rows) == {
        ("chain_parzen", *key): float(log_likelihoods(test, x, [0.2]).mean())
        for key, x in at.items()
    }


def test_a_chain_of_the_model_stands_before_one_of_the_paper(finished):
    run = finished(chains={"direct": [1]})
    toy = restored(run)
    assert scoring.chain(run, toy, "direct") == toy.direct
    assert scoring.chain(run, toy, "fading").func is fading


# Anchors, and fidelity in features


@pytest.mark.parametrize("asked", [{}, {"anchors": False}, {"anchors": True}])
def test_anchors_are_scored_where_asked_and_shown_nowhere(finished, asked):
    rows, arrays = scored(finished(**asked, chains={"fading": [0]}))
    sets = {"direct", "fading"} | (set(ANCHORS) if asked.get("anchors") else set())
    expected = {(metric, name, 2) for metric in SETS for name in sets}
    expected |= {("local_loss", "g", 1), ("chain_parzen", "fading", 0)}
    assert set(rows) == expected
    assert set(arrays) == {"samples_direct", "samples_fading"}


def test_no_more_samples_are_kept_than_the_figure_shows(finished):
    run = finished(samples=120)
    kept = scored(run)[1]["samples_direct"]
    everything = restored(run).direct(120, generator(run, "evaluation"))
    assert np.array_equal(kept, everything[:100].numpy())


def test_a_set_has_fidelity_only_if_it_is_larger_than_the_neighbours(finished, digits):
    run = finished(neighbours=5)
    x = restored(run).direct(30, seeded(1))
    samples = {"five": x[:5], "six": x[:6], "one": x[:1], "all": x}
    found = table(scoring.qualities(run, digits, samples, 2))
    assert set(found) == {(m, name, 2) for m in SETS for name in samples} | {
        (m, name, 2) for m in FEATURES for name in ("six", "all")
    }


def test_fidelity_is_of_the_test_images_in_features_of_the_kept_classifier(finished, digits, data):
    run, parameters = finished(neighbours=3), classifier.read("digits", data, "cpu")
    for x in (digits.test.inputs[:50], 1 - digits.test.inputs[:50]):
        found = table(scoring.qualities(run, digits, {"x": x}, 2))
        real, fake = (fidelity.features(parameters, i).double() for i in (digits.test.inputs, x))
        radii = fidelity.neighbour_distances(real, 3)
        expected = fidelity.precision_recall_density_coverage(real, fake, radii=radii, k=3)
        expected["frechet"] = fidelity.frechet(real, fake)
        assert {m: found[m, "x", 2] for m in expected} == expected
    real = table(scoring.qualities(run, digits, {"x": digits.test.inputs}, 2))
    assert real["precision", "x", 2] == real["coverage", "x", 2] == 1
    assert real["frechet", "x", 2] == pytest.approx(0, abs=1e-6)


def test_a_missing_classifier_is_asked_for_only_where_features_are_compared(
    finished, digits, tmp_path
):
    empty = tmp_path / "empty"
    samples = {"x": digits.validation.inputs[:10]}
    plain = replace(finished(), data=empty)
    assert set(table(scoring.qualities(plain, digits, samples, 2))) == {(m, "x", 2) for m in SETS}
    told = "digits.safetensors is missing: run `python -m replications classifier digits` first"
    with pytest.raises(ValueError, match=re.escape(told)):
        scoring.qualities(replace(finished(neighbours=3), data=empty), digits, samples, 2)


# What may choose: validation images, never test images


def test_the_kernel_width_comes_from_validation_images(finished, digits):
    samples = {"x": digits.validation.inputs}  # as near as can be: the smallest width is best
    run = finished()
    same, test, validation = (
        {metric: value for (metric, _, _), value in table(rows).items()}
        for rows in (
            scoring.qualities(run, images, samples, 2)
            for images in (digits, other_test(digits), other_validation(digits))
        )
    )
    assert same["sigma"] == test["sigma"] == 0.1 and validation["sigma"] == 0.5
    assert same["parzen_validation"] == test["parzen_validation"] > validation["parzen_validation"]
    assert same["parzen"] == validation["parzen"] > test["parzen"]
    assert same["parzen_chosen"] > test["parzen_chosen"]


def test_the_observation_width_comes_from_the_first_validation_images(finished, digits):
    run = finished(likelihood={"direct": TINY})

    def measured(images):
        found = table(scoring.likelihoods(run, restored(run), images, 2))
        assert set(found) == {(metric, "direct", 2) for metric in LIKELIHOOD}
        return {metric: value for (metric, _, _), value in found.items()}

    same = measured(digits)
    tested, validated = measured(other_test(digits)), measured(other_validation(digits))
    assert tested["observation_sd"] == same["observation_sd"] != validated["observation_sd"]
    assert tested["log_likelihood_gap"] == same["log_likelihood_gap"] != 0  # of its own images
    assert tested["log_likelihood"] != same["log_likelihood"]
    first = replace(digits, validation=digits.validation.first(3), test=digits.test.first(3))
    assert measured(first) == same == measured(digits)


def test_likelihood_rows_of_a_decoder_that_ignores_its_latents_are_exact(finished, digits):
    """p(x) is then one normal around its image, as wide as validation images are far from it."""
    run = finished(likelihood={"direct": TINY})
    toy = restored(run)
    toy.parameters["weight"].zero_()
    image = torch.sigmoid(toy.buffers["bias"]).double()
    residuals = [x.first(3).inputs.double() - image for x in (digits.validation, digits.test)]
    width = math.sqrt(residuals[0].square().mean())
    log_p = torch.distributions.Normal(0.0, width).log_prob(residuals[1]).sum(1)
    found = table(scoring.likelihoods(run, toy, digits, 2))
    assert found["observation_sd", "direct", 2] == pytest.approx(width, rel=1e-5)
    assert found["log_likelihood", "direct", 2] == pytest.approx(float(log_p.mean()), rel=1e-5)
    assert found["log_likelihood_gap", "direct", 2] == pytest.approx(0, abs=1e-3)
    assert 0.5 < found["acceptance", "direct", 2] <= 1


def test_test_images_change_nothing_but_what_is_measured_on_them(finished, digits, monkeypatch):
    run = finished(
        chains={"fading": [1]}, neighbours=5, anchors=True,
        likelihood={"direct": TINY, "twice": TINY},
    )  # fmt: skip
    (before, kept), (again, kept_again) = scored(run), scored(run)
    assert before == again
    monkeypatch.setattr(scoring, "load", lambda name, root: other_test(load(name, root)))
    after, kept_after = scored(run)
    assert set(after) == set(before)
    assert all(before[m, "direct", 2] != before[m, "twice", 2] for m in LIKELIHOOD)
    moved = {key[0] for key in before if before[key] != after[key]}
    assert {"parzen", "parzen_chosen", "chain_parzen", "log_likelihood", "frechet"} <= moved
    still = {"local_loss", "sigma", "parzen_validation", "observation_sd", "log_likelihood_gap"}
    assert not moved & still and still <= {metric for metric, _, _ in before}
    for name, array in kept.items():
        assert np.array_equal(array, kept_again[name]) and np.array_equal(array, kept_after[name])


@pytest.mark.parametrize(
    ("evaluation", "told"),
    [
        ({}, "parzen direct at step 2 is nan"),
        ({"samplers": [], "chains": {"fading": [0, 1]}}, "chain_parzen fading at step 0 is nan"),
        (
            {"samplers": [], "likelihood": {"direct": TINY}},
            "log_likelihood direct at step 2 is nan",
        ),
    ],
    ids=["sampler", "chain", "decoder"],
)
def test_a_model_that_makes_no_numbers_has_no_scores(finished, evaluation, told):
    run = finished(**evaluation)
    tensors = load_file(run.directory / "parameters.safetensors")
    tensors["2/bias"][0] = math.nan
    save_file(tensors, run.directory / "parameters.safetensors")
    with pytest.raises(ValueError, match=f"^{told}"):
        scoring.score(run)
    assert not (run.directory / "scores.json").exists()


# The paper's own measures


def test_every_measure_meets_the_last_snapshot_and_its_rows_keep_layer_and_step(
    finished, digits, monkeypatch
):
    run, met = finished(measures={"later": {"scale": 2.0}, "earlier": {"scale": 3.0}}), []
    kept = snapshots(run)

    def measure(name):
        def measured(model, images, snapshots, source, *, scale):
            last = model.parameters | model.buffers
            met.append((name, scale, float(torch.rand(1, generator=source))))
            assert list(snapshots) == [0, 1, 2] and set(last) == set(kept[2])
            assert all(torch.equal(last[n], t) for n, t in kept[2].items())
            assert torch.equal(images.test.inputs, digits.test.inputs)
            assign(last, snapshots[0])  # and leaves it there
            rows = [("cosine", name, epoch, scale * epoch) for epoch in snapshots]
            return [*rows, ("angle", "", 7 + len(met), scale)], {name: last["bias"].clone()}

        return measured

    module = SimpleNamespace(later=measure("later"), earlier=measure("earlier"))
    monkeypatch.setitem(sys.modules, "toy.measures", module)
    rows, arrays = scored(run)
    own = {key: value for key, value in rows.items() if key[0] in ("cosine", "angle")}
    assert own == {
        ("cosine", "later", 0): 0.0, ("cosine", "later", 1): 2.0, ("cosine", "later", 2): 4.0,
        ("cosine", "earlier", 0): 0.0, ("cosine", "earlier", 1): 3.0, ("cosine", "earlier", 2): 6.0,
        ("angle", "", 8): 2.0, ("angle", "", 9): 3.0,
    }  # fmt: skip
    drawn = float(torch.rand(1, generator=generator(run, "evaluation")))
    assert met == [("later", 2.0, drawn), ("earlier", 3.0, drawn)]
    assert set(arrays) == {"samples_direct", "later", "earlier"}
    assert all(np.array_equal(arrays[n], kept[0]["bias"].numpy()) for n in ("later", "earlier"))


# Alignment of a learning rule


def network_and_batch(seed=0):
    network = FeedForward(
        layers=[5, 4, 4, 3], initialisation="orthogonal", generator=seeded(seed),
        dtype=torch.float64,
    )  # fmt: skip
    inputs = torch.rand(8, 5, generator=seeded(seed + 1), dtype=torch.float64)
    labels = torch.randint(3, (8,), generator=seeded(seed + 2))
    targets = torch.eye(3, dtype=torch.float64)[labels]
    return network, Batch(inputs, labels, targets, slice(0, 8))


class Bent(Backpropagation):
    """Back-propagation whose first layer goes uphill, three times as far."""

    def updates(self, network, batch):
        updates, monitor = super().updates(network, batch)
        return updates | {"W1": -3 * updates["W1"]}, monitor


def rows_by_key(rule_class):
    network, batch = network_and_batch()
    before = {name: p.clone() for name, p in network.parameters.items()}
    rule = rule_class(network=network, examples=8, generator=seeded(9))
    with torch.no_grad():
        rows = aligned(rule, network, batch, 7)
    assert all(torch.equal(network.parameters[name], p) for name, p in before.items())
    assert {r["step"] for r in rows} == {7}
    return {(r["metric"], r["layer"]): r["value"] for r in rows}


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


@pytest.mark.parametrize(("held_out", "probed"), [(1200, 1000), (30, 30)])
def test_the_probe_is_the_first_validation_images(held_out, probed):
    images = Images(split(50, 0), split(held_out, 10_000), split(70, 20_000))
    batch = probe(images)
    assert batch.inputs[:, 0].tolist() == [10_000 + i for i in range(probed)]
    assert torch.equal(batch.labels, images.validation.labels[:probed])
    assert batch.rows == slice(0, probed)
    assert batch.targets.dtype == batch.inputs.dtype and batch.targets.shape == (probed, 4)
    assert torch.equal(batch.targets.argmax(1), batch.labels)
    assert batch.targets.sum(1).eq(1).all()


def test_no_probed_digit_is_a_training_or_a_test_image(tmp_path):
    images = load("digits", tmp_path)
    batch = probe(images)
    assert torch.equal(batch.inputs, images.validation.inputs)
    others = torch.cat([images.train.inputs, images.test.inputs])
    assert not (batch.inputs[:, None] == others).all(2).any()


# The commands, end to end


@pytest.fixture
def run(tmp_path, caplog, monkeypatch):
    """A function that runs a command in a folder of its own; returns its exit code and its log."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    caplog.set_level(logging.INFO)

    def command(*words):
        caplog.clear()
        places = ["--results", str(tmp_path / "results"), "--data", str(tmp_path / "data")]
        return main([*places, *words]), caplog.text

    command.directory = tmp_path / "results" / "smoke" / "runs"
    return command


def shortened(monkeypatch, **changes):
    """Have every experiment changed in what it resolves to, section by section."""
    original = papers.Suite.experiment

    def experiment(self, paper, name, tier):
        found = original(self, paper, name, tier)
        return replace(found, resolved=papers.merge(found.resolved, changes))

    monkeypatch.setattr(papers.Suite, "experiment", experiment)


SIMULATION = ("bengio2015", "stdp_spread", "1", "--tier", "smoke")
RULE = ("scellier2017", "mnist_1h", "0", "--tier", "smoke", "--device", "cpu")


def test_a_simulation_is_scored_by_what_stands_beside_it(run):
    assert run("train", *SIMULATION)[0] == 0
    assert run("score", *SIMULATION)[0] == 0
    directory = run.directory / "bengio2015" / "stdp_spread" / "1"
    scores = json.loads((directory / "scores.json").read_text())
    assert (scores["paper"], scores["experiment"], scores["run"]) == (*SIMULATION[:2], 1)
    trained = json.loads((directory / "run.json").read_text())
    assert scores["train"]["hashes"] == trained["hashes"] and trained["device"] == "cpu"
    experiment = papers.Suite().experiment("bengio2015", "stdp_spread", "smoke")
    assert scores["hashes"] | {"data": ""} == experiment.hashes("score") | {"data": ""}
    found = {(r["metric"], r["layer"]): r["value"] for r in scores["rows"]}
    assert found["r2_exponential", "potentiation"] > 0.95
    assert found["sign_agreement", "depression"] == 1.0
    assert len(rows_of(scores)) == len(scores["rows"]) == 16
    with np.load(directory / "arrays.npz") as arrays:
        assert set(arrays) == {"delta_t", "delta_w", "delta_w_se", "count"}
        late = arrays["delta_t"] > 0
        assert late.sum() == 25 and (arrays["delta_w"][late] > 0).all()


def test_scoring_again_gives_the_same_file(run, monkeypatch):
    shortened(monkeypatch, budget={"epochs": 1, "examples": 100})
    directory = run.directory / "scellier2017" / "mnist_1h" / "0"
    assert run("train", *RULE)[0] == 0
    trained = {p.name: p.read_bytes() for p in directory.iterdir()}
    texts = []
    for _ in range(2):
        assert run("score", *RULE)[0] == 0
        texts.append((directory / "scores.json").read_bytes())
        (directory / "scores.json").unlink()
    assert texts[0] == texts[1]
    assert all((directory / name).read_bytes() == content for name, content in trained.items())
    rows = json.loads(texts[0])["rows"]
    steps = {
        m: sorted({r["step"] for r in rows if r["metric"] == m}) for m in ("angle", "test_error")
    }
    assert steps == {"angle": [0, 1], "test_error": [1]}
    assert {r["layer"] for r in rows if r["metric"] == "angle"} == {"W1", "W2"}


def test_alignment_is_measured_on_the_validation_images(run, monkeypatch):
    shortened(monkeypatch, budget={"epochs": 1, "examples": 100})
    seen = []
    original = learning_rule.aligned
    monkeypatch.setattr(
        learning_rule, "aligned", lambda *given: seen.append(given[2]) or original(*given)
    )
    assert run("train", *RULE)[0] == run("score", *RULE)[0] == 0
    held_out = load("digits", run.directory.parents[2] / "data").validation
    assert len(seen) == 2 and all(torch.equal(b.inputs, held_out.inputs) for b in seen)


FEW = {"images": 2, "temperatures": 3, "leapfrogs": 1, "chains": 2, "transitions": 2}
SMALL = {
    "samples": 50,
    "likelihood": {"ancestral": FEW, "generate": FEW},
    "measures": {"target_propagation": {"count": 20}, "inpainting": {"count": 10, "rounds": 1}},
}
OWN = {  # metric -> layers that its rows have in the deep generative model
    "log_joint": {"before inference", "after inference"},
    "log_prior": {"before inference", "after inference"},
    "log_joint_rises": {""},
    **{m: {"h1", "h2", "h1 noisy", "h2 noisy"} for m in ("cosine", "angle", "norm_ratio")},
    "inpainting_error": {
        f"{filler}, {part} visible"
        for filler in ("model", "mean image", "nearest neighbour")
        for part in ("left", "right", "top", "bottom", "random half")
    },
}  # fmt: skip


def model_words(name):
    return "bengio2015", name, "0", "--tier", "smoke", "--device", "cpu"


def scored_twice(run, name):
    """The rows of a run that is trained and scored; scored again, every byte is the same."""
    words, directory = model_words(name), run.directory / "bengio2015" / name / "0"
    assert run("train", *words)[0] == 0
    files = []
    for _ in range(2):
        assert run("score", *words)[0] == 0
        files.append([(directory / f).read_bytes() for f in ("scores.json", "arrays.npz")])
        (directory / "scores.json").unlink()
    assert files[0] == files[1]
    scores = json.loads(files[0][0])
    assert len(rows_of(scores)) == len(scores["rows"])
    found = table(scores["rows"])
    assert {metric for metric, _, _ in found} <= set(METRICS)
    assert all(math.isfinite(value) for value in found.values())
    with np.load(directory / "arrays.npz") as arrays:
        return found, dict(arrays)


def quality_keys(evaluation, anchored, step):
    """What samples, chains and anchors are scored by; k-means has but five images."""
    chains = evaluation.get("chains", {})
    sets = {*evaluation["samplers"], *chains, *anchored}
    keys = {(metric, name, step) for metric in SETS for name in sets}
    keys |= {(m, name, step) for m in FEATURES for name in sets - {"k-means", "mean image"}}
    return keys | {("chain_parzen", name, n) for name in chains for n in chains[name]}


def test_a_deep_generative_model_from_training_to_scores(run, data, monkeypatch):
    name, changes = "deep_generative_model", {"budget": {"epochs": 1, "examples": 200}}
    shortened(monkeypatch, **changes, evaluation=SMALL)
    shutil.copytree(data, run.directory.parents[2] / "data")
    found, arrays = scored_twice(run, name)
    evaluation = papers.Suite().experiment("bengio2015", name, "smoke").resolved["evaluation"]
    expected = quality_keys(evaluation, ANCHORS, 1)
    expected |= {(m, x, 1) for m in LIKELIHOOD for x in ("ancestral", "generate")}
    curves = {key for key in found if key[0] == "local_loss"}
    own = {key for key in found if key[0] in OWN}
    assert set(found) - curves - own == expected and len(curves) == 4
    assert {(metric, layer) for metric, layer, _ in own} == {(m, x) for m in OWN for x in OWN[m]}
    epochs = {epoch for metric, _, epoch in own if metric == "cosine"}
    assert epochs == {0, 1} and {e for m, _, e in own if m in ("log_joint", "log_prior")} == {1}
    (start,) = {found["chain_parzen", name, 0] for name in evaluation["chains"]}
    assert start == pytest.approx(found["parzen", "ancestral", 1], rel=1e-5)
    samples = {f"samples_{x}" for x in ("ancestral", "generate", *evaluation["chains"])}
    assert samples < set(arrays)
    assert all(arrays[x].shape == (50, 64) for x in samples)
    assert arrays["log_joint_mean"].shape == arrays["log_joint_se"].shape == (21,)
    assert arrays["inpainting_left visible"].shape == (4, 10, 64)


def test_a_baseline_from_training_to_scores(run, monkeypatch):
    """A restricted Boltzmann machine; the classifier comes from the command that is named."""
    name, words = "restricted_boltzmann_machine", model_words("restricted_boltzmann_machine")
    budget, evaluation = {"epochs": 2, "examples": 200}, {"samples": 50}
    shortened(monkeypatch, budget=budget, settings={"chain_steps": 3}, evaluation=evaluation)
    monkeypatch.setattr(fidelity, "STEPS", 20)
    assert run("train", *words)[0] == 0
    code, log = run("score", *words)
    directory = run.directory / "bengio2015" / name / "0"
    assert code == 1 and "Traceback" not in log and not (directory / "scores.json").exists()
    (command,) = re.findall(r"run `python -m replications (.*)` first", log)
    assert run(*command.split())[0] == 0
    found, arrays = scored_twice(run, name)
    resolved = papers.Suite().experiment("bengio2015", name, "smoke").resolved
    curves = {key for key in found if key[0] == "local_loss"}
    assert curves and set(found) - curves == quality_keys(resolved["evaluation"], (), 2)
    assert set(arrays) == {"samples_chain"} and arrays["samples_chain"].shape == (50, 64)


DIVERGING = [  # equilibrium propagation's states are clipped: no rate takes it out of the numbers
    ("lee2015", "mnist_backpropagation", {"*": 1e37}),
    ("bengio2015", "deep_generative_model", dict.fromkeys(["g1.*", "f1.*", "g2.*", "f2.*"], 1e37)),
]


@pytest.mark.parametrize(("paper", "name", "rates"), DIVERGING)
def test_a_diverging_run_fails_with_advice_and_leaves_no_scores(
    run, monkeypatch, paper, name, rates
):
    directory = run.directory / paper / name / "0"
    directory.mkdir(parents=True)
    for file in ("scores.json", "arrays.npz", "run.json"):
        (directory / file).write_text("{}")  # of an earlier training
    changes = {"training": {"learning_rates": rates, "batch": 10}}
    shortened(monkeypatch, budget={"epochs": 2, "examples": 100}, **changes)
    words = (paper, name, "0", "--tier", "smoke", "--device", "cpu")
    code, log = run("train", *words)
    assert code == 1 and "error: " in log and "Traceback" not in log
    assert "learning rates" in log and "paper.yaml" in log
    code, log = run("score", *words)
    assert code == 1 and "Traceback" not in log
    left = {path.name for path in directory.iterdir()}
    assert not left & {"scores.json", "arrays.npz", "run.json", "parameters.safetensors"}


def test_training_anew_takes_away_the_scores_of_what_was(run, monkeypatch):
    assert run("train", *SIMULATION)[0] == run("score", *SIMULATION)[0] == 0
    directory = run.directory / "bengio2015" / "stdp_spread" / "1"
    assert (directory / "scores.json").exists()
    assert run("train", *SIMULATION)[0] == 0
    names = {path.name for path in directory.iterdir()}
    assert "run.json" in names and not names & {"scores.json", "arrays.npz"}


REFUSED = [
    (("train", "scellier2017", "mnist_2h", "0"), "scellier2017 has no experiment 'mnist_2h'"),
    (("train", "hinton2006", "dbn", "0"), "unknown hinton2006; there are bengio2015, "),
    (("train", *RULE[:-1], "cuda"), "device: cuda is not on this machine; it has cpu"),
    (("score", *RULE), "No such file or directory"),
    (("fetch", "imagenet"), "'imagenet'"),
    (("compare", "nowhere", "hinton2006"), "unknown hinton2006"),
    (("check", "--tier", "smoke"), "scores.parquet"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[" ".join(r[0][:3]) for r in REFUSED])
def test_what_cannot_be_done_is_told_in_a_line_and_ends_with_1(run, words, told):
    code, log = run(*words)
    assert code == 1
    assert "error: " in log and told in log
    assert "Traceback" not in log and "unexpected" not in log


@pytest.mark.parametrize(
    "words",
    [
        ("train", *RULE[:3], "--tier", "huge"),
        ("train", *RULE[:-1], "tpu"),
        ("plot", "hinton2006", "--tier", "smoke"),
    ],
    ids=["tier", "device", "paper"],
)
def test_a_misspelt_name_is_no_fault_of_the_suite(run, words):
    code, log = run(*words)
    assert code == 1 and "error: " in log and "Traceback" not in log


def test_a_fault_of_the_code_ends_with_1_and_a_trace(run, monkeypatch):
    def broken(args):
        raise ZeroDivisionError("in the rule")

    monkeypatch.setattr(commands, "check", broken)
    code, log = run("check")
    assert code == 1 and "Traceback" in log and "in the rule" in log and "unexpected" in log


def test_an_unknown_command_is_refused_before_anything_is_done(capsys):
    with pytest.raises(SystemExit) as stop:
        arguments(["trian"])
    assert stop.value.code == 2 and "invalid choice: 'trian'" in capsys.readouterr().err
