"""The configuration of a workflow: config/config.yaml, and what the command line changes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from replications.core.declare.schema import check_schema, parsed


def checked(config: Mapping, files: Iterable[str] = ()) -> dict:
    """The `config` that Snakemake has read from its `files` and the command line.

    On the command line a number within braces is text, --config 'runs={smoke: 1}': it becomes one.
    Raises DeclarationError, with file and key, for what the schema does not allow.
    """
    for name in files:
        parsed(Path(name), str(name))  # refuses equal keys, of which Snakemake takes the last
    runs = config.get("runs")
    if isinstance(runs, Mapping):
        numbers = {tier: int(n) if str(n).isdecimal() else n for tier, n in runs.items()}
        config = {**config, "runs": numbers}
    check_schema(config, "config", "config/config.yaml")
    return dict(config)
