"""Searches: what is drawn, what a draw trains, who goes on, and what is refused."""

import copy
import csv
import json
import math
import re
from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.__main__ import main
from replications.core.data.datasets import Images, load
from replications.core.declare import searches as declared_searches
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import Suite, suite
from replications.core.declare.schema import DeclarationError
from replications.core.declare.searches import (
    Search,
    checked_searches,
    draw_value,
    find_search,
    nested,
    searches,
)
from replications.core.run import build
from replications.core.steps import search
from replications.core.steps.search import ranked, write_table
from replications.core.train import model

FIXED = settings(derandomize=True, deadline=None, max_examples=50)
TRAINING = {
    "batch": 20,
    "shuffle": True,
    "optimiser": {"sgd": {"momentum": 0.5}},
    "schedule": "linear",
    "learning_rates": {"g*": 0.02, "f*": 0.004},
}
BUDGET = {"epochs": 9, "examples": 1000}
EVALUATION = {"samples": 20, "samplers": ["ancestral", "generate"], "sigmas": [0.2]}
PAPER = {
    "paper": {"title": "T", "authors": ["A"], "year": 2015, "arxiv": "1502.04156"},
    "claims": {},
    "figures": {},
    "experiments": {
        "sampled": {
            "label": "a model",
            "model": "bengio2015.deep_generative_model",
            "data": "digits",
            "settings": {
                "layers": [64, 10, 4], "inference": "target propagation", "iterations": 2,
                "delta": 0.1, "alpha": 0.001, "generate_alpha": 0.3, "generate_rounds": 1,
                "variance_factor": 4, "hidden_noise": 0.1, "input_noise": 0.1,
                "bernoulli_draws": 3, "output": "sigmoid", "clip_top": False,
                "initial_gain": {"f1": 1.0, "f2": 1.0, "g1": 1.0, "g2": 1.0},
                "initial_bias": {"f1": 0.0, "f2": 0.0, "g1": 0.0, "g2": 0.0},
            },
            "training": TRAINING,
            "evaluation": EVALUATION,
            "unsaid": {},
            "tiers": {tier: {"budget": BUDGET} for tier in TIERS},
        },
        "classified": {
            "label": "a rule",
            "learning_rule": "backpropagation",
            "network": {"feed_forward": {"layers": [64, 10], "initialisation": "orthogonal",
                                         "units": "tanh", "cost": "softmax_cross_entropy"}},
            "data": "digits",
            "settings": {},
            "training": TRAINING,
            "unsaid": {},
            "tiers": {tier: {"budget": BUDGET} for tier in TIERS},
        },
    },
}  # fmt: skip
RMSPROP = {"centred_rmsprop": {"decay": 0.9, "momentum": 0.5, "floor": 0.01}}
NOISE = {
    "set": ["settings/hidden_noise", "settings/input_noise"],
    "start": 0.15, "low": 0.08, "high": 0.3, "log": True,
}  # fmt: skip
OUTPUT = {"set": ["settings/output"], "start": "sigmoid", "choices": ["sigmoid", "linear"]}
RATE = {"set": ["training/learning_rates/g*"], "start": 0.01, "low": 1e-3, "high": 0.1, "log": True}
BIAS = {"set": ["settings/initial_bias/f1"], "start": -3, "low": -4, "high": -2, "log": False}
DECLARED = {
    "says": "a search",
    "experiment": "sampled",
    "seed": 7,
    "samplers": ["ancestral", "generate"],
    "maximise": "generate",
    "samples": 30,
    "stages": [
        {"trials": 4, "rate_scale": 10, "budget": {"epochs": 1, "examples": 60}},
        {"trials": 2, "rate_scale": 1, "budget": {"epochs": 2, "examples": 100}},
    ],
    "spaces": [
        {"name": "plain", "draws": 3, "fixed": {}, "drawn": [NOISE, OUTPUT, RATE, BIAS]},
        {
            "name": "other optimiser",
            "draws": 1,
            "fixed": {"training/optimiser": RMSPROP, "settings/clip_top": True},
            "drawn": [NOISE],
        },
    ],
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A package with one paper, "toy", whose search is `DECLARED`; its science is bengio2015's."""
    folder = tmp_path / "replications" / "toy"
    folder.mkdir(parents=True)
    (folder / "paper.yaml").write_text(json.dumps(PAPER))  # which is YAML, and faster to write
    declare(folder.parent, DECLARED)
    monkeypatch.setattr(declared_searches, "suite", lambda: Suite(folder.parent))
    monkeypatch.setattr(declared_searches, "searches", lambda at=folder.parent: searches(at))
    return folder.parent


def declare(root, declared):
    (root / "toy" / "search.yaml").write_text(json.dumps({"wide": declared}))


def searching(**changes):
    return Search("toy", "wide", DECLARED | changes)


def space(*drawn, draws=50, fixed=(), name="a space"):
    return {"name": name, "draws": draws, "fixed": dict(fixed), "drawn": list(drawn)}


# Draws


def test_draws_do_not_depend_on_the_order_in_which_they_are_asked_for():
    forwards = [searching().draw(index) for index in range(4)]
    backwards = [searching().draw(index) for index in reversed(range(4))]
    assert forwards == backwards[::-1]
    assert len({json.dumps(values) for values in forwards}) == 4


def test_draws_are_fixed_for_good():
    assert searching().draw(2) == {
        "settings/hidden_noise": 0.265, "settings/input_noise": 0.265,
        "settings/output": "linear", "training/learning_rates/g*": 0.00183,
        "settings/initial_bias/f1": -2.63,
    }  # fmt: skip


def test_draws_depend_on_the_seed_and_the_space_and_not_on_the_spaces_before():
    (plain, other), one_more = DECLARED["spaces"], space(NOISE, draws=1, name="one more")
    draws = {json.dumps(searching(seed=seed).draw(1)) for seed in range(20)}
    assert len(draws) == 20
    renamed = searching(spaces=[plain | {"name": "renamed"}])
    assert renamed.draw(0) == searching().draw(0) and renamed.draw(1) != searching().draw(1)
    longer = searching(spaces=[one_more, plain, other])
    assert [longer.draw(i + 1) for i in range(4)] == [searching().draw(i) for i in range(4)]


def test_the_first_draw_of_each_space_is_its_start_and_sets_all_that_it_names():
    assert searching().draw(0) == {
        "settings/hidden_noise": 0.15, "settings/input_noise": 0.15, "settings/output": "sigmoid",
        "training/learning_rates/g*": 0.01, "settings/initial_bias/f1": -3,
    }  # fmt: skip
    assert searching().draw(3) == {
        "training/optimiser": RMSPROP, "settings/clip_top": True,
        "settings/hidden_noise": 0.15, "settings/input_noise": 0.15,
    }  # fmt: skip
    for index in (1, 2):
        values = searching().draw(index)
        assert values["settings/hidden_noise"] == values["settings/input_noise"]


def digits_of(value):
    """Three significant digits of a number, in (-10^3, 10^3)."""
    return float(f"{value:.3g}")


BOUNDS = st.tuples(st.floats(1e-6, 1e3), st.floats(1.1, 1e3)).map(
    lambda pair: (digits_of(pair[0]), digits_of(pair[0] * pair[1]))
)


@FIXED
@given(BOUNDS, st.booleans(), st.integers())
def test_numbers_lie_within_their_bounds_and_have_three_digits(bounds, log, seed):
    low, high = bounds
    value = draw_value({"low": low, "high": high, "log": log}, Random(seed))
    assert low <= value <= high and value == digits_of(value)


@pytest.mark.parametrize(
    ("share", "log", "plain"), [(0, 1e-4, 1e-4), (0.5, 0.01, 0.5), (1, 1.0, 1.0)]
)
def test_numbers_are_even_in_the_logarithm_where_it_says_so(share, log, plain):
    source = SimpleNamespace(uniform=lambda low, high: low + share * (high - low))
    assert draw_value({"low": 1e-4, "high": 1, "log": True}, source) == log
    assert draw_value({"low": 1e-4, "high": 1, "log": False}, source) == plain


def test_choices_are_drawn_as_often_as_they_are_listed():
    variable = {"set": ["a"], "start": 1, "choices": ["often", "often", "often", False]}
    found = [draw_value(variable, Random(seed)) for seed in range(400)]
    assert set(found) == {"often", False}
    assert 250 < found.count("often") < 350


# What a draw trains


def test_a_draw_replaces_what_it_names_and_nothing_else(root):
    values = {"settings/initial_bias/f1": -2.5, "settings/output": "linear"}
    stage = {"rate_scale": 1, "budget": {"epochs": 3, "examples": 40}}
    found = searching(stages=[stage]).resolve(0, values).resolved
    expected = copy.deepcopy(Suite(root).experiment("toy", "sampled", "paper").resolved)
    expected["settings"]["initial_bias"]["f1"] = -2.5
    expected["settings"]["output"] = "linear"
    assert found == expected | {"budget": {"epochs": 3, "examples": 40}}


@pytest.mark.parametrize(("stage", "scale"), [(0, 10), (1, 1)])
def test_a_stage_sets_the_budget_and_scales_every_rate(root, stage, scale):
    resolved = searching().resolve(stage, {"training/learning_rates/g*": 0.03}).resolved
    assert resolved["training"]["learning_rates"] == pytest.approx(
        {"g*": 0.03 * scale, "f*": 0.004 * scale}
    )
    assert resolved["budget"] == DECLARED["stages"][stage]["budget"]


def test_an_optimiser_is_replaced_and_not_merged(root):
    drawn = {"training/optimiser": RMSPROP, "training/optimiser/centred_rmsprop/decay": 0.99}
    replaced = searching().resolve(0, drawn).resolved["training"]
    options = RMSPROP["centred_rmsprop"] | {"decay": 0.99}
    assert replaced["optimiser"] == {"centred_rmsprop": options}
    kept = searching().resolve(0, {"settings/output": "linear"}).resolved["training"]
    assert kept["optimiser"] == TRAINING["optimiser"]
    assert {k: v for k, v in replaced.items() if k not in ("optimiser", "learning_rates")} == {
        "batch": 20, "shuffle": True, "schedule": "linear"
    }  # fmt: skip


def test_nested():
    assert nested(["a", "b"], 1) == {"a": {"b": 1}}


def test_a_trials_hash_changes_with_its_declaration_and_not_with_the_evaluation(root):
    before = searching().hashes(0)
    assert searching().hashes(1)["config"] != before["config"]
    assert searching(samples=31).hashes(0)["config"] != before["config"]
    paper, experiment = copy.deepcopy(PAPER), "sampled"
    paper["experiments"][experiment]["evaluation"]["samples"] = 21
    (root / "toy" / "paper.yaml").write_text(json.dumps(paper))
    assert searching().hashes(0) == before
    paper["experiments"][experiment]["settings"]["delta"] = 0.2
    (root / "toy" / "paper.yaml").write_text(json.dumps(paper))
    assert searching().hashes(0)["config"] != before["config"]


# Who goes on


def done(folder, stage, values):
    """Trials of a stage with the given values by draw, in ranks that say nothing."""
    for rank, (draw, value) in enumerate(values.items()):
        path = folder / str(stage) / str(rank) / "trial.json"
        path.parent.mkdir(parents=True)
        scores = {"generate": value, "ancestral": 1.0}
        row = {"stage": stage, "draw": draw, "value": value, "scores": scores}
        path.write_text(json.dumps(row | {"values": {"a": draw}}))


def test_the_best_come_first_then_ties_by_draw_and_the_diverged_last(tmp_path):
    done(tmp_path, 0, {12: None, 4: -20.0, 11: 3.5, 0: None, 9: 3.5, 2: 7.0, 10: -1e9})
    assert [t["draw"] for t in ranked(tmp_path, 0)] == [2, 9, 11, 4, 10, 0, 12]
    assert ranked(tmp_path, 1) == []


def test_a_rank_of_the_next_stage_is_that_of_the_stage_before(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(model, "train", lambda run: trained.append(run.experiment.resolved))
    monkeypatch.setattr(search, "validation", lambda run, n: {"ancestral": 1.0, "generate": 2.0})
    monkeypatch.setattr(search, "import_module", lambda name: model)
    monkeypatch.setattr(Search, "hashes", lambda self, stage: {})
    monkeypatch.setattr(
        Search, "resolve", lambda self, stage, v: SimpleNamespace(resolved=(stage, v), kind="model")
    )
    done(tmp_path, 0, {0: 1.0, 1: None, 2: 3.0, 3: 2.0})
    for rank, draw in enumerate([2, 3, 0, 1]):
        search.trial(searching(), 1, rank, tmp_path, tmp_path, "cpu")
        row = json.loads((tmp_path / "1" / str(rank) / "trial.json").read_text())
        assert row == {
            "stage": 1, "draw": draw, "value": 2.0, "values": searching().draw(draw),
            "scores": {"ancestral": 1.0, "generate": 2.0},
        }  # fmt: skip
        assert trained.pop() == (1, searching().draw(draw))


def test_the_table_has_every_trial_best_first_and_blanks_for_the_diverged(tmp_path):
    done(tmp_path, 0, {0: 1.0, 1: None, 2: 3.0})
    done(tmp_path, 1, {2: 2.5})
    write_table(searching(), tmp_path, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == (
        "stage,draw,ancestral,generate,a\n0,2,1.0,3.0,2\n0,0,1.0,1.0,0\n0,1,1.0,,1\n1,2,1.0,2.5,2\n"
    )


# From end to end


class Unread:
    """Test images that may be moved, and not be looked at."""

    def to(self, device):
        return self

    def __getattr__(self, name):
        raise AssertionError(f"the test images' {name} was read")


@pytest.fixture
def without_test_images(monkeypatch):
    def held_back(name, data):
        images = load(name, data)
        return Images(images.train, images.validation, Unread())

    monkeypatch.setattr(build, "load", held_back)


def command(results, *words):
    folders = ["--results", str(results), "--data", str(results / "data")]
    more = ["--device", "cpu"] if words[0] == "trial" else []
    return main([*folders, *map(str, words), *more])


def run_search(results, ranks):
    """Every trial of `DECLARED`'s stages, in the order given, and the table; all files' bytes."""
    for stage, trials in enumerate(ranks):
        for rank in trials:
            assert command(results, "trial", "toy", "wide", stage, rank) == 0
    assert command(results, "tabulate", "toy", "wide") == 0
    folder = results / "search" / "toy"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.csv")} | {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("trial.json")
    }


def test_a_search_from_end_to_end_is_the_same_in_any_order_and_again(
    root, tmp_path, without_test_images
):
    """On the digits, with one draw that diverges, and no test image read."""
    rates = [f"training/learning_rates/{name}" for name in TRAINING["learning_rates"]]
    exploding = {"set": rates, "start": 1e15, "choices": [1e15, 2e15]}
    declare(
        root, changed("spaces>1", space(exploding, draws=1, fixed={"settings/output": "linear"}))
    )
    assert [s.name for s in checked_searches(Suite(root))] == ["wide"]
    first = run_search(tmp_path / "results", [range(4), range(2)])
    again = run_search(tmp_path / "results", [[2], [1]])
    other = run_search(tmp_path / "other", [[3, 1, 0, 2], [1, 0]])
    assert first == again == other

    with open(tmp_path / "results/search/toy/wide.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["stage"] for row in rows] == ["0"] * 4 + ["1"] * 2
    scores = [float(row["generate"] or "-inf") for row in rows]
    assert scores[:4] == sorted(scores[:4], reverse=True) and math.isfinite(scores[2])
    diverged = rows[3]
    assert (diverged["draw"], diverged["ancestral"], diverged["generate"]) == ("3", "", "")
    assert {row["draw"] for row in rows[4:]} == {row["draw"] for row in rows[:2]}
    assert len({row["generate"] for row in rows[:3] + rows[4:]}) == 5
    trial = json.loads(first["wide/0/3/trial.json"])
    assert trial["value"] is None and trial["scores"] == {"ancestral": None, "generate": None}
    assert not (tmp_path / "results/search/toy/wide/0/3/run.json").exists()


# Faults: each says where, what, and what there is


def changed(path, value):
    """`DECLARED` with the key at `path` set; numbers are places in lists."""
    declared = json.loads(json.dumps(DECLARED))  # nothing shared between its spaces
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(">")]
    inner = declared
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return declared


FAULTS = [
    ("misspelt key", "maximize", "generate", r"wide: .*'maximize'.* allowed keys are says, experi"),
    ("samples in text", "samples", "many", r"wide\.samples: 'many' is not of type 'integer'"),
    ("no stages", "stages", [], r"wide\.stages: "),
    ("no bounds", "spaces>0>drawn>0", {"set": ["a"], "start": 1},
     r"wide\.spaces\.0\.drawn\.0: needs, and needs only, one of: choices; or low, high, log"),
    ("unknown experiment", "experiment", "sampeld",
     r"wide\.experiment: nothing is trained as 'sampeld'; known are sampled, classified$"),
    ("samplers of a rule", "experiment", "classified",
     r"wide: the search for a learning rule's settings has no samplers, no maximise, no samples$"),
    ("unknown sampler", "samplers", ["generate", "gibbs"],
     r"wide\.samplers: DeepGenerativeModel has no 'gibbs'; it has ancestral, .*generate"),
    ("another to maximise", "maximise", "decode",
     r"wide\.maximise: 'decode' is none of the samplers ancestral, generate$"),
    ("more trials later", "stages>1>trials", 5,
     r"wide\.stages\.1\.trials: 5, but the stage before leaves only 4$"),
    ("draws that no trial trains", "spaces>0>draws", 4,
     r"wide\.stages\.0\.trials: 4, but the spaces have 5 draws$"),
    ("trials without a draw", "stages>0>trials", 5,
     r"wide\.stages\.0\.trials: 5, but the spaces have 4 draws$"),
    ("unknown setting", "spaces>0>drawn>0>set", ["settings/hidden_noise", "settings/input_nois"],
     r"wide\.spaces\.0\.drawn\.0\.set: settings/input_nois: there is no 'input_nois'; "
     r"there are layers, .*input_noise"),
    ("unknown fixed setting", "spaces>0>fixed", {"settings/initial_bias/f3": 0},
     r"wide\.spaces\.0\.fixed: settings/initial_bias/f3: .*'f3'; there are f1, f2, g1, g2$"),
    ("below a number", "spaces>0>drawn>3>set", ["settings/delta/f1"],
     r"wide\.spaces\.0\.drawn\.3\.set: settings/delta/f1: there is no 'f1'; there are none$"),
    ("unknown rate", "spaces>0>drawn>2>set", ["training/learning_rates/h*"],
     r"learning_rates/h\*: there is no 'h\*'; there are g\*, f\*$"),
    ("another space's optimiser", "spaces>1>drawn>0>set", ["training/optimiser/sgd/momentum"],
     r"wide\.spaces\.1\.drawn\.0\.set: .*there is no 'sgd'; there are centred_rmsprop$"),
    ("choices without the start", "spaces>0>drawn>1>start", "softplus",
     r"wide\.spaces\.0\.drawn\.1\.start: 'softplus' is none of the choices$"),
    ("a start out of bounds", "spaces>0>drawn>3>start", -5,
     r"wide\.spaces\.0\.drawn\.3: has to be low <= start <= high, low < high$"),
    ("bounds the wrong way round", "spaces>0>drawn>2>high", 1e-4, r"drawn\.2: has to be low <="),
    ("no logarithm", "spaces>0>drawn>3>log", True,
     r"wide\.spaces\.0\.drawn\.3\.low: -4 has no logarithm$"),
    ("what no draw may change", "spaces>0>drawn>0>set", ["budget/epochs"],
     r"budget/epochs: there is no 'budget'; there are settings, training$"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "told"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_a_fault_is_told_with_its_place_and_what_there_is(root, key, value, told):
    declare(root, changed(key, value))
    with pytest.raises(DeclarationError) as failure:
        checked_searches(Suite(root))
    message = str(failure.value)
    assert message.startswith("replications/toy/search.yaml: wide")
    assert re.search(told, message), message
    assert len(message) < 800


def test_a_drawn_path_may_lead_into_what_its_space_fixes(root):
    declare(root, changed("spaces>1>drawn>0>set", ["training/optimiser/centred_rmsprop/decay"]))
    assert len(checked_searches(Suite(root))) == 1


RULES = {key: DECLARED[key] for key in ("says", "seed", "stages")} | {
    "experiment": "classified",
    "spaces": [space(
        {"set": ["training/learning_rates/*"], "start": 0.3, "low": 0.01, "high": 1, "log": True},
        draws=4,
    )],
}  # fmt: skip


def test_the_search_for_a_rules_settings_goes_by_its_validation_error(
    root, tmp_path, without_test_images
):
    paper = copy.deepcopy(PAPER)
    paper["experiments"]["classified"]["training"]["learning_rates"] = {"*": 0.1}
    (root / "toy" / "paper.yaml").write_text(json.dumps(paper))
    declare(root, RULES)
    assert [s.scores for s in checked_searches(Suite(root))] == [["validation_error"]]
    run_search(tmp_path, [range(4), range(2)])
    with open(tmp_path / "search/toy/wide.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    first = [float(row["validation_error"]) for row in rows[:4]]
    assert first == sorted(first) and len(set(first)) > 1 and all(0 < e <= 100 for e in first)
    assert {row["draw"] for row in rows[4:]} == {row["draw"] for row in rows[:2]}
    curve = tmp_path / "search/toy/wide/1/0/curves.csv"
    with open(curve, newline="") as file:
        last = [r for r in csv.DictReader(file) if r["metric"] == "validation_error"][-1]
    told = json.loads((curve.parent / "trial.json").read_text())
    assert told["value"] == -float(last["value"]) and last["step"] == "2"


@pytest.mark.parametrize("missing", ["samplers", "maximise", "samples"])
def test_the_search_for_a_models_settings_says_by_which_sampler(root, missing):
    declare(root, {key: value for key, value in DECLARED.items() if key != missing})
    with pytest.raises(DeclarationError, match="model's settings has samplers, maximise, samples"):
        checked_searches(Suite(root))


def test_a_search_that_there_is_not_is_told_with_those_there_are(root):
    assert find_search("toy", "wide").declared == DECLARED
    for names in (("toy", "wider"), ("other", "wide")):
        with pytest.raises(ValueError, match=rf"{names[0]} declares no search '{names[1]}'; "):
            find_search(*names)
    with pytest.raises(ValueError, match=r"there are toy wide$"):
        find_search("toy", "wider")


def test_the_command_tells_of_a_search_that_there_is_not(root, tmp_path, caplog):
    assert command(tmp_path, "trial", "toy", "wider", 0, 0) == 1
    assert "error: toy declares no search 'wider'; there are toy wide" in caplog.text


def test_every_search_of_the_suite_can_be_run():
    assert ("bengio2015", "deep_generative_model") in {
        (found.paper, found.name) for found in checked_searches(suite())
    }
