"""Scores of a generative model: a toy one, on digits."""

import itertools
import json
import math
import re
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from replications.core.base.scores import Score
from replications.core.data.datasets import Split
from replications.core.run.build import images_of
from replications.core.run.runs import Run
from replications.core.score import model as scoring
from replications.core.score.estimators import classifier, fidelity
from replications.core.score.estimators.parzen import parzen_log_likelihoods
from replications.core.score.rows import assign, snapshots
from replications.core.train.minibatch import generator
from tests.core.scored import ANCHORS, FEATURES, LIKELIHOOD, SETS, table


def seeded(seed):
    return torch.Generator().manual_seed(seed)


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


@pytest.fixture
def finished(tmp_path, data, monkeypatch):
    """A function: a run of the toy, trained for two epochs, under an evaluation."""
    monkeypatch.setitem(sys.modules, "toy.samplers", SimpleNamespace(fading=fading))

    def run(**evaluation):
        experiment = SimpleNamespace(
            paper="toy", name="toy", data="digits", science=(__name__, "Toy"),
            evaluated=[
                (f"toy.{key}", name)
                for key, named in (("samplers", "chains"), ("measures", "measures"))
                for name in evaluation.get(named, [])
                if name != "direct"  # the model's own
            ],
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
        (tmp_path / "curves.csv").write_text("step,metric,part,value\n1,local_loss,g,0.5\n")
        told = {"hashes": {}, "device": "cpu", "commit": "", "share": 1, "seconds": 1}
        (tmp_path / "run.json").write_text(json.dumps(told))
        return Run(experiment, "smoke", 0, tmp_path, data)

    return run


def restored(run):
    """The toy as its run left it."""
    toy = Toy(gain=1.0, generator=seeded(0), device="cpu")
    assign(toy.parameters | toy.buffers, snapshots(run)[2])
    return toy


def scored(run):
    """What scoring writes: rows by metric, layer and step, and the arrays."""
    scoring.score(run)
    with np.load(run.directory / "arrays.npz") as arrays:
        kept = dict(arrays)
    rows = json.loads((run.directory / "scores.json").read_text())["rows"]
    return table([Score(**row) for row in rows]), kept


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
        ("chain_parzen", *key): float(parzen_log_likelihoods(test, x, [0.2]).mean())
        for key, x in at.items()
    }


def test_a_chain_of_the_model_stands_before_one_of_the_paper(finished):
    run = finished(chains={"direct": [1], "fading": [1]})
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
    run, parameters = finished(neighbours=3), classifier.read_classifier("digits", data, "cpu")
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
    monkeypatch.setattr(scoring, "images_of", lambda run: other_test(images_of(run)))
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


def test_every_measure_meets_the_last_snapshot_and_its_rows_keep_part_and_step(
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
            rows = [Score("cosine", scale * epoch, name, epoch) for epoch in snapshots]
            return [*rows, Score("angle", scale, step=7 + len(met))], {name: last["bias"].clone()}

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
