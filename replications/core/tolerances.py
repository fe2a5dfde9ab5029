"""How far a score may move before the regression check says so.

Measured, not set: `python -m replications tolerances` runs the smoke tier by every variant of
core/rounding.py, on one machine, and writes results/reference/tolerances.csv.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from replications.core.tables import last

RULE = """\
"""
KEYS = ["paper", "experiment", "metric", "layer"]


def means(table: pd.DataFrame) -> pd.Series:
    """Mean over runs of the last value of every metric."""
    return last(table).groupby(KEYS)["value"].mean(skipna=False)


def shifts(tables: Mapping[str, Path], base: str) -> pd.DataFrame:
    """How far every mean of every variant is from that of the tier as it is; a column each."""
    found = {name: means(pd.read_parquet(path)) for name, path in tables.items()}
    return pd.DataFrame({name: abs(mean - found[base]) for name, mean in found.items()
                         if name != base})  # fmt: skip


def write(tables: Mapping[str, Path], path: Path) -> None:
    raise SystemExit("rule to come")


def read(path: Path) -> dict[tuple[str, str, str, str], float]:
    """Tolerance by paper, experiment, metric and layer."""
    table = pd.read_csv(path, keep_default_na=False, dtype=dict.fromkeys(KEYS, str))
    return table.set_index(KEYS)["tolerance"].to_dict()
