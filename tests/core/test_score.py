"""Scores of finished runs, and the commands that make them: exit codes and what is told."""

import json
import logging
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from replications import commands
from replications.__main__ import arguments, main
from replications.bengio2015.model import DeepGenerativeModel
from replications.core import papers
from replications.core.datasets import Images, Split, load
from replications.core.learning import Backpropagation, Batch
from replications.core.networks import FeedForward
from replications.core.score import learning_rule
from replications.core.score.learning_rule import aligned, probe
from replications.core.score.model import inference, inference_rows
from replications.core.score.rows import row
from replications.core.tables import rows_of


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


# Inference of a generative model


@pytest.fixture
def model():
    model = DeepGenerativeModel(
        layers=[6, 5, 3], iterations=4, delta=0.1, alpha=0.01, generate_alpha=0.3,
        generate_rounds=2, variance_factor=4.0, hidden_noise=0.1, input_noise=0.1,
        bernoulli_draws=3, initial_gain=dict.fromkeys(["f1", "f2", "g1", "g2"], 2.0),
        initial_bias=dict.fromkeys(["f1", "f2", "g1", "g2"], 0.1), generator=seeded(0),
        device="cpu", dtype=torch.float64,
    )  # fmt: skip
    model.fit_prior(torch.rand(20, 6, generator=seeded(2), dtype=torch.float64))
    return model


def test_inference_follows_the_joint_likelihood_from_the_feed_forward_start(model):
    x = torch.rand(7, 6, generator=seeded(1), dtype=torch.float64)
    traces = inference(model, x, 5)
    assert isinstance(traces, np.ndarray) and traces.shape == (6, 7)
    h1 = model.f1(x)
    by_hand = [model.log_joint(x, h1, model.f2(h1))]
    for iterations in range(1, 6):
        states = model.infer(x, alpha=model.alpha, iterations=iterations)
        by_hand.append(model.log_joint(x, *states))
    assert traces == pytest.approx(torch.stack(by_hand).numpy(), rel=1e-12)
    assert len({tuple(t) for t in traces}) == 6  # each state is another


def test_rows_of_inference_are_before_after_and_the_share_that_rose():
    traces = np.array([[-4.0, -2.0, -3.0, -1.0], [99.0] * 4, [-1.0, -3.0, -3.0, -0.5]])
    found = {(r["metric"], r["layer"]): r["value"] for r in inference_rows(traces, 20)}
    assert found == {
        ("log_joint", "before inference"): -2.5,
        ("log_joint", "after inference"): -1.875,
        ("log_joint_rises", ""): 50.0,  # what stays equal has not risen
    }
    assert {r["step"] for r in inference_rows(traces, 20)} == {20}


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
