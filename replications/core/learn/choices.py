"""What a YAML file chooses by its name: linear, or with options {euler: {step_size: 0.5}}."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import Parameter, signature
from typing import Any, TypeVar

Known = TypeVar("Known")
Choice = str | Mapping[str, Mapping[str, Any]]  # a name, or a name with its options


def named(name: str, known: Mapping[str, Known], where: str) -> Known:
    """The one of the `known` of that name. Raises ValueError, naming the place in the file."""
    if name not in known:
        raise ValueError(f"{where}: {name!r} is none of {', '.join(known)}")
    return known[name]


def chosen(
    declared: Choice,
    known: Mapping[str, Callable[..., Any]],
    where: str,
    *,
    provided: frozenset[str] = frozenset(),
) -> Callable[..., Any]:
    """The one of the `known` that is declared, with its options bound.

    Its options are its keyword-only arguments, but for those `provided` at the call. Raises
    ValueError, naming the place in the file, for another name, and for other options.
    """
    ((name, options),) = ({declared: {}} if isinstance(declared, str) else declared).items()
    function = named(name, known, where)
    parameters = signature(function).parameters.values()
    takes = {p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY} - provided
    if set(options) != takes:
        wanted, found = (", ".join(sorted(names)) or "nothing" for names in (takes, options))
        raise ValueError(f"{where}.{name}: takes {wanted}, not {found}")
    return partial(function, **options)
