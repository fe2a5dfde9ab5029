"""Declarations: what is read out of a paper.yaml, and what is said of each fault in one."""

import copy
import json
import shutil

import pytest

from replications.core.base import provenance
from replications.core.base.provenance import ROOT
from replications.core.declare import experiments
from replications.core.declare.expansion import merge
from replications.core.declare.experiments import TIERS
from replications.core.declare.metrics import Metric
from replications.core.declare.papers import Paper, Suite, suite
from replications.core.declare.reflection import definitions, resolve, snake_case
from replications.core.declare.schema import DeclarationError, fits, parsed

MODULES = {
    "__init__": "",
    "rule": """
class ToyRule:
    def __init__(self, *, network, examples, generator, beta: float, steps: int): ...

class ToyRuleTwice(ToyRule):
    def updates(self): ...

class Borrowed(ToyRule):
    def __init__(self, *, network, gamma): ...
""",
    "heir": """
from replications.toy.rule import ToyRule

class Heir(ToyRule):
    def updates(self): ...
""",
    "settled": """
from dataclasses import dataclass
from typing import ClassVar
from elsewhere import Unknown

@dataclass
class Phases:
    steps: int

class Settled(Unknown):
    @dataclass
    class Settings(Phases):
        beta: float
        tolerance: ClassVar[float] = 0

        def __post_init__(self): ...

    def __init__(self, *, network, examples, generator, **settings): ...
    def settle(self): ...
""",
    "nudged": """
from replications.toy import settled
from replications.toy.settled import Settled

class Nudged(Settled):
    class Settings(Settled.Settings):
        sign: int = 1

    def nudge(self): ...

class Again(Nudged):
    def settle(self): ...
""",
    "model": """
class ToyModel:
    def __init__(self, *, width, generator, device, dtype=None): ...
    def ancestral(self): ...
    def generate(self): ...
    def decoder(self, sampler): ...
    def _hidden(self): ...
""",
    "scores": "def toy_curve(arrays): ...\n",
    "simulation": """
def toy_curve(*, generator, pairs, slope): ...
def unscored(*, generator, pairs, slope): ...
def _helper(*, secret): ...
""",
    "samplers": """
def noisy(model, count, generator): ...
def _rebuilt(model): ...
""",
    "measures": "def inpainting(model, images, kept, generator, *, rounds, shown): ...\n",
    "figures": "def curves(drawn): ...\n",
    "baselines/__init__": "class NoModel: ...\n",
    "baselines/other_model": """
class OtherModel:
    def __init__(self, *, width, generator, device): ...
    def ancestral(self): ...
    def walk(self): ...
""",
}
TRAINING = {
    "batch": 10,
    "shuffle": False,
    "optimiser": {"sgd": {"momentum": 0}},
    "schedule": "constant",
    "learning_rates": {"*": 0.1},
}
LIKELIHOOD = {"images": 5, "temperatures": 3, "leapfrogs": 1, "chains": 2, "transitions": 2}
BUDGETS = {"smoke": 20, "standard": 500, "paper": 1000}
DECLARED = {
    "paper": {"title": "T", "authors": ["A"], "year": 2015, "arxiv": "1502.04156"},
    "claims": {
        "number": {
            "says": "it is so",
            "where": "Sec. 1",
            "standing": "read",
            "about": {"experiment": "classifier", "metric": "test_error"},
            "value": {"mean": 2.0},
            "tolerance": 0.5,
        },
        "order": {
            "says": "one beats the other",
            "where": "Fig. 2",
            "standing": "recalled",
            "compares": {
                "greater": {"experiment": "sampled", "metric": "parzen", "part": "generate"},
                "than": {"experiment": "sampled", "metric": "parzen", "part": "ancestral"},
                "margin": 0,
            },
        },
    },
    "experiments": {
        "classifier": {
            "label": "a classifier",
            "minutes": 3,
            "learning_rule": "toy_rule",
            "network": {
                "feed_forward": {
                    "layers": [4, 3],
                    "initialisation": "orthogonal",
                    "units": "tanh",
                    "cost": "softmax_cross_entropy",
                }
            },
            "data": "mnist",
            "settings": {"beta": 1.0, "steps": 4},
            "training": TRAINING,
            "unsaid": {"order": "that of the file"},
            "tiers": {
                "smoke": {
                    "data": "digits",
                    "network": {"feed_forward": {"layers": [2, 3]}},
                    "settings": {"beta": 0.5},
                    "training": {"learning_rates": {"W*": 0.2}},
                    "budget": {"epochs": 2, "examples": 100},
                },
                "standard": {"budget": {"epochs": 5, "examples": 500}},
                "paper": {"budget": {"epochs": 10, "examples": 1000}},
            },
        },
        "sampled": {
            "label": "a model",
            "model": "toy_model",
            "data": "mnist",
            "settings": {"width": 3},
            "training": TRAINING,
            "evaluation": {
                "samples": 10,
                "samplers": ["ancestral", "generate"],
                "sigmas": [0.2],
                "anchors": True,
                "neighbours": 3,
                "chains": {"generate": [0, 2], "noisy": [1]},
                "likelihood": {"ancestral": LIKELIHOOD},
                "measures": {"inpainting": {"rounds": 2, "shown": 1}},
            },
            "unsaid": {},
            "tiers": {t: {"budget": {"epochs": 1, "examples": n}} for t, n in BUDGETS.items()},
        },
        "simulated": {
            "label": "a curve",
            "simulation": "toy_curve",
            "data": "none",
            "settings": {"slope": 1.0},
            "unsaid": {},
            "tiers": {t: {"budget": {"pairs": n}} for t, n in BUDGETS.items()},
        },
    },
    "figures": {"curves": {"caption": "C", "experiments": ["classifier"]}},
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A package with the suite's core and one paper, "toy"."""
    package = tmp_path / "replications"
    (package / "toy" / "baselines").mkdir(parents=True)
    (package / "core").symlink_to(ROOT / "replications" / "core")
    (package / "__init__.py").touch()
    for name, text in MODULES.items():
        (package / "toy" / f"{name}.py").write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(experiments, "hash_of", lambda *modules: repr(modules))  # slow on new paths
    definitions.cache_clear()
    yield package
    definitions.cache_clear()


def changed(path, value, declared=DECLARED):
    """A copy of a declaration with the key at `path` set, or removed where `value` is KeyError."""
    declared = copy.deepcopy(declared)
    *parents, last = path.split("/")
    inner = declared
    for key in parents:
        inner = inner[key]
    if value is KeyError:
        del inner[last]
    else:
        inner[last] = value
    return declared


def paper(root, declared=DECLARED):
    path = root / "toy" / "paper.yaml"
    path.write_text(json.dumps(declared))  # which is YAML, and faster to write
    return Paper(path)


def fault(root, path, value):
    """The message about one change."""
    with pytest.raises(DeclarationError) as failure:
        paper(root, changed(path, value))
    message = str(failure.value)
    assert "toy/paper.yaml: " in message
    return message


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EquilibriumPropagation", "equilibrium_propagation"),
        ("Backpropagation", "backpropagation"),
        ("stdp_curve", "stdp_curve"),
        ("Conv2dNet", "conv2d_net"),
    ],
)
def test_snake_case(name, expected):
    assert snake_case(name) == expected


def test_definitions_are_public_names_with_their_keyword_only_arguments(root):
    rule = frozenset({"network", "examples", "generator", "beta", "steps"})
    assert arguments_in("rule") == {
        "toy_rule": ("ToyRule", rule),
        "toy_rule_twice": ("ToyRuleTwice", rule),  # its base's arguments
        "borrowed": ("Borrowed", {"network", "gamma"}),
    }
    assert arguments_in("heir") == {"heir": ("Heir", rule)}  # an imported base's
    assert arguments_in("simulation") == {
        name: (name, {"generator", "pairs", "slope"}) for name in ("toy_curve", "unscored")
    }
    assert arguments_in("nothing") == {}


def arguments_in(module):
    found = definitions(f"replications.toy.{module}")
    return {name: (one.name, set(one.arguments)) for name, one in found.items()}


def test_settings_are_fields_that_subclasses_extend_also_in_other_modules(root):
    given = {"network", "examples", "generator", "steps", "beta"}
    assert arguments_in("settled")["settled"] == ("Settled", given)
    assert arguments_in("nudged") == {
        "nudged": ("Nudged", given | {"sign"}),
        "again": ("Again", given | {"sign"}),
    }


def test_methods_are_a_classs_public_ones_and_its_bases(root):
    def methods(module, name):
        return definitions(f"replications.toy.{module}")[name].methods

    assert methods("model", "toy_model") == {"ancestral", "decoder", "generate"}
    assert methods("nudged", "again") == {"settle", "nudge"}
    assert methods("simulation", "toy_curve") == set()


def test_resolve_takes_the_first_module_and_a_papers_own_by_its_name(root):
    modules = ["replications.toy.rule", "replications.core.learn.learning"]
    assert resolve("toy_rule", modules, "here") == (modules[0], "ToyRule")
    assert resolve("backpropagation", modules, "here") == (modules[1], "Backpropagation")
    elsewhere = resolve("toy.toy_rule", ["replications.other.rule"], "here")
    assert elsewhere == ("replications.toy.rule", "ToyRule")
    with pytest.raises(DeclarationError) as failure:
        resolve("toy_rul", modules, "here")
    message = str(failure.value)
    assert message.startswith("here: unknown name 'toy_rul'; known are ")
    assert " backpropagation, " in message and "toy_rule, toy_rule_twice" in message
    with pytest.raises(DeclarationError, match="unknown name 'rule'"):
        resolve("nobody.rule", modules, "here")


def test_merge_goes_down_into_mappings_and_replaces_the_rest():
    base = {"a": {"b": 1, "c": {"d": 2}}, "e": [1, 2], "f": {"g": 3}}
    before = copy.deepcopy(base)
    over = {"a": {"c": {"d": 5, "h": 6}}, "e": [3], "f": 4, "i": {"j": 7}}
    assert merge(base, over) == {
        "a": {"b": 1, "c": {"d": 5, "h": 6}}, "e": [3], "f": 4, "i": {"j": 7}
    }  # fmt: skip
    assert base == before and merge(base, {}) == base


# What an experiment is


def test_a_tier_changes_what_it_names_and_nothing_else(root):
    smoke, standard, full = (paper(root).experiments(t)[0] for t in ("smoke", "standard", "paper"))
    assert smoke.resolved == {
        "learning_rule": "toy_rule",
        "network": {
            "feed_forward": {
                "layers": [2, 3],
                "initialisation": "orthogonal",
                "units": "tanh",
                "cost": "softmax_cross_entropy",
            }
        },
        "data": "digits",
        "settings": {"beta": 0.5, "steps": 4},
        "training": TRAINING | {"learning_rates": {"*": 0.1, "W*": 0.2}},
        "budget": {"epochs": 2, "examples": 100},
    }
    assert full.resolved["settings"] == {"beta": 1.0, "steps": 4}
    assert standard.resolved | {"budget": None} == full.resolved | {"budget": None}
    assert (smoke.data, smoke.paper_data, full.data) == ("digits", "mnist", "mnist")
    assert smoke.science == ("replications.toy.rule", "ToyRule")
    assert smoke.network == ("replications.core.learn.networks", "FeedForward")
    assert (smoke.kind, smoke.minutes, smoke.tier) == ("learning_rule", 3, "smoke")


def test_experiments_come_in_the_order_of_the_file(root):
    found = paper(root).experiments("smoke")
    assert [(e.name, e.kind) for e in found] == [
        ("classifier", "learning_rule"), ("sampled", "model"), ("simulated", "simulation")
    ]  # fmt: skip
    assert [e.network for e in found[1:]] == [None, None]
    assert found[2].minutes == 0 and found[2].data == "none"


def test_the_papers_data_are_those_of_its_own_tier(root):
    declared = changed("experiments/classifier/tiers/paper/data", "fashion_mnist")
    assert paper(root, declared).experiments("standard")[0].paper_data == "fashion_mnist"


@pytest.mark.parametrize(
    ("pairs", "share", "text"),
    [(1000, 1.0, "full"), (500, 0.5, "50%"), (10, 0.01, "1%"), (9, 0.009, "0.9%"),
     (1, 0.001, "0.1%"), (235, 0.235, "24%")],
)  # fmt: skip
def test_share(root, pairs, share, text):
    declared = changed("experiments/simulated/tiers/smoke/budget/pairs", pairs)
    experiment = paper(root, declared).experiments("smoke")[2]
    assert experiment.share == pytest.approx(share) and experiment.share_text == text


def test_a_part_of_an_experiment_is_a_share_of_its_budget_in_every_tier(root):
    part = {"share_of": "simulated", "tiers": {"paper": {"budget": {"pairs": 500}}}}
    declared = changed("experiments/part", DECLARED["experiments"]["simulated"] | part)
    found = paper(root, declared).experiments("paper")[3]
    assert (found.name, found.share, found.share_text) == ("part", 0.5, "50%")


def test_a_tier_may_leave_an_experiment_out(root):
    declared = changed("experiments/sampled/tiers/smoke", KeyError)
    names = {t: [e.name for e in paper(root, declared).experiments(t)] for t in TIERS}
    assert names["smoke"] == ["classifier", "simulated"]
    assert names["standard"] == names["paper"] == ["classifier", "sampled", "simulated"]
    with pytest.raises(DeclarationError, match="toy has no experiment 'sampled' in the smoke tier"):
        Suite(root).experiment("toy", "sampled", "smoke")


def test_the_share_is_that_of_all_that_is_spent(root):
    shares = [paper(root).experiments(tier)[0].share for tier in TIERS]
    assert shares == pytest.approx([0.02, 0.25, 1.0])


@pytest.mark.parametrize(("pairs", "wrong"), [(99_600, "100%"), (40, "0.0%")])
def test_a_share_is_never_printed_as_all_or_as_nothing(root, pairs, wrong):
    declared = changed("experiments/simulated/tiers/paper/budget/pairs", 100_000)
    declared["experiments"]["simulated"]["tiers"]["smoke"]["budget"]["pairs"] = pairs
    assert paper(root, declared).experiments("smoke")[2].share_text != wrong


NARROW = {"feed_forward": {"layers": [4, 2, 3]}}


@pytest.mark.parametrize(
    ("kind", "tier", "smaller"),
    [
        (0, {}, False),
        (0, {"network": NARROW}, True),
        (0, {"network": NARROW, "data": "digits"}, False),  # other data says so by itself
        (1, {"settings": {"width": 2}}, False),
        (1, {"settings": {"width": 2}, "other_network": True}, True),
    ],
)
def test_a_tier_whose_network_is_another_says_so_and_nothing_else_changes(
    root, kind, tier, smaller
):
    name = ("classifier", "sampled")[kind]
    path = f"experiments/{name}/tiers/standard"
    budget = {"budget": DECLARED["experiments"][name]["tiers"]["standard"]["budget"]}
    found = paper(root, changed(path, budget | tier)).experiments("standard")[kind]
    assert found.smaller == smaller
    assert ("smaller network" in found.reduced_text) == smaller
    assert "other_network" not in found.resolved


LOUD = {"loudness": {"label": "loudness", "unit": "dB", "better": "lower", "meaning": "how loud"}}


def test_a_paper_declares_its_own_metrics_and_may_claim_something_of_them(root):
    declared = changed("claims/number/about/metric", "loudness", DECLARED | {"metrics": LOUD})
    assert paper(root, declared).metrics["loudness"] == Metric("loudness", "dB", False, "how loud")
    assert "test_error" in paper(root, declared).metrics
    with pytest.raises(DeclarationError, match="unknown metric 'loudness'"):
        paper(root, declared | {"metrics": {}})


def test_a_paper_that_runs_anothers_rule_knows_its_metrics(root):
    (root / "other").mkdir()
    (root / "other" / "__init__.py").touch()
    (root / "other" / "rule.py").write_text(MODULES["rule"])
    theirs = changed("claims", {}, DECLARED | {"metrics": LOUD})
    (root / "other" / "paper.yaml").write_text(json.dumps(theirs))
    assert "loudness" not in paper(root).metrics
    declared = changed("experiments/classifier/learning_rule", "other.toy_rule")
    assert "loudness" in paper(root, declared).metrics


def test_two_metrics_of_one_name_are_refused(root):
    again = {"test_error": LOUD["loudness"]}
    with pytest.raises(DeclarationError, match=r"paper.yaml: metrics.test_error: there is another"):
        paper(root, DECLARED | {"metrics": again})


def test_a_paper_is_read_when_it_is_asked_for(root):
    paper(root)
    (root / "broken").mkdir()
    (root / "broken" / "paper.yaml").write_text("not: [a, paper")
    assert Suite(root).paper("toy").name == "toy"
    with pytest.raises(DeclarationError, match="broken"):
        Suite(root).select("all")


def test_claims_know_their_scores(root):
    number, order = paper(root).claims
    assert (number.paper, number.name) == ("toy", "number")
    assert number.scores == [{"experiment": "classifier", "metric": "test_error"}]
    assert [score["part"] for score in order.scores] == ["generate", "ancestral"]


def test_a_claim_that_several_experiments_answer_is_one_for_each(root):
    answers = {
        "one": {"experiment": "classifier", "metric": "test_error", "note": "here"},
        "two": {"experiment": "sampled", "metric": "parzen", "part": "generate"},
    }
    declared = {k: v for k, v in DECLARED["claims"]["number"].items() if k != "about"}
    whole = declared | {"note": "as ever", "answers": answers}
    one, two, _ = paper(root, changed("claims/number", whole)).claims
    assert (one.name, two.name) == ("number_one", "number_two")
    assert one.declared == declared | {
        "about": {"experiment": "classifier", "metric": "test_error"}, "note": "here"
    }  # fmt: skip
    assert two.declared == declared | {"about": answers["two"], "note": "as ever"}
    assert two.scores == [answers["two"]]


def test_an_answer_by_an_unknown_experiment_is_told(root):
    answers = {
        "one": {"experiment": "classifier", "metric": "test_error"},
        "two": {"experiment": "nothing", "metric": "test_error"},
    }
    declared = {k: v for k, v in DECLARED["claims"]["number"].items() if k != "about"}
    with pytest.raises(DeclarationError, match=r"claims\.number\.answers\.two: unknown experiment"):
        paper(root, changed("claims/number", declared | {"answers": answers}))


def test_two_claims_of_one_name_are_told(root):
    about = {"experiment": "classifier", "metric": "test_error"}
    declared = {k: v for k, v in DECLARED["claims"]["number"].items() if k != "about"}
    twice = changed("claims/number", declared | {"answers": {"one": about, "two": about}})
    twice["claims"]["number_two"] = DECLARED["claims"]["number"]
    with pytest.raises(DeclarationError, match=r"claims\.number_two: there is another claim"):
        paper(root, twice)


HASHED = [
    ("settings/beta", 2.0),
    ("training/learning_rates/*", 0.3),
    ("training/batch", 5),
    ("training/shuffle", True),
    ("training/optimiser/sgd/momentum", 0.9),
    ("network/feed_forward/layers", [4, 3, 2]),
    ("network/feed_forward/initialisation", "glorot_uniform"),
    ("learning_rule", "toy_rule_twice"),
    ("data", "fashion_mnist"),
    ("tiers/paper/budget/epochs", 11),
]
NOT_HASHED = [
    ("experiments/classifier/label", "other words"),
    ("experiments/classifier/minutes", 99),
    ("experiments/classifier/unsaid/order", "another"),
    ("experiments/classifier/unsaid/more", "one more"),
    ("experiments/classifier/tiers/smoke/budget/epochs", 3),  # of another tier
    ("experiments/sampled/settings/width", 9),  # of another experiment
    ("claims/number/tolerance", 9.0),
    ("claims/number", KeyError),
    ("figures/curves/caption", "other"),
    ("paper/year", 2016),
]


@pytest.mark.parametrize(("key", "value"), HASHED)
def test_the_configs_hash_changes_with_all_that_a_run_depends_on(root, key, value):
    before = paper(root).experiments("paper")[0].hashes("train")
    after = paper(root, changed(f"experiments/classifier/{key}", value)).experiments("paper")[0]
    assert after.hashes("train")["config"] != before["config"]
    same = key != "learning_rule"
    assert (after.hashes("train")["code"] == before["code"]) == same


@pytest.mark.parametrize(("key", "value"), NOT_HASHED)
def test_the_configs_hash_does_not_change_with_words(root, key, value):
    before = paper(root).experiments("paper")[0]
    after = paper(root, changed(key, value)).experiments("paper")[0]
    for step in ("train", "score"):
        assert after.hashes(step) == before.hashes(step)


EVALUATED = [
    ("samples", 11),
    ("samplers", ["ancestral"]),
    ("sigmas", [0.1, 0.2]),
    ("anchors", KeyError),
    ("neighbours", 4),
    ("chains/noisy", [1, 2]),
    ("likelihood", KeyError),
    ("likelihood/ancestral/chains", 3),
    ("measures/inpainting/rounds", 3),
]


@pytest.mark.parametrize(("key", "value"), EVALUATED)
def test_another_evaluation_scores_anew_and_trains_nothing(root, key, value):
    before = paper(root).experiments("paper")[1]
    declared = changed(f"experiments/sampled/evaluation/{key}", value)
    after = paper(root, declared).experiments("paper")[1]
    assert after.hashes("train") == before.hashes("train")
    assert after.hashes("score")["config"] != before.hashes("score")["config"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("settings/width", 4), ("training/batch", 5), ("tiers/paper/budget/epochs", 2)],
)
def test_another_training_scores_anew(root, key, value):
    before = paper(root).experiments("paper")[1]
    after = paper(root, changed(f"experiments/sampled/{key}", value)).experiments("paper")[1]
    for step in ("train", "score"):
        assert after.hashes(step)["config"] != before.hashes(step)["config"]


CLASSIFIER = ("replications.core.score.estimators.classifier", "store_classifier")


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("samples", 10, ["samplers:noisy", "measures:inpainting"]),
        ("chains", KeyError, ["measures:inpainting"]),
        ("measures", KeyError, ["samplers:noisy"]),
    ],
)
def test_a_score_depends_on_the_chains_and_measures_that_it_names(root, key, value, named):
    declared = changed(f"experiments/sampled/evaluation/{key}", value)
    experiment = paper(root, declared).experiments("smoke")[1]
    named = [f"replications.toy.{name}" for name in named]
    assert experiment.evaluated == [*(tuple(name.split(":")) for name in named), CLASSIFIER]
    training = {
        "replications.core.train.model:train",
        "replications.core.run.seeds:seed",
        "replications.core.learn.optimisers:SGD",
        "replications.toy.model:ToyModel",
    }
    assert set(experiment.definitions("train")) == training
    scoring = {name.replace("train.model:train", "score.model:score") for name in training}
    assert set(experiment.definitions("score")) == scoring | {*named, ":".join(CLASSIFIER)}
    for step in ("train", "score"):
        found = experiment.hashes(step)["code"]
        assert found == repr(tuple(experiment.definitions(step)))


def test_a_simulation_is_scored_by_what_stands_beside_it():
    experiment = suite().experiment("xie2000", "drift", "smoke")
    assert experiment.evaluated == [("replications.xie2000.scores", "drift")]
    assert experiment.optimiser is None


def test_a_model_may_walk_its_own_chain_without_a_file_of_samplers(root):
    (root / "toy" / "samplers.py").unlink()
    declared = changed("experiments/sampled/evaluation/chains", {"generate": [1]})
    experiment = paper(root, declared).experiments("paper")[1]
    assert experiment.evaluated == [("replications.toy.measures", "inpainting"), CLASSIFIER]


def test_a_baseline_is_a_model_of_its_own_file(root):
    """With the paper's chains and measures, and the samplers of its own class."""
    declared = changed("experiments/sampled/model", "other_model")
    evaluation = declared["experiments"]["sampled"]["evaluation"]
    evaluation |= {"samplers": ["ancestral"], "chains": {"walk": [3], "noisy": [1]}}
    del evaluation["likelihood"]  # it has no decoder
    experiment = paper(root, declared).experiments("paper")[1]
    assert experiment.science == ("replications.toy.baselines.other_model", "OtherModel")
    assert experiment.science[0] in experiment.hashes("train")["code"]
    evaluation["samplers"] = ["generate"]
    with pytest.raises(DeclarationError, match="OtherModel has no 'generate'; it has ancestral, w"):
        paper(root, declared)
    declared["experiments"]["sampled"]["model"] = "no_model"
    with pytest.raises(DeclarationError) as failure:
        paper(root, declared)
    known = str(failure.value).split("known are ")[1]
    assert "toy_model" in known and "other_model" in known and "no_model" not in known


# Faults: each says where, what, and what there is

FAULTS = [
    ("misspelt key", "experiments/classifier/seting", {},
     ["experiments.classifier: ", "'seting' was unexpected", "allowed keys are", "settings"]),
    ("misspelt key of a claim", "claims/number/tolerence", 1,
     ["claims.number: ", "'tolerence'", "tolerance"]),
    ("key of the top", "claim", {}, ["(top): ", "'claim'", "claims"]),
    ("negative rate", "experiments/classifier/training/learning_rates/*", -0.1,
     ["experiments.classifier.training.learning_rates.*: ", "-0.1", "minimum"]),
    ("rate in text", "experiments/classifier/training/learning_rates/*", "1e-3",
     ["learning_rates.*: ", "'1e-3' is not of type 'number'"]),
    ("no batch", "experiments/classifier/training/batch", 0, ["training.batch: ", "0"]),
    ("unknown optimiser", "experiments/classifier/training/optimiser", {"adagrad": {}},
     ["training.optimiser: ", "'adagrad'", "sgd", "centred_rmsprop"]),
    ("unknown schedule", "experiments/classifier/training/schedule", "cosine",
     ["training.schedule: ", "'cosine'", "constant", "linear"]),
    ("unknown dataset", "experiments/classifier/data", "imagenet",
     ["experiments.classifier.data: ", "'imagenet'", "fashion_mnist"]),
    ("unknown dataset of a tier", "experiments/classifier/tiers/smoke/data", "imagenet",
     ["tiers.smoke.data: ", "'imagenet'"]),
    ("no budget of the paper", "experiments/classifier/tiers/paper", KeyError,
     ["experiments.classifier.tiers: ", "'paper' is a required property"]),
    ("part of nothing", "experiments/classifier/share_of", "clasifier",
     ["experiments.classifier.share_of: ", "unknown 'clasifier'"]),
    ("unknown tier", "experiments/classifier/tiers/huge", {"budget": {"epochs": 1}},
     ["experiments.classifier.tiers: ", "'huge'", "smoke, standard, paper"]),
    ("fraction of an epoch", "experiments/classifier/tiers/smoke/budget/epochs", 0.5,
     ["tiers.smoke.budget.epochs: ", "0.5 is not of type 'integer'"]),
    ("unknown standing", "claims/number/standing", "guessed",
     ["claims.number.standing: ", "'guessed'", "read", "recalled", "derived"]),
    ("no tolerance", "claims/number/tolerance", KeyError,
     ["claims.number: ", "'tolerance' is a required property"]),
    ("no unsaid", "experiments/classifier/unsaid", KeyError, ["'unsaid' is a required property"]),
    ("upper case name", "claims/Number", {}, ["'Number' does not match"]),
    ("unknown rule", "experiments/classifier/learning_rule", "toy_rul",
     ["experiments.classifier.learning_rule: unknown name 'toy_rul'", "toy_rule",
      "backpropagation"]),
    ("unknown model", "experiments/sampled/model", "vae",
     ["experiments.sampled.model: unknown name 'vae'", "toy_model"]),
    ("rule with samples", "experiments/classifier/evaluation", {"samples": 5},
     ["experiments.classifier.evaluation: a learning rule has alignment and measures, no samples"]),
    ("rule with a misspelt measure", "experiments/classifier/evaluation",
     {"measures": {"painting": {}}}, ["evaluation.measures: ToyRule has no 'painting'", "inpaint"]),
    ("aligned model", "experiments/sampled/evaluation/alignment", {"images": 5},
     ["experiments.sampled.evaluation: only a learning rule has an alignment"]),
    ("alignment without a gradient", "experiments/classifier/evaluation",
     {"alignment": {"images": 5}},
     ["evaluation.alignment: ToyRule has no method gradient(batch) to compare updates with"]),
    ("alignment of no images", "experiments/classifier/evaluation", {"alignment": {"images": 0}},
     ["experiments.classifier.evaluation.alignment.images: 0 is less than the minimum of 1"]),
    ("evaluated simulation", "experiments/simulated/evaluation", {"measures": {}},
     ["experiments.simulated.evaluation: a simulation has none: scores.py scores it"]),
    ("model without samplers", "experiments/sampled/evaluation/samplers", KeyError,
     ["experiments.sampled.evaluation: 'samplers' is a required property"]),
    ("simulation without scores", "experiments/simulated/simulation", "unscored",
     ["experiments.simulated: replications/toy/scores.py has no function 'unscored'"]),
    ("metric without a unit", "metrics", {"din": {"label": "d", "better": "lower", "meaning": ""}},
     ["metrics.din: 'unit' is a required property"]),
    ("unknown simulation", "experiments/simulated/simulation", "_helper",
     ["experiments.simulated.simulation: unknown name '_helper'", "toy_curve"]),
    ("unknown metric", "claims/number/about/metric", "accuracy",
     ["claims.number: unknown metric 'accuracy'", "near to it: none", "core/declare/metrics.yaml"]),
    ("misspelt metric", "claims/number/about/metric", "test_eror",
     ["claims.number: unknown metric 'test_eror'", "near to it: test_error"]),
    ("unknown experiment", "claims/number/about/experiment", "clasifier",
     ["claims.number: unknown experiment 'clasifier'", "classifier, sampled, simulated"]),
    ("unknown experiment of a predicate", "claims/order/compares/than/experiment", "x",
     ["claims.order: unknown experiment 'x'"]),
    ("unknown sampler", "experiments/sampled/evaluation/samplers", ["gibbs"],
     ["experiments.sampled.evaluation.samplers: ToyModel has no 'gibbs'",
      "it has ancestral, decoder, generate"]),
    ("private sampler", "experiments/sampled/evaluation/samplers", ["_hidden"],
     ["ToyModel has no '_hidden'"]),
    ("sampler that is a chain", "experiments/sampled/evaluation/samplers", ["noisy"],
     ["evaluation.samplers: ToyModel has no 'noisy'; it has ancestral, decoder, generate"]),
    ("unknown chain", "experiments/sampled/evaluation/chains/gibbs", [0, 1],
     ["experiments.sampled.evaluation.chains: ToyModel has no 'gibbs'",
      "it has ancestral, decoder, generate, noisy"]),
    ("unknown chain of a tier", "experiments/sampled/tiers/smoke/evaluation",
     {"chains": {"_rebuilt": [0]}}, ["evaluation.chains: ToyModel has no '_rebuilt'"]),
    ("a chain's half step", "experiments/sampled/evaluation/chains/noisy", [0.5],
     ["experiments.sampled.evaluation.chains.noisy.0: 0.5 is not of type 'integer'"]),
    ("a chain's step twice", "experiments/sampled/evaluation/chains/noisy", [1, 1],
     ["experiments.sampled.evaluation.chains.noisy: [1, 1] has non-unique elements"]),
    ("unknown measure", "experiments/sampled/evaluation/measures/painting", {},
     ["experiments.sampled.evaluation.measures: ToyModel has no 'painting'; it has inpainting"]),
    ("a number that YAML reads as text", "experiments/classifier/settings/beta", "1e-3",
     ["experiments.classifier.settings.beta: ToyRule takes float, not '1e-3'; "
      "YAML reads 1e-3 as text: write 0.001"]),
    ("yes in the place of a number", "experiments/classifier/settings/beta", True,
     ["experiments.classifier.settings.beta: ToyRule takes float, not True"]),
    ("a part of a step", "experiments/classifier/settings/steps", 4.0,
     ["experiments.classifier.settings.steps: ToyRule takes int, not 4.0"]),
    ("a width in quotes", "experiments/classifier/network/feed_forward/layers", [4, "3"],
     ["classifier.network.feed_forward.layers: FeedForward takes Sequence[int], not [4, '3']"]),
    ("a part of an epoch", "experiments/classifier/tiers/paper/budget/epochs", 1.0,
     ["experiments.classifier.tiers.paper.budget.epochs: 1.0 is not of type 'integer'"]),
    ("missing setting of a measure", "experiments/sampled/evaluation/measures/inpainting",
     {"rounds": 2},
     ["sampled.evaluation.measures.inpainting: inpainting takes rounds, shown; "
      "missing: shown"]),
    ("unknown setting of a measure", "experiments/sampled/evaluation/measures/inpainting/round", 2,
     ["evaluation.measures.inpainting", "inpainting takes rounds, shown; unknown: round"]),
    ("missing setting of a likelihood", "experiments/sampled/evaluation/likelihood/ancestral",
     {k: v for k, v in LIKELIHOOD.items() if k != "chains"},
     ["experiments.sampled.evaluation.likelihood.ancestral: 'chains' is a required property"]),
    ("unknown setting of a likelihood", "experiments/sampled/evaluation/likelihood/ancestral/step",
     1, ["evaluation.likelihood.ancestral: ", "'step' was unexpected", "allowed keys are images"]),
    ("likelihood of no sampler", "experiments/sampled/evaluation/likelihood/noisy", LIKELIHOOD,
     ["experiments.sampled.evaluation.likelihood: ToyModel has no 'noisy'; "
      "it has ancestral, generate"]),
    ("likelihood of no decoder", "experiments/sampled",
     DECLARED["experiments"]["sampled"] | {
         "model": "other_model",
         "evaluation": {"samples": 9, "samplers": ["walk"], "sigmas": [1.0],
                        "likelihood": {"walk": LIKELIHOOD}},
     },
     ["evaluation.likelihood: OtherModel has no 'walk'; it has none"]),
    ("unknown evaluation", "experiments/sampled/evaluation/inference_iterations", 2,
     ["experiments.sampled.evaluation: ", "'inference_iterations' was unexpected",
      "allowed keys are samples, samplers, sigmas, anchors, chains, "]),
    ("no neighbour", "experiments/sampled/evaluation/neighbours", 0,
     ["experiments.sampled.evaluation.neighbours: 0 is less than the minimum of 1"]),
    ("unknown figure", "figures/curvs", {"caption": "C", "experiments": ["classifier"]},
     ["figures.curvs: figures.py has no function of that name"]),
    ("figure of an unknown claim", "figures/curves/claims", ["numbr"],
     ["figures.curves: unknown claim 'numbr'; near to it: number"]),
    ("figure of an unknown experiment", "figures/curves/experiments", ["classifier", "none"],
     ["figures.curves: unknown experiment 'none'"]),
    ("unknown setting", "experiments/classifier/settings/betta", 1,
     ["experiments.classifier.settings: ToyRule takes beta, steps; unknown: betta"]),
    ("unknown setting of a tier", "experiments/classifier/tiers/smoke/settings/betta", 1,
     ["ToyRule takes beta, steps; unknown: betta"]),
    ("missing setting", "experiments/classifier/settings", {"beta": 1.0},
     ["ToyRule takes beta, steps; missing: steps"]),
    ("unknown and missing", "experiments/simulated/settings", {"slop": 1.0},
     ["toy_curve takes pairs, slope; unknown: slop; missing: slope"]),
    ("what the suite provides", "experiments/sampled/settings/device", "cuda",
     ["ToyModel takes width; unknown: device"]),
    ("missing argument of a network", "experiments/classifier/network",
     {"feed_forward": {"layers": [4, 3]}},
     ["classifier.network", "takes cost, initialisation, layers, units; missing: cost"]),
    ("a network that takes nothing", "experiments/classifier/network/feed_forward", None,
     ["experiments.classifier.network.feed_forward: None is not of type 'object'"]),
    ("two networks", "experiments/classifier/network",
     {"feed_forward": {}, "hopfield_network": {}},
     ["experiments.classifier.network: ", "too many properties"]),
    ("two networks after the merge", "experiments/classifier/tiers/smoke/network",
     {"toy_network": {"layers": [1, 2]}},
     ["experiments.classifier: a tier changes a network's or optimiser's name"]),
    ("two optimisers after the merge", "experiments/classifier/tiers/smoke/training/optimiser",
     {"centred_rmsprop": {"decay": 0.9, "momentum": 0, "floor": 0.1}},
     ["experiments.classifier: a tier changes a network's or optimiser's name"]),
    ("another budget", "experiments/classifier/tiers/smoke/budget", {"epochs": 2},
     ["experiments.classifier: budget: has to name epochs and examples"]),
    ("another budget than the paper's", "experiments/simulated/tiers/paper/budget",
     {"pairs": 1000, "more": 3},
     ["experiments.simulated.tiers.smoke.budget: has to name ['more', 'pairs']"]),
    ("an unnamed budget", "experiments/simulated/tiers/smoke/budget", {"trials": 1},
     ["toy_curve takes pairs, slope; missing: pairs"]),
    ("nothing", "claims", None, ["claims: None is not of type 'object'"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "told"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_a_fault_is_told_with_its_place_and_what_there_is(root, key, value, told):
    message = fault(root, key, value)
    for words in told:
        assert words in message, message
    assert len(message) < 800, message


@pytest.mark.parametrize(
    ("annotation", "right", "wrong"),
    [
        ("float", [1, 0.5, -2.0], [True, "1", None, [1.0]]),
        ("int", [1, 0], [1.0, True, "1"]),
        ("bool", [True], [1, "yes"]),
        ("str", ["yes"], [1, None]),
        ("Sequence[int]", [[], [1, 2]], [[1.5], 1, {"a": 1}]),
        ("Sequence[Sequence[float]]", [[[1, 2.5], []]], [[1], [["a"]]]),
        ("tuple[int, float]", [[1, 2.5]], [[1], [1, 2, 3], [1.5, 2]]),
        ("Mapping[str, float]", [{}, {"a": 1}], [{"a": "b"}, [1]]),
        ("Mapping[str, Mapping]", [{"a": {"b": "c"}}], [{"a": 1}]),
        ("float | None", [None, 1.5], ["1"]),
        ("Named", [[1]], [1]),  # a name for a type, in the module
        ("Choice", ["tanh", {"tanh": {"gain": 1}}], [1, {"tanh": 1}]),  # imported
        ("Tensor", [1, "a"], []),  # of no type that YAML has
    ],
)
def test_a_setting_is_of_the_type_that_the_science_says(root, annotation, right, wrong):
    text = (
        "from replications.core.learn.choices import Choice\nfrom torch import Tensor\n"
        f"Named = Sequence[int]\ndef curve(*, a: {annotation}): ...\n"
    )
    (root / "toy" / "typed.py").write_text(text)
    argument = definitions("replications.toy.typed")["curve"].arguments["a"]
    assert argument.type == annotation
    assert all(fits(value, argument.schema) for value in right)
    assert not any(fits(value, argument.schema) for value in wrong)


def test_a_key_that_is_there_twice_is_told_with_its_line(root):
    path = root / "toy" / "paper.yaml"
    text = json.dumps(DECLARED).replace(
        '"settings": {"beta": 1.0', '"settings": {"beta": 1, "beta": 1.0'
    )
    path.write_text("\n" + text)
    with pytest.raises(DeclarationError, match=r"toy/paper.yaml: line 2: beta is there twice"):
        Paper(path)


def test_a_mapping_that_is_merged_into_two_has_no_key_twice(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a {x: 1}\nb: &b {<<: *a, x: 2, y: 3}\nc: {<<: *b, z: 4}\n")
    assert parsed(path, "a.yaml")["c"] == {"x": 2, "y": 3, "z": 4}


def test_an_unknown_network_is_told(root):
    declared = changed("experiments/classifier/network", {"resnet": {"layers": [1, 2]}})
    del declared["experiments"]["classifier"]["tiers"]["smoke"]["network"]
    with pytest.raises(DeclarationError) as failure:
        paper(root, declared)
    told = "experiments.classifier.network: unknown name 'resnet'; known are "
    assert told in str(failure.value) and "feed_forward" in str(failure.value)


def test_every_fault_of_the_schema_has_a_line(root):
    declared = changed("experiments/classifier/data", "imagenet", changed("paper/yeer", 2015))
    with pytest.raises(DeclarationError) as failure:
        paper(root, declared)
    lines = str(failure.value).splitlines()
    assert len(lines) == 2
    assert all("toy/paper.yaml: " in line for line in lines)


@pytest.mark.parametrize(
    ("key", "value", "choices"),
    [
        ("experiments/classifier/learning_rule", KeyError,
         "learning_rule, network, training; or model, training, evaluation; or simulation"),
        ("experiments/classifier/simulation", "toy_curve",
         "learning_rule, network, training; or model, training, evaluation; or simulation"),
        ("claims/number/value", KeyError,
         "about, value; or answers, value; or compares; or correlates"),
        ("claims/number/compares", DECLARED["claims"]["order"]["compares"],
         "about, value; or answers, value; or compares; or correlates"),
        ("claims/order/value", {"mean": 1.0},
         "about, value; or answers, value; or compares; or correlates"),
        ("claims/order/about", {"experiment": "classifier", "metric": "test_error"},
         "about, value; or answers, value; or compares; or correlates"),
        ("claims/number/value", {"mean": 1, "low": 0, "high": 2}, "mean; or low, high"),
        ("claims/number/value", {"low": 0}, "mean; or low, high"),
    ],
)  # fmt: skip
def test_a_choice_of_one_is_told_in_a_line(root, key, value, choices):
    message = fault(root, key, value)
    assert message.endswith(f": needs, and needs only, one of: {choices}")
    assert len(message.splitlines()) == 1 and len(message) < 200


@pytest.mark.parametrize("text", ["claims: [", "", "- a\n- b\n", "just words"])
def test_what_is_no_declaration_at_all_is_told(root, text):
    path = root / "toy" / "paper.yaml"
    path.write_text(text)
    with pytest.raises(DeclarationError, match=r"paper\.yaml: .*(not YAML|not of type 'object')"):
        Paper(path)


@pytest.mark.parametrize("extra", ["trials", "slope"])
def test_a_budget_that_a_simulation_does_not_take_is_told(root, extra):
    tiers = {t: {"budget": {"pairs": n, extra: 1}} for t, n in BUDGETS.items()}
    assert extra in fault(root, "experiments/simulated/tiers", tiers)


# The suite


def test_a_folder_with_a_declaration_is_a_paper(root):
    paper(root)
    (root / "draft").mkdir()
    suite = Suite(root)
    assert list(suite.papers) == ["toy"] and suite.select("all") == suite.papers
    assert list(suite.select(["toy"])) == ["toy"]
    assert suite.experiment("toy", "sampled", "smoke").share == 0.02


def test_names_that_there_are_not_are_told(root):
    paper(root)
    suite = Suite(root)
    with pytest.raises(DeclarationError, match="unknown a, b; there are toy"):
        suite.select(["b", "toy", "a"])
    with pytest.raises(DeclarationError, match="toy has no experiment 'sampeld'"):
        suite.experiment("toy", "sampeld", "smoke")


def test_a_faulty_copy_of_a_real_paper_is_told(tmp_path):
    """And the copy without the fault is not: what is told is the fault."""
    package = tmp_path / "replications"
    shutil.copytree(ROOT / "replications" / "lee2015", package / "lee2015")
    copied = package / "lee2015" / "paper.yaml"
    text = copied.read_text()
    real = suite().paper("lee2015")
    for mine, its in zip(
        Paper(copied).experiments("paper"), real.experiments("paper"), strict=True
    ):
        assert mine == its
    copied.write_text(text.replace("noise: 0.359829566008", "nois: 0.359829566008"))
    with pytest.raises(DeclarationError, match="takes alpha, noise; unknown: nois; missing: noise"):
        Paper(copied)
