"""What the package's modules define, read from their syntax trees: nothing is imported."""

from __future__ import annotations

import ast
import re
from functools import cache

from replications.core.base.provenance import PACKAGE, module_file, syntax
from replications.core.declare.schema import DeclarationError


def snake_case(name: str) -> str:
    """EquilibriumPropagation -> equilibrium_propagation."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@cache
def definitions(module: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Public classes and functions of a module: snake_case name -> (name, keyword-only arguments).

    A class without its own ``__init__`` takes that of its first base whose definition is found: in
    the same module, or where it is imported from by its own name.
    """
    path = module_file(module)
    found: dict[str, tuple[str, frozenset[str]]] = {}
    imported: dict[str, str] = {}  # name -> module
    for node in syntax(path).body if path else []:
        if isinstance(node, ast.ImportFrom):
            imported |= {alias.name: node.module for alias in node.names}
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found[node.name] = (node.name, frozenset(a.arg for a in node.args.kwonlyargs))
        elif isinstance(node, ast.ClassDef):
            inits = [f for f in node.body if getattr(f, "name", "") == "__init__"]
            inherited = frozenset()
            for base in reversed([ast.unparse(base) for base in node.bases]):
                known = definitions(imported[base]) if base in imported else found
                inherited = known.get(snake_case(base), ("", inherited))[1]
            arguments = [frozenset(a.arg for a in f.args.kwonlyargs) for f in inits]
            found[snake_case(node.name)] = (node.name, (arguments or [inherited])[0])
    return found


def methods_of(module: str, attribute: str) -> set[str]:
    """The public methods that a class of a module defines; none for a function."""
    return {
        part.name
        for node in syntax(module_file(module)).body
        if isinstance(node, ast.ClassDef) and node.name == attribute
        for part in node.body
        if isinstance(part, ast.FunctionDef) and not part.name.startswith("_")
    }


def resolve(name: str, modules: list[str], where: str) -> tuple[str, str]:
    """(module, attribute) for `name`, from the first of `modules` that defines it.

    `<paper>.<name>` takes it from that paper. Raises DeclarationError listing what there is.
    """
    if "." in name:
        paper, name = name.split(".", 1)
        modules = [f"{PACKAGE}.{paper}.{module.rsplit('.', 1)[1]}" for module in modules]
    for module in modules:
        if name in definitions(module):
            return module, definitions(module)[name][0]
    known = sorted({n for module in modules for n in definitions(module)})
    raise DeclarationError(f"{where}: unknown name {name!r}; known are {', '.join(known)}")
