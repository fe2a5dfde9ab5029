"""Runs from training to scores through the commands: exit codes and what is told."""

import json
import logging
import math
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from replications.__main__ import arguments, main
from replications.core.base.arrays import read_arrays
from replications.core.base.scores import Score
from replications.core.data.datasets import load
from replications.core.declare import papers
from replications.core.declare.expansion import merge
from replications.core.report.tables import rows_of
from replications.core.score import learning_rule
from replications.core.score.estimators import fidelity
from replications.core.steps import commands
from tests.core.scored import ANCHORS, FEATURES, LIKELIHOOD, SETS, table

METRICS = papers.suite().paper("bengio2015").metrics


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
        return replace(found, resolved=merge(found.resolved, changes))

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
    experiment = papers.suite().experiment("bengio2015", "stdp_spread", "smoke")
    assert scores["hashes"] | {"data": ""} == experiment.hashes("score") | {"data": ""}
    found = {(r["metric"], r["part"]): r["value"] for r in scores["rows"]}
    assert found["r2_exponential", "potentiation"] > 0.95
    assert found["sign_agreement", "depression"] == 1.0
    assert len(rows_of(scores, METRICS)) == len(scores["rows"]) == 16
    assert not (directory / "arrays.npz").exists()  # they are stored once
    arrays = read_arrays(directory, "simulation")
    assert set(arrays) == {"delta_t", "delta_w", "delta_w_se", "count"}
    late = arrays["delta_t"] > 0
    assert late.sum() == 25 and (arrays["delta_w"][late] > 0).all()


def test_several_runs_are_scored_by_one_command_up_to_one_that_is_not_there(run):
    folder = run.directory / "bengio2015" / "stdp_spread"
    paper, name, _, *rest = SIMULATION
    for index in ("0", "1"):
        assert run("train", paper, name, index, *rest)[0] == 0
        assert run("score", paper, name, index, *rest)[0] == 0
    alone = [(folder / index / "scores.json").read_bytes() for index in ("0", "1")]
    for index in ("0", "1"):
        (folder / index / "scores.json").unlink()
    code, log = run("score", paper, name, "0", "1", "2", *rest)
    assert code == 1 and "stdp_spread/2" in log
    assert [(folder / index / "scores.json").read_bytes() for index in ("0", "1")] == alone


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
    assert {r["part"] for r in rows if r["metric"] == "angle"} == {"W1", "W2"}


def test_alignment_is_measured_on_the_first_validation_images(run, monkeypatch):
    evaluation = {"alignment": {"images": 30}}
    shortened(monkeypatch, budget={"epochs": 1, "examples": 100}, evaluation=evaluation)
    seen = []
    original = learning_rule.aligned
    monkeypatch.setattr(
        learning_rule, "aligned", lambda *given: seen.append(given[1]) or original(*given)
    )
    assert run("train", *RULE)[0] == run("score", *RULE)[0] == 0
    held_out = load("digits", run.directory.parents[2] / "data").validation.first(30)
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
    assert len(rows_of(scores, METRICS)) == len(scores["rows"])
    found = table([Score(**row) for row in scores["rows"]])
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
    evaluation = papers.suite().experiment("bengio2015", name, "smoke").resolved["evaluation"]
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
    resolved = papers.suite().experiment("bengio2015", name, "smoke").resolved
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
    (("train", "hinton2006", "dbn", "0"), "unknown hinton2006; there are akrout2019, "),
    (("train", *RULE[:-1], "cuda"), "device: cuda is not on this machine; it has cpu"),
    (("score", *RULE), "No such file or directory"),
    (("fetch", "imagenet"), "'imagenet'"),
    (("report", "hinton2006", "--runs", "0"), "unknown hinton2006"),
    (("overview", "hinton2006", "--runs", "0"), "unknown hinton2006"),
    (("reference", "lee2015", "--tier", "smoke"), "lee2015 has no finished run below "),
    (("cost", "--tier", "smoke"), "tells no cost: run "),
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
        ("run", "hinton2006", "--tier", "smoke", "--runs", "0", "--done", "done.json"),
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
