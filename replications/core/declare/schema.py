"""YAML files, read and compared with their schemas, with messages that say what to fix."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from replications.core.base.provenance import ROOT

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, ten times as fast, if built in
SCHEMAS = ROOT / "workflows" / "schemas"


class DeclarationError(ValueError):
    """A YAML file says something that the suite cannot run; the message says where and what."""


def read_yaml(path: Path, schema: str) -> dict:
    """The YAML file `path`, checked against workflows/schemas/<schema>.schema.yaml.

    Raises DeclarationError with the file, the key and what is allowed, one line per fault.
    """
    try:
        declared = yaml.load(path.read_text(), LOADER)
    except yaml.YAMLError as error:
        raise DeclarationError(f"{path}: not YAML: {error}") from None
    check_schema(declared, schema, str(path.relative_to(path.parents[2])))
    return declared


@cache
def validator(schema: str) -> Draft202012Validator:
    """What compares a declaration with workflows/schemas/<schema>.schema.yaml."""
    return Draft202012Validator({"$ref": f"{schema}.schema.yaml"}, registry=schemas())


@cache
def schemas() -> Registry:
    """All of workflows/schemas by their files' names: by these they name each other."""
    files = SCHEMAS.glob("*.schema.yaml")
    contents = ((file.name, yaml.load(file.read_text(), LOADER)) for file in files)
    return Registry().with_resources((n, Resource.from_contents(c)) for n, c in contents)


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
    if error.validator == "oneOf":
        choices = (
            ", ".join(choice.get("required", ["a fixed value"])) for choice in error.validator_value
        )
        return f"{key}: needs, and needs only, one of: {'; or '.join(choices)}"
    allowed = ""
    if error.validator == "additionalProperties" and "properties" in error.schema:
        allowed = f"; allowed keys are {', '.join(error.schema['properties'])}"
    return f"{key}: {error.message}{allowed}"
