"""What a number came from: hashes of code, configuration and data, and the machine it ran on.

A hash of code covers what the Python files that a step uses do, not how they explain it: comments
and docstrings are left out, so that explaining code better retrains nothing.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import platform
import subprocess
import tokenize
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
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), filename=str(path))


def idle_lines(path: Path) -> set[int]:
    """The lines of a file that do nothing at run time: docstrings, and under `if TYPE_CHECKING`."""
    lines: set[int] = set()
    for node in ast.walk(syntax(path)):
        end = getattr(node, "end_lineno", None)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            end = node.body[-1].end_lineno  # what stands under an `else` does run
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        lines.update(range(node.lineno, end + 1))
    return lines


@cache
def meaning(path: Path) -> str:
    """The source of a file less comments, docstrings, blank lines and what type checkers read.

    Not the syntax tree, whose printed form differs between versions of Python.
    """
    source = path.read_text()
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    idle = idle_lines(path)
    kept = (line.rstrip() for number, line in enumerate(lines, start=1) if number not in idle)
    return "\n".join(line for line in kept if line)


def imports(module: str) -> set[str]:
    """The modules of this package that `module` imports, anywhere in its file, and its parents."""
    parts = module.split(".")
    found = {".".join(parts[:depth]) for depth in range(1, len(parts))}
    own = parts if module_file(module).name == "__init__.py" else parts[:-1]
    path = module_file(module)
    idle = idle_lines(path)
    for node in ast.walk(syntax(path)):
        if getattr(node, "lineno", 0) in idle:
            continue
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
    """Hash of what `modules` do, and all that they import from this package."""
    return digest({name: meaning(module_file(name)) for name in closure(modules)})


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
