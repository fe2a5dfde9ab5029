"""What the package's modules define, read from their syntax trees: nothing is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice

from replications.core.base.provenance import PACKAGE, module_file, syntax
from replications.core.declare.schema import DeclarationError


def snake_case(name: str) -> str:
    """EquilibriumPropagation -> equilibrium_propagation."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True)
class Definition:
    """A public class or function: its `name`, what it takes by keyword, and its public methods."""

    name: str
    arguments: frozenset[str]
    methods: frozenset[str]


@cache
def definitions(module: str) -> dict[str, Definition]:
    """Public classes and functions of a module, by their snake_case names.

    A function takes its keyword-only arguments. A class takes the fields of its `Settings`, and the
    keyword-only arguments of its ``__init__``; those and its methods are also those of its bases
    whose definition is found: in the same module, or where they are imported from.
    """
    path = module_file(module)
    found = {}
    for node in syntax(path).body if path else []:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            takes, does = arguments(module, node), methods(module, node)
            found[snake_case(node.name)] = Definition(node.name, takes, does)
    return found


def arguments(module: str, node: ast.ClassDef | ast.FunctionDef) -> frozenset[str]:
    """What a class or function takes by keyword alone."""
    if isinstance(node, ast.FunctionDef):
        return frozenset(a.arg for a in node.args.kwonlyargs)
    found = [frozenset(fields(*settings)) for settings in inner_classes(module, node, "Settings")]
    inits = [
        part
        for _, one in lineage(module, node)
        for part in one.body
        if isinstance(part, ast.FunctionDef) and part.name == "__init__"
    ]
    return frozenset().union(*found[:1], *(arguments(module, init) for init in inits[:1]))


def fields(module: str, node: ast.ClassDef) -> Iterator[str]:
    """The fields of a dataclass, those of its bases included; no class variables."""
    for _, one in lineage(module, node):
        for part in one.body:
            if isinstance(part, ast.AnnAssign) and "ClassVar" not in ast.unparse(part.annotation):
                yield ast.unparse(part.target)


def methods(module: str, node: ast.ClassDef | ast.FunctionDef) -> frozenset[str]:
    """The public methods of a class; none for a function."""
    if isinstance(node, ast.FunctionDef):
        return frozenset()
    parts = [part for _, one in lineage(module, node) for part in one.body]
    names = {part.name for part in parts if isinstance(part, ast.FunctionDef)}
    return frozenset(name for name in names if not name.startswith("_"))


def lineage(module: str, node: ast.ClassDef) -> Iterator[tuple[str, ast.ClassDef]]:
    """A class and its bases as far as they are found, with their modules, the nearest first."""
    yield module, node
    for base in node.bases:
        for found in located(module, ast.unparse(base)):
            yield from lineage(*found)


def located(module: str, name: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """The class of that name in a module or where that imports it from; "A.B" is nested."""
    outer, _, inner = name.partition(".")
    path = module_file(module)
    for node in syntax(path).body if path else []:
        if isinstance(node, ast.ClassDef) and node.name == outer:
            nested = islice(inner_classes(module, node, inner), 1)  # the nearest, as Python has it
            yield from nested if inner else [(module, node)]
        elif isinstance(node, ast.ImportFrom) and outer in {alias.name for alias in node.names}:
            yield from located(node.module or "", name)


def inner_classes(module: str, node: ast.ClassDef, name: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """The classes of that name within a class and its bases, the nearest first."""
    for where, one in lineage(module, node):
        for part in one.body:
            if isinstance(part, ast.ClassDef) and part.name == name:
                yield where, part


def resolve(name: str, modules: list[str], where: str) -> tuple[str, str]:
    """(module, attribute) for `name`, from the first of `modules` that defines it.

    `<paper>.<name>` takes it from that paper. Raises DeclarationError listing what there is.
    """
    if "." in name:
        paper, name = name.split(".", 1)
        modules = [f"{PACKAGE}.{paper}.{module.rsplit('.', 1)[1]}" for module in modules]
    for module in modules:
        if name in definitions(module):
            return module, definitions(module)[name].name
    known = sorted({n for module in modules for n in definitions(module)})
    raise DeclarationError(f"{where}: unknown name {name!r}; known are {', '.join(known)}")
