"""YAML files, read and compared with their schemas, with messages that say what to fix."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from replications.core.base.provenance import ROOT

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, ten times as fast, if built in
SCHEMAS = ROOT / "workflows" / "schemas"


class DeclarationError(ValueError):
    """A YAML file says something that the suite cannot run; the message says where and what."""


def read_yaml(path: Path, schema: str) -> dict:
    """The YAML file `path`, checked against workflows/schemas/<schema>.schema.yaml.

    Raises DeclarationError with the file, the key and what is allowed, one line per fault.
    """
    name = str(path.relative_to(path.parents[2]))
    declared = parsed(path, name)
    check_schema(declared, schema, name)
    return declared


def parsed(path: Path, name: str) -> Any:
    """What the YAML file `path` says, `name` in messages.

    Raises DeclarationError if it is no YAML, or has a key twice.

    YAML itself lets the last of two equal keys win in silence.
    """
    try:
        loader = LOADER(path.read_text(encoding="utf-8"))
        tree = loader.get_single_node()
        check_keys(tree, name)
        return None if tree is None else loader.construct_document(tree)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{name}: not YAML: {error}") from None


def check_keys(tree: yaml.Node | None, name: str) -> None:
    """Refuse a mapping with two equal keys; aliases are looked at once."""
    seen: set[int] = set()
    left = [tree] if tree else []
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            for number, (key, value) in enumerate(node.value):
                if isinstance(key.value, str) and key.value in keys[:number]:
                    line = key.start_mark.line + 1
                    raise DeclarationError(f"{name}: line {line}: {key.value} is there twice")
                left.append(value)
        elif isinstance(node, yaml.SequenceNode):
            left += node.value


def whole(_: object, value: object) -> bool:
    """Whether a value is an integer as Python has them: 3, not 3.0."""
    return isinstance(value, int) and not isinstance(value, bool)


Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", whole),
)


@cache
def validator(schema: str) -> Any:
    """What compares a declaration with workflows/schemas/<schema>.schema.yaml."""
    return Validator({"$ref": f"{schema}.schema.yaml"}, registry=schemas())


def fits(value: object, schema: Mapping) -> bool:
    """Whether a value is as that JSON schema says."""
    return Validator(schema).is_valid(value)


@cache
def schemas() -> Registry:
    """All of workflows/schemas by their files' names: by these they name each other.

    They are read by `Validator`, not by the one that their $schema would choose anew.
    """
    found = {file.name: parsed(file, file.name) for file in SCHEMAS.glob("*.schema.yaml")}
    without = ({k: v for k, v in told.items() if k != "$schema"} for told in found.values())
    return Registry().with_resources(
        zip(found, map(DRAFT202012.create_resource, without), strict=True)
    )


def check_schema(declared: object, schema: str, name: str) -> None:
    """Compare a declaration with a schema; raises DeclarationError naming `name` and the key."""
    errors = list(validator(schema).iter_errors(declared))
    misspelt = {tuple(e.absolute_path) for e in errors if e.validator == "additionalProperties"}
    faults = [
        f"{name}: {fault(error)}"
        for error in errors
        if error.validator != "oneOf" or tuple(error.absolute_path) not in misspelt
    ]
    if faults:
        raise DeclarationError("\n".join(faults))


def fault(error: ValidationError) -> str:
    """One line for a jsonschema error: the key, what is wrong, and what is allowed."""
    key = ".".join(str(part) for part in error.absolute_path) or "(top)"
    told = error.schema.get("description", "")
    if error.validator == "oneOf" and told:
        return f"{key}: {error.instance!r} does not fit; it is {told}"
    if error.validator == "oneOf":
        choices = (
            ", ".join(choice.get("required", ["a fixed value"])) for choice in error.validator_value
        )
        return f"{key}: needs, and needs only, one of: {'; or '.join(choices)}"
    allowed = ""
    if error.validator == "additionalProperties" and "properties" in error.schema:
        allowed = f"; allowed keys are {', '.join(error.schema['properties'])}"
    elif error.validator in ("type", "pattern") and told:
        allowed = f" ({told})"
    return f"{key}: {error.message}{allowed}"
