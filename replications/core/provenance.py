"""What a number came from: hashes of code, configuration and data, and the machine it ran on.

A hash of code covers the meaning of the Python files that a step uses, not their text: comments,
docstrings and layout are left out, so that explaining code better retrains nothing.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "replications"
LIBRARIES = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "snakemake", "safetensors")


def digest(value: object) -> str:
    """First 12 hex digits of the SHA-256 of `value` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def module_file(module: str) -> Path | None:
    """The file of a module of this package, or None if there is no such module."""
    path = ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def syntax(path: Path) -> ast.Module:
    """The syntax tree of a file without what changes nothing at run time.

    Docstrings and what stands under `if TYPE_CHECKING` go; comments are no part of a tree.
    """
    tree = ast.parse(path.read_text(), filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [kept for part in node.body for kept in what_runs(part)]
    return tree


def what_runs(node: ast.stmt) -> list[ast.stmt]:
    """What a statement comes to at run time: nothing for a bare string such as a docstring."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return node.orelse
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return [] if isinstance(node.value.value, str) else [node]
    return [node]


def imports(module: str) -> set[str]:
    """The modules of this package that `module` imports, anywhere in its file, and its parents."""
    parts = module.split(".")
    found = {".".join(parts[:depth]) for depth in range(1, len(parts))}
    own = parts if module_file(module).name == "__init__.py" else parts[:-1]
    for node in ast.walk(syntax(module_file(module))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = own[: len(own) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found.add(source)
            found.update(f"{source}.{alias.name}" for alias in node.names)
    return {name for name in found if name.split(".")[0] == PACKAGE and module_file(name)}


def closure(modules: Iterable[str]) -> list[str]:
    """`modules` and every module of this package that they import, directly or not, sorted."""
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(imports(module))
    return sorted(seen)


def code_hash(*modules: str) -> str:
    """Hash of the meaning of `modules` and of all that they import from this package."""
    return digest({name: ast.dump(syntax(module_file(name))) for name in closure(modules)})


def git_commit() -> str:
    """The checked-out commit, with "-dirty" where tracked files differ; "unknown" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()


def environment() -> dict[str, str]:
    """Versions of Python and of the libraries that a number depends on, and the processor."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), "machine": platform.machine(), **versions}
