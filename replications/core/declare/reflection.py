"""What the package's modules define, read from their syntax trees: nothing is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice

from replications.core.base.provenance import PACKAGE, module_file, syntax
from replications.core.declare.schema import DeclarationError


def snake_case(name: str) -> str:
    """EquilibriumPropagation -> equilibrium_propagation."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True)
class Argument:
    """What a class or function takes by keyword: its type as written, and as a JSON schema."""

    type: str
    schema: Mapping


@dataclass(frozen=True)
class Definition:
    """A public class or function: its `name`, what it takes by keyword, and its public methods."""

    name: str
    arguments: Mapping[str, Argument]
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


def arguments(module: str, node: ast.ClassDef | ast.FunctionDef) -> dict[str, Argument]:
    """What a class or function takes by keyword alone, by name."""
    if isinstance(node, ast.FunctionDef):
        return {a.arg: argument(module, a.annotation) for a in node.args.kwonlyargs}
    inits = (
        arguments(where, part)
        for where, one in lineage(module, node)
        for part in one.body
        if isinstance(part, ast.FunctionDef) and part.name == "__init__"
    )
    settings = (fields(*found) for found in inner_classes(module, node, "Settings"))
    return next(inits, {}) | next(settings, {})


def fields(module: str, node: ast.ClassDef) -> dict[str, Argument]:
    """The fields of a dataclass, those of its bases included; no class variables."""
    found: dict[str, Argument] = {}
    for where, one in lineage(module, node):
        for part in one.body:
            if isinstance(part, ast.AnnAssign) and "ClassVar" not in ast.unparse(part.annotation):
                found.setdefault(ast.unparse(part.target), argument(where, part.annotation))
    return found


def argument(module: str, annotation: ast.expr | None) -> Argument:
    """An argument of that annotation."""
    return Argument(ast.unparse(annotation) if annotation else "anything",
                    json_schema(module, annotation))  # fmt: skip


# Types that YAML has, as a JSON schema says them.
PLAIN = {"float": "number", "int": "integer", "bool": "boolean", "str": "string", "None": "null"}


def json_schema(module: str, annotation: ast.expr | None) -> dict:
    """An annotation of that module as a JSON schema; {}, which is anything, for other classes."""
    match annotation:
        case ast.Constant(None):
            return {"type": "null"}
        case ast.Name(name) if name in PLAIN:
            return {"type": PLAIN[name]}
        case ast.Name(name):
            return alias(module, name)
        case ast.BinOp(left, ast.BitOr(), right):
            return {"anyOf": [json_schema(module, side) for side in (left, right)]}
        case ast.Subscript(ast.Name("Sequence" | "list"), item):
            return {"type": "array", "items": json_schema(module, item)}
        case ast.Subscript(ast.Name("tuple"), ast.Tuple(items)):
            each = [json_schema(module, item) for item in items]
            return {"type": "array", "prefixItems": each,
                    "minItems": len(each), "maxItems": len(each)}  # fmt: skip
        case ast.Subscript(ast.Name("Mapping" | "dict"), ast.Tuple([_, value])):
            return {"type": "object", "additionalProperties": json_schema(module, value)}
    return {}


def alias(module: str, name: str) -> dict:
    """A name for a type, assigned in a module or imported there, as a JSON schema."""
    if name in ("Mapping", "dict"):
        return {"type": "object"}
    path = module_file(module)
    for node in syntax(path).body if path else []:
        match node:
            case ast.Assign([ast.Name(target)], value) if target == name:
                return json_schema(module, value)
            case ast.ImportFrom(where, names) if name in {one.name for one in names}:
                return alias(where or "", name)
    return {}


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
