"""What a hash of code covers, on a package made for the purpose; and hashes of configurations."""

import json
import subprocess
from functools import partial
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.core import papers, provenance
from replications.core.provenance import (
    closure,
    code_hash,
    digest,
    environment,
    git_commit,
    imports,
)

FIXED = settings(derandomize=True, deadline=None, max_examples=60)

FILES = {
    "suite/__init__.py": "",
    "suite/core/__init__.py": "",
    "suite/core/base.py": "RATE = 0.1\n",
    "suite/core/learning.py": """
        from suite.core.base import RATE

        def step(x):
            return RATE * x
        """,
    "suite/core/unused.py": "WIDTH = 3\n",
    "suite/paper/__init__.py": "",
    "suite/paper/rule.py": """
        import math
        from typing import TYPE_CHECKING

        from suite.core import learning

        if TYPE_CHECKING:
            from suite.core.unused import WIDTH


        class Rule:
            def update(self, x):
                return learning.step(x) + math.pi
        """,
    "suite/paper/figures.py": "from suite.paper.rule import Rule\nCOLOUR = 'red'\n",
    "elsewhere/other.py": "X = 1\n",
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Make the package; returns a function that changes a file of it and forgets what was read."""

    def put(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        provenance.syntax.cache_clear()
        provenance.meaning.cache_clear()

    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(provenance, "PACKAGE", "suite")
    for name, text in FILES.items():
        put(name, text)
    yield put
    provenance.syntax.cache_clear()
    provenance.meaning.cache_clear()


hash_of_rule = partial(code_hash, "suite.paper.rule")


def edited(name, old, new):
    text = dedent(FILES[name])
    assert old in text
    return name, text.replace(old, new)


def test_closure_follows_imports_of_this_package_alone(write):
    found = closure(["suite.paper.rule"])
    assert found == sorted(found)
    assert {"suite.paper.rule", "suite.core.learning", "suite.core.base"} <= set(found)
    assert not {"math", "typing", "suite.core.unused", "suite.paper.figures"} & set(found)
    assert "suite.paper.rule" in closure(["suite.paper.figures"])


def test_closure_survives_circular_imports(write):
    write("suite/core/base.py", "import suite.core.learning\nRATE = 0.1\n")
    assert {"suite.core.base", "suite.core.learning"} <= set(closure(["suite.core.base"]))


@pytest.mark.parametrize(
    "statement",
    [
        "import suite.core.unused",
        "import suite.core.unused as u",
        "from suite.core import unused",
        "from suite.core.unused import WIDTH",
        "def f():\n    from suite.core.unused import WIDTH",
        "try:\n    import suite.core.unused\nexcept ImportError:\n    pass",
    ],
)
def test_every_way_to_import_is_seen(write, statement):
    write("suite/core/base.py", statement)
    assert "suite.core.unused" in imports("suite.core.base")


@pytest.mark.parametrize("statement", ["from . import unused", "from .unused import WIDTH"])
def test_relative_imports_are_seen(write, statement):
    write("suite/core/base.py", statement)
    assert "suite.core.unused" in closure(["suite.core.base"])


def test_a_package_is_part_of_what_imports_from_it(write):
    """Python runs suite/core/__init__.py before suite.core.base."""
    before = code_hash("suite.core.base")
    write("suite/core/__init__.py", "import torch\ntorch.set_default_dtype(torch.float64)\n")
    assert code_hash("suite.core.base") != before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("suite/core/base.py", "# why\n\n\nRATE = 0.1  # chosen on validation\n"),
        ("suite/core/base.py", '"""What this is."""\n\nRATE = 0.1\n'),
        ("suite/core/base.py", 'RATE = 0.1\n"""The rate."""\n'),
        edited("suite/core/learning.py", "def step(x):", 'def step(x):\n    """One step."""'),
        edited("suite/paper/rule.py", "class Rule:", 'class Rule:\n    """A rule."""\n'),
        edited("suite/paper/rule.py", "import WIDTH", "import WIDTH, HEIGHT"),
        edited(
            "suite/paper/rule.py", "if TYPE_CHECKING:\n", "if TYPE_CHECKING:\n    import torch\n"
        ),
        ("suite/paper/figures.py", "COLOUR = 'blue'\n"),
        ("suite/core/unused.py", "WIDTH = 4\n"),
        ("elsewhere/other.py", "X = 2\n"),
        ("suite/paper/new.py", "Y = 1\n"),
    ],
)
def test_what_changes_nothing_at_run_time_leaves_the_hash_alone(write, name, text):
    before = hash_of_rule()
    write(name, text)
    assert hash_of_rule() == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("suite/core/base.py", "RATE = 0.2\n"),  # imported by what is imported
        ("suite/core/base.py", "RATE = '0.1'\n"),
        edited("suite/core/learning.py", "RATE * x", "-RATE * x"),
        edited("suite/core/learning.py", "RATE * x", "RATE * x * x"),
        edited("suite/paper/rule.py", "math.pi", "math.e"),
        edited("suite/paper/rule.py", "def update(self, x)", "def update(self, x=1)"),
        edited("suite/paper/rule.py", "math.pi", "'math.pi'"),
        edited("suite/paper/rule.py", "import learning\n", "import learning, unused\n"),
    ],
)
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


def test_figures_hash_follows_figures_and_what_they_import(write):
    before = code_hash("suite.paper.figures")
    write("suite/paper/figures.py", FILES["suite/paper/figures.py"].replace("red", "blue"))
    after = code_hash("suite.paper.figures")
    assert after != before
    write("suite/core/base.py", "RATE = 0.3\n")
    assert code_hash("suite.paper.figures") != after


def test_the_order_and_repetition_of_modules_make_no_difference(write):
    one = code_hash("suite.paper.rule", "suite.core.unused")
    assert one == code_hash("suite.core.unused", "suite.paper.rule", "suite.core.base")
    assert one != code_hash("suite.paper.rule")
    assert len(one) == 12 and int(one, 16) >= 0


def test_moving_code_to_another_module_is_a_change(write):
    before = hash_of_rule()
    write("suite/core/base.py", FILES["suite/core/unused.py"])
    write("suite/core/unused.py", FILES["suite/core/base.py"])
    assert hash_of_rule() != before


def test_training_does_not_depend_on_scores_figures_or_tables():
    """So that a better figure or another score retrains nothing."""
    for paper in papers.Suite().papers.values():
        for experiment in paper.experiments("smoke"):
            modules = [f"replications.core.train.{experiment.kind}", experiment.science[0]]
            for name in closure(modules):
                assert not name.endswith(".figures"), name
                assert ".core.score" not in name, name
                assert name.split(".")[-1] not in ("plots", "compare", "tables", "metrics"), name


def test_hashes_of_an_experiment_tell_code_from_configuration():
    smoke, standard = (
        papers.Suite().experiment("scellier2017", "mnist_1h", tier)
        for tier in ("smoke", "standard")
    )
    assert smoke.hashes("train")["code"] == standard.hashes("train")["code"]
    assert smoke.hashes("train")["config"] != standard.hashes("train")["config"]
    assert smoke.hashes("train")["code"] != smoke.hashes("score")["code"]
    lee = papers.Suite().experiment("lee2015", "mnist_continuous", "smoke")
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


def test_the_commit_is_marked_dirty_and_unknown_outside_git(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit() == "unknown"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "file").write_text("1")
    subprocess.run([*git, "add", "file"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    clean = git_commit()
    assert len(clean) == 12 and int(clean, 16) >= 0
    (tmp_path / "untracked").write_text("1")
    assert git_commit() == clean
    (tmp_path / "file").write_text("2")
    assert git_commit() == f"{clean}-dirty"


def test_the_environment_names_what_numbers_depend_on():
    import platform

    import numpy
    import torch

    found = environment()
    assert found["python"] == platform.python_version()
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert found["numpy"] == numpy.__version__
    assert all(isinstance(value, str) and value for value in found.values())
