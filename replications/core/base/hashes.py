"""Hashes of code: of what computes numbers, and of nothing else.

A hash starts from definitions, such as a training step and a learning rule. It covers every
definition of this package that they use, directly or not (functions, classes with their bases,
constants), and whatever else the modules they stand in do when they are imported. Of a definition
it covers what it does, as a syntax tree: no comment, docstring, layout or annotation of an
argument, no message of an error, no line for the log.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from replications.core.base import provenance

# Modules that the science calls and that compute no number of it: where files lie and how they are
# written, who made a run and how it is told. What a dataset holds, the hash of its data covers.
SILENT = (
    "base.errors",
    "base.files",
    "base.provenance",
    "data.catalogue",
    "run.runs",
    "train.told",
    "train.updates",
)
UNSEEN = {"annotation", "returns", "type_comment", "type_params", "kind", "ctx"}  # fields of nodes
TOLD = ("logger.", "print", "warnings.warn")  # calls whose statement only tells

Name = tuple[str, str]  # (module, definition)


def digest(value: object) -> str:
    """First 12 hex digits of the SHA-256 of `value` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def code_hash(*names: str) -> str:
    """Hash of what some definitions do, "module:definition", or all of a "module"."""
    return digest(covered(*names))


def covered(*names: str) -> dict[str, str]:
    """What a hash covers: "module:definition" -> digest of what it does."""
    found: dict[str, str] = {}
    waiting: list[Name] = []
    for given in names:
        module, _, definition = given.partition(":")
        waiting += [(module, definition)] if definition else everything(module)
    seen: set[Name] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if does := meaning(name):
            found[":".join(name)] = does
        waiting += uses(name)
        waiting += [(module, "") for module in loaded(name[0])]
    return found


@cache
def meaning(name: Name) -> str:
    """Digest of what a definition does; "" for one that does nothing."""
    statements = source_of(name[0]).definitions.get(name[1], [])
    does = [part for node in statements for part in canonical(node)]
    return digest(does) if does else ""


def everything(module: str) -> list[Name]:
    """Every definition of a module."""
    return [(module, name) for name in source_of(module).definitions]


@dataclass
class Source:
    """One module of the package: its definitions by name, "" for all else that it does."""

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, Name] = field(default_factory=dict)  # alias -> (module, definition or "")


@cache
def source_of(module: str) -> Source:
    """What a module defines and imports; imports inside functions count as the module's."""
    source = Source()
    path = provenance.module_file(module)
    tree = provenance.syntax(path) if path else ast.Module([], [])
    for statement in working(tree.body):
        for name in names_bound(statement):
            source.definitions.setdefault(name, []).append(statement)
    idle = [s for n in ast.walk(tree) if isinstance(n, ast.If) and for_types(n) for s in n.body]
    unused = {node for statement in idle for node in ast.walk(statement)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in unused:
            source.imported |= imports(module, node)
    return source


def for_types(node: ast.AST) -> bool:
    """Whether a node is `if TYPE_CHECKING:`, whose body does not run."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def working(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that do something at run time, those under an `else` of TYPE_CHECKING as well."""
    for node in statements:
        if isinstance(node, ast.If) and for_types(node):
            yield from node.orelse
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def names_bound(node: ast.stmt) -> list[str]:
    """What a statement at the top of a module defines; [""] where it does something else."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    simple = isinstance(node, ast.Assign | ast.AnnAssign)
    bound = [n.id for t in targets if t for n in ast.walk(t) if isinstance(n, ast.Name)]
    if simple and all(isinstance(t, ast.Name | ast.Tuple) for t in targets):
        return bound
    inner = [n.id for n in ast.walk(node)
             if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]  # fmt: skip
    inner += [n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    return ["", *inner]


def imports(module: str, node: ast.Import | ast.ImportFrom) -> dict[str, Name]:
    """What an import binds of this package: alias -> (module, definition), "" for the module."""
    found = {}
    if isinstance(node, ast.Import):
        for alias in node.names:
            found[alias.asname or alias.name] = (alias.name, "")
    else:
        path = provenance.module_file(module)
        package = path is not None and path.name == "__init__.py"
        own = module.split(".") if package else module.split(".")[:-1]
        above = own[: len(own) - node.level + 1] if node.level else []
        origin = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{origin}.{alias.name}"
            submodule = origin.startswith(provenance.PACKAGE) and provenance.module_file(inner)
            found[alias.asname or alias.name] = (inner, "") if submodule else (origin, alias.name)
    return {alias: name for alias, name in found.items() if within(name[0])}


def within(module: str) -> bool:
    """Whether a module is of this package, and not among those that compute nothing."""
    package, _, rest = module.partition(".")
    silent = any(rest == f"core.{name}" for name in SILENT)
    return package == provenance.PACKAGE and not silent and bool(provenance.module_file(module))


@cache
def loaded(module: str) -> frozenset[str]:
    """A module, the packages it stands in, and what they all import: Python runs them first."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        parts = at.split(".")
        waiting += [".".join(parts[:depth]) for depth in range(1, len(parts))]
        waiting += [origin for origin, _ in source_of(at).imported.values()]
    return frozenset(seen)


@cache
def uses(name: Name) -> frozenset[Name]:
    """The definitions of this package that a definition names."""
    module, definition = name
    source, found = source_of(module), set()
    for node in source.definitions.get(definition, []):
        for path in names_read(node):
            found |= resolved(module, path)
    return frozenset(found - {name})


def names_read(node: ast.AST) -> Iterator[str]:
    """Every dotted name that a node reads, in its longest form: "ais.fit_sigma"."""
    dotted = dotted_name(node)
    if dotted:
        yield dotted
        return
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if name not in UNSEEN and isinstance(child, ast.AST) and not tells(child):
                yield from names_read(child)


def dotted_name(node: ast.AST) -> str:
    """ "a.b.c" for such an expression, else ""."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        below = dotted_name(node.value)
        return f"{below}.{node.attr}" if below else ""
    return ""


def resolved(module: str, path: str) -> set[Name]:
    """The definitions that a dotted name of a module stands for; none for what is not of ours."""
    source = source_of(module)
    first, _, rest = path.partition(".")
    if first in source.definitions:
        return {(module, first)}
    for alias, (origin, definition) in source.imported.items():
        if path != alias and not path.startswith(f"{alias}."):
            continue
        if definition:
            return resolved(origin, definition)
        rest = path[len(alias) + 1 :]
        return resolved(origin, rest) if rest else set(everything(origin))
    return set()


def tells(node: ast.AST) -> bool:
    """Whether a statement does nothing but explain or tell: docstrings, log lines, raise."""
    if isinstance(node, ast.Raise):
        return True
    if not isinstance(node, ast.Expr):
        return False
    called = dotted_name(node.value.func) if isinstance(node.value, ast.Call) else ""
    return isinstance(node.value, ast.Constant) or called.startswith(TOLD)


def canonical(node: object) -> list:
    """What a node does, as nested lists that are equal in every version of Python.

    Empty for what only tells; of an error it says that there is one, of an assertion what it tests.
    """
    if isinstance(node, ast.Raise):
        return [["Raise"]]
    if not isinstance(node, ast.AST):
        return [repr(node)]
    if tells(node):
        return []
    does: list[Any] = [type(node).__name__]
    if isinstance(node, ast.ClassDef):  # what a dataclass makes of its fields hangs on their types
        does += [ast.unparse(n.annotation) for n in node.body if isinstance(n, ast.AnnAssign)]
    for name, value in ast.iter_fields(node):
        if name in UNSEEN or (isinstance(node, ast.Assert) and name == "msg"):
            continue
        if isinstance(value, list):
            inner = [part for child in value for part in canonical(child)]
        else:
            inner = canonical(value) if value is not None or name == "value" else []
        if inner:
            does.append([name, inner])
    return [does]
