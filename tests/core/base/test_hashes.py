"""What a hash of code covers, on a package made for the purpose; and hashes of configurations."""

import ast
import json
from functools import partial
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.core.base import hashes, provenance
from replications.core.base.hashes import code_hash, covered, digest
from replications.core.declare import papers

FIXED = settings(derandomize=True, deadline=None, max_examples=60)

FILES = {
    "suite/__init__.py": "",
    "suite/core/__init__.py": "",
    "suite/core/base.py": "RATE = 0.1\nOTHER = 2\n",
    "suite/core/data/catalogue.py": "LICENCE = 'CC0'\n\ndef licence():\n    return LICENCE\n",
    "suite/core/data/__init__.py": "",
    "suite/core/learning.py": """
        import logging

        from suite.core.base import RATE

        logger = logging.getLogger(__name__)


        class Network:
            def layer(self, x):
                return 2 * x


        def step(x):
            if x < 0:
                raise ValueError(f"{x} is below 0")
            assert x < 9, "too large"
            logger.info("a step from %s", x)
            return RATE * x


        def unused(x):
            return x
        """,
    "suite/core/unused.py": "WIDTH = 3\n",
    "suite/paper/__init__.py": "",
    "suite/paper/rule.py": """
        import math
        from typing import TYPE_CHECKING

        from suite.core import learning
        from suite.core.data import catalogue
        from suite.core.learning import Network

        if TYPE_CHECKING:
            from suite.core.unused import WIDTH

        SCALE: float = 1.5


        class Rule(Network):
            depth: int

            def update(self, x: float) -> float:
                print(catalogue.licence())
                return SCALE * learning.step(x) + math.pi + len(catalogue.licence())


        def beside(x):
            return -x
        """,
    "suite/paper/figures.py": "from suite.paper.rule import Rule\nCOLOUR = 'red'\n",
    "elsewhere/other.py": "X = 1\n",
}


def forget():
    """What was read of the package."""
    provenance.syntax.cache_clear()
    for known in (hashes.source_of, hashes.loaded, hashes.uses, hashes.meaning):
        known.cache_clear()


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Make the package; returns a function that changes a file of it and forgets what was read."""

    def put(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        forget()

    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(provenance, "PACKAGE", "suite")
    for name, text in FILES.items():
        put(name, text)
    yield put
    forget()


hash_of_rule = partial(code_hash, "suite.paper.rule:Rule")


def edited(name, old, new):
    text = dedent(FILES[name])
    assert old in text
    return name, text.replace(old, new)


def test_a_hash_covers_what_a_definition_uses_and_no_more(write):
    assert set(covered("suite.paper.rule:Rule")) == {
        "suite.core.base:RATE",
        "suite.core.learning:Network",
        "suite.core.learning:step",
        "suite.paper.rule:Rule",
        "suite.paper.rule:SCALE",
    }


def test_a_module_is_all_of_its_definitions(write):
    assert {"suite.paper.rule:beside", "suite.paper.rule:Rule"} <= set(covered("suite.paper.rule"))


def test_definitions_that_use_each_other_are_covered_once(write):
    write("suite/core/base.py", "def f(x):\n    return g(x)\n\ndef g(x):\n    return f(x)\n")
    assert set(covered("suite.core.base:f")) == {"suite.core.base:f", "suite.core.base:g"}


USES = [
    "import suite.core.unused\ndef f():\n    return suite.core.unused.WIDTH",
    "import suite.core.unused as u\ndef f():\n    return u.WIDTH",
    "from suite.core import unused\ndef f():\n    return unused.WIDTH",
    "from suite.core.unused import WIDTH\ndef f():\n    return WIDTH",
    "from suite.core.unused import WIDTH as W\ndef f():\n    return W",
    "from . import unused\ndef f():\n    return unused.WIDTH",
    "from .unused import WIDTH\ndef f():\n    return WIDTH",
    "def f():\n    from suite.core.unused import WIDTH\n    return WIDTH",
    "try:\n    from suite.core.unused import WIDTH\nexcept ImportError:\n    pass\n"
    "def f():\n    return WIDTH",
    "from suite.core import unused\ndef f():\n    return getattr(unused, 'WIDTH')",
    "from suite.core.unused import WIDTH\nNAMED = {'w': WIDTH}\ndef f():\n    return NAMED",
    "from suite.core.unused import WIDTH\ndef f(x=WIDTH):\n    return x",
    "from suite.core.unused import WIDTH\n@WIDTH\ndef f(x):\n    return x",
]


@pytest.mark.parametrize("text", USES)
def test_every_way_to_use_another_module_is_seen(write, text):
    write("suite/core/base.py", text)
    before = code_hash("suite.core.base:f")
    assert "suite.core.unused:WIDTH" in covered("suite.core.base:f")
    write("suite/core/unused.py", "WIDTH = 4\n")
    assert code_hash("suite.core.base:f") != before


def test_what_a_module_does_when_it_is_imported_counts(write):
    """Python runs suite/core/__init__.py before suite.core.base, and all that they import."""
    effect = "\nimport torch\ntorch.set_default_dtype(torch.float64)\n"
    for name in ("suite/core/__init__.py", "suite/core/base.py", "suite/paper/rule.py"):
        before = hash_of_rule()
        write(name, dedent(FILES[name]) + effect)
        assert hash_of_rule() != before, name
    before = hash_of_rule()
    write("suite/core/unused.py", dedent(FILES["suite/core/unused.py"]) + effect)
    assert hash_of_rule() == before, "no module that is used imports it"


SILENT = [
    ("suite/core/base.py", "# why\n\n\nRATE = 0.1  # chosen on validation\n"),
    ("suite/core/base.py", '"""What this is."""\n\nRATE = 0.1\n'),
    ("suite/core/base.py", 'RATE = 0.1\n"""The rate."""\n'),
    ("suite/core/base.py", "RATE = (\n    0.1\n)\nOTHER = 3\n"),
    edited("suite/core/learning.py", "def step(x):", 'def step(x):\n    """One step."""'),
    edited("suite/core/learning.py", "is below 0", "is below zero: give a larger one"),
    edited("suite/core/learning.py", "too large", "larger than 9"),
    edited("suite/core/learning.py", "a step from", "one step from"),
    edited("suite/core/learning.py", "def unused(x):", "def another(x, y):"),
    edited("suite/core/learning.py", "def step(x):", "def step(x: float) -> float:"),
    edited(
        "suite/paper/rule.py", "class Rule(Network):", 'class Rule(Network):\n    """A rule."""'
    ),
    edited("suite/paper/rule.py", "import WIDTH", "import WIDTH, HEIGHT"),
    edited("suite/paper/rule.py", "return -x", "return -2 * x"),
    edited("suite/paper/rule.py", "import learning", "import learning, unused"),
    ("suite/core/data/catalogue.py", "LICENCE = 'MIT'\n\ndef licence():\n    return LICENCE\n"),
    ("suite/paper/figures.py", "COLOUR = 'blue'\n"),
    ("suite/core/unused.py", "WIDTH = 4\n"),
    ("elsewhere/other.py", "X = 2\n"),
    ("suite/paper/new.py", "Y = 1\n"),
]


@pytest.mark.parametrize(("name", "text"), SILENT)
def test_what_changes_no_number_leaves_the_hash_alone(write, name, text):
    before = hash_of_rule()
    write(name, text)
    assert hash_of_rule() == before


TELLING = [
    ("suite/core/base.py", "RATE = 0.2\n"),  # used by what is used
    ("suite/core/base.py", "RATE = '0.1'\n"),
    ("suite/core/base.py", "if True:\n    RATE = 0.2\n"),
    edited("suite/core/learning.py", "RATE * x", "-RATE * x"),
    edited("suite/core/learning.py", "RATE * x", "RATE * x * x"),
    edited("suite/core/learning.py", "x < 0", "x < 1"),
    edited("suite/core/learning.py", "x < 9", "x < 8"),
    edited("suite/core/learning.py", "2 * x", "3 * x"),  # of the base class
    edited("suite/paper/rule.py", "1.5", "1.25"),
    edited("suite/paper/rule.py", "math.pi", "math.e"),
    edited("suite/paper/rule.py", "depth: int", "depth: float"),
    edited("suite/paper/rule.py", "(self, x: float)", "(self, x: float = 1)"),
    edited("suite/paper/rule.py", "math.pi", "'math.pi'"),
    edited("suite/paper/rule.py", "Rule(Network)", "Rule"),
]


@pytest.mark.parametrize(("name", "text"), TELLING)
def test_what_changes_a_number_changes_the_hash(write, name, text):
    before = hash_of_rule()
    write(name, text)
    assert hash_of_rule() != before


def test_an_else_of_type_checking_runs_and_so_it_counts(write):
    before = hash_of_rule()
    write(
        *edited("suite/paper/rule.py", "import WIDTH\n", "import WIDTH\nelse:\n    math.pi = 3\n")
    )
    assert hash_of_rule() != before


def test_the_order_and_repetition_of_names_make_no_difference(write):
    one = code_hash("suite.paper.rule:Rule", "suite.core.unused")
    assert one == code_hash("suite.core.unused", "suite.paper.rule:Rule", "suite.core.base:RATE")
    assert one != hash_of_rule()
    assert len(one) == 12 and int(one, 16) >= 0


def test_moving_a_definition_to_another_module_is_a_change(write):
    before = hash_of_rule()
    write("suite/core/base.py", "from suite.core.unused import RATE\n")
    write("suite/core/unused.py", FILES["suite/core/base.py"])
    assert hash_of_rule() != before


# The suite itself


def experiments(tier="smoke"):
    return [e for paper in papers.suite().papers.values() for e in paper.experiments(tier)]


UNTRAINED = tuple(f"replications.core.{room}." for room in ("declare", "score", "report", "steps"))


def test_training_does_not_depend_on_scores_figures_or_tables():
    """So that a better figure or another score retrains nothing."""
    for experiment in experiments():
        for name in covered(*experiment.definitions("train")):
            module = name.split(":")[0]
            assert not module.endswith(".figures"), name
            assert not name.startswith(UNTRAINED), name


def test_what_is_silent_could_compute_no_number():
    """No module that a hash leaves out imports a library of numbers when it is imported."""
    for name in hashes.SILENT:
        tree = provenance.syntax(provenance.module_file(f"replications.core.{name}"))
        imports = [node for node in tree.body if isinstance(node, ast.Import)]
        imported = {alias.name for node in imports for alias in node.names}
        assert not imported & {"torch", "numpy", "scipy", "sklearn"}, name


def test_seeds_splits_and_the_optimiser_are_covered():
    (lee,) = (e for e in experiments() if e.name == "mnist_continuous")
    assert lee.optimiser == ("replications.core.learn.optimisers", "CentredRMSprop")
    found = {name.removeprefix("replications.core.") for name in covered(*lee.definitions("train"))}
    optimisers = "learn.optimisers"
    wanted = {"run.seeds:seed", "data.datasets:VALIDATION", f"{optimisers}:CentredRMSprop"}
    assert wanted <= found
    assert f"{optimisers}:SGD" not in found, "another optimiser retrains nothing"


def test_what_is_compared_in_features_depends_on_the_classifier():
    for experiment in experiments():
        if experiment.kind == "model":
            found = covered(*experiment.definitions("score"))
            compared = "neighbours" in experiment.resolved["evaluation"]
            assert (
                "replications.core.score.estimators.fidelity:train_classifier" in found
            ) == compared


def test_hashes_of_an_experiment_tell_code_from_configuration():
    smoke, standard = (
        papers.suite().experiment("scellier2017", "mnist_1h", tier)
        for tier in ("smoke", "standard")
    )
    assert smoke.hashes("train")["code"] == standard.hashes("train")["code"]
    assert smoke.hashes("train")["config"] != standard.hashes("train")["config"]
    assert smoke.hashes("train")["code"] != smoke.hashes("score")["code"]
    lee = papers.suite().experiment("lee2015", "mnist_continuous", "smoke")
    assert lee.hashes("train")["code"] != smoke.hashes("train")["code"]


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
JSON = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3)
)


@FIXED
@given(JSON, JSON)
def test_digests_are_equal_exactly_for_equal_json(one, two):
    assert digest(one) == digest(json.loads(json.dumps(one)))
    same = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    assert (digest(one) == digest(two)) == same


def test_digest_ignores_the_order_of_keys_and_not_that_of_lists():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1, "b": [1, 2]}) != digest({"a": 1, "b": [2, 1]})
    assert digest({"a": 1}) != digest({"a": 1.5})
