"""How far a score may move before the regression check says so.

Measured, not set: `python -m replications tolerances` runs the smoke tier by every variant of
core/steps/rounding.py, on one machine, and writes results/reference/tolerances.csv by RULE.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from replications.core.base.files import write_atomically
from replications.core.report.tables import last

logger = logging.getLogger(__name__)

FACTOR = 4
RULE = f"""\
A metric's tolerance is {FACTOR} times the largest shift that rounding gave it in this experiment, \
whatever the part, and at least {FACTOR} times the smallest that rounding gave it in any \
experiment (of what is counted: one more or one less)."""
KEYS = ["paper", "experiment", "metric", "part"]


def means(table: pd.DataFrame) -> pd.Series:
    """Mean over runs of the last value of every metric."""
    return last(table).groupby(KEYS)["value"].mean(skipna=False)


def shifts(tables: Mapping[str, Path], base: str) -> pd.DataFrame:
    """How far every mean of every variant is from that of the tier as it is; a column each."""
    found = {name: means(pd.read_parquet(path)) for name, path in tables.items()}
    return pd.DataFrame({name: (mean - found[base]).abs() for name, mean in found.items()
                         if name != base})  # fmt: skip


def tolerances(shifted: pd.DataFrame) -> pd.Series:
    """The tolerance of every metric, from its shifts by variant, as RULE says."""
    largest = shifted.max(axis=1)
    in_experiment = largest.groupby(KEYS[:3]).transform("max")
    smallest = shifted.where(shifted > 0).min(axis=1)
    anywhere = smallest.groupby("metric").transform("min").fillna(0.0)
    return FACTOR * pd.concat([in_experiment, anywhere], axis=1).max(axis=1)


def left_out(shifted: pd.DataFrame) -> dict[str, int]:
    """How many metrics would be an alarm in each variant, by tolerances from the others alone."""
    return {
        name: int((shifted[name] > tolerances(shifted.drop(columns=name)) * (1 + 1e-9)).sum())
        for name in shifted
    }


def write_tolerances(tables: Mapping[str, Path], base: str, path: Path) -> None:
    """Write the largest shift and the tolerance of every metric, and tell what they are worth."""
    shifted = shifts(tables, base)
    found = pd.DataFrame({"shift": shifted.max(axis=1), "tolerance": tolerances(shifted)})
    write_atomically(path, found.to_csv(float_format="%.3g", lineterminator="\n"))
    logger.info("%s: %d metrics, %d variants. %s", path, len(found), len(shifted.columns), RULE)
    for name, alarms in left_out(shifted).items():
        logger.info("by tolerances from the other variants, %s has %d alarms", name, alarms)


def read_tolerances(path: Path) -> dict[tuple[str, str, str, str], float]:
    """Tolerance by paper, experiment, metric and part."""
    table = pd.read_csv(path, keep_default_na=False, dtype=dict.fromkeys(KEYS, str))
    return table.set_index(KEYS)["tolerance"].to_dict()
