"""The regression check: fresh scores against the stored reference."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import pandas as pd

from replications.core.metrics import METRICS
from replications.core.runs import write_atomically
from replications.core.tables import last, read

logger = logging.getLogger(__name__)

KEYS = ["paper", "experiment", "metric", "layer"]


class Regressed(RuntimeError):
    """Scores moved away from the reference; the message is a table of what moved."""


def means(table: pd.DataFrame) -> pd.Series:
    """Mean over runs of the last value of every metric."""
    return last(table).groupby(KEYS)["value"].mean(skipna=False)


def moved(fresh: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Every metric of either table: its means, the shift, what is tolerated, and what it comes to.

    "ok", "moved" (shifted by more than the metric's tolerance), "missing" (the reference has it, or
    has more of its runs), "not finite", or "new" (only `fresh` has it: no fault).
    """
    table = pd.DataFrame({"reference": means(reference), "fresh": means(fresh)})
    table["shift"] = table["fresh"] - table["reference"]
    table["tolerance"] = [
        METRICS[key[2]].tolerance(mean) if key[2] in METRICS else 0.0
        for key, mean in table["reference"].items()
    ]
    measured, known = runs(fresh), runs(reference)
    return table.assign(
        outcome=[
            outcome(row, measured.get(key, set()), known.get(key, set()))
            for key, row in table.iterrows()
        ]
    )


def runs(table: pd.DataFrame) -> dict[tuple, set[int]]:
    """The runs that have each metric."""
    return {key: set(rows) for key, rows in table.groupby(KEYS)["run"]}


def outcome(row: pd.Series, measured: set[int], known: set[int]) -> str:
    """What one metric comes to, given the runs that measured it and those of the reference."""
    if not known:
        return "new"
    if known - measured:
        return "missing"
    if not math.isfinite(row["fresh"]):
        return "not finite"
    written = 1e-5 * abs(row["reference"])  # the reference is written with six digits
    return "ok" if abs(row["shift"]) <= row["tolerance"] + written else "moved"


def check_scores(results: Path, tier: str) -> None:
    """Hold results/<tier>/scores.parquet against results/reference/<tier>.csv.

    Writes results/<tier>/check.csv. Raises Regressed if a metric is missing, not finite, or moved.
    """
    fresh = pd.read_parquet(results / tier / "scores.parquet")
    table = moved(fresh, read(results / "reference" / f"{tier}.csv"))
    write_atomically(results / tier / "check.csv", table.to_csv(float_format="%.6g"))
    faults = table[table["outcome"].isin(["moved", "missing", "not finite"])]
    new = int((table["outcome"] == "new").sum())
    if len(faults):
        lines = faults.to_string(sparsify=False)
        raise Regressed(
            f"{len(faults)} of {len(table)} metrics regressed:\n{lines}\n"
            f"If that is meant, say why in the commit that copies {results}/{tier}/scores.csv to "
            f"{results}/reference/{tier}.csv"
        )
    logger.info("%d metrics are as in the reference, %d are new", len(table) - new, new)
