"""The rooms of the core stand in the order of the flow: who imports whom goes one way."""

import ast

import pytest

from replications.core.base.provenance import PACKAGE, ROOT

CORE = ROOT / PACKAGE / "core"
MAY_IMPORT = {
    "base": {"base"},
    "data": {"base", "data"},
    "learn": {"base", "learn"},
    "declare": {"base", "declare"},
    "run": {"base", "data", "learn", "declare", "run"},
    "train": {"base", "data", "learn", "declare", "run", "train"},
    "score": {"base", "data", "learn", "declare", "run", "score"},
    "report": {"base", "declare", "report"},
    "steps": {"base", "data", "learn", "declare", "run", "train", "score", "report", "steps"},
}
MODULES = sorted(CORE.rglob("*.py"))


def imported(path):
    """The modules of this package that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith(f"{PACKAGE}."))


def test_every_room_has_its_place():
    assert {path.parent.name for path in CORE.glob("*/__init__.py")} == set(MAY_IMPORT)
    assert [path.name for path in CORE.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(CORE)))
def test_imports_go_one_way(path):
    room = path.relative_to(CORE).parts[0]
    allowed = MAY_IMPORT.get(room, set())
    for name in imported(path):
        assert name.split(".")[1] == "core", f"{path}: the core imports the paper {name}"
        assert name.split(".")[2] in allowed, f"{path}: {room} may not import {name}"


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent.name in ("base", "declare")])
def test_what_the_workflow_reads_imports_no_torch(path):
    names = {n.split(".")[0] for n in top_level(path)}
    assert not names & {"torch", "numpy", "scipy", "sklearn"}


def top_level(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
