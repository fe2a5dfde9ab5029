"""The regression check: fresh scores against the stored reference."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from junitparser import Failure, JUnitXml, TestCase, TestSuite

from replications.core.base.errors import Expected
from replications.core.base.files import made_again, write_atomically, write_json
from replications.core.base.provenance import machine
from replications.core.report.tables import read_scores, read_table
from replications.core.report.tolerances import KEYS, means, read_tolerances

logger = logging.getLogger(__name__)

FAULTS = ("moved", "missing", "not finite")


class Regressed(Expected):
    """Scores moved away from the reference; the message is a table of what moved."""


def moved(
    fresh: pd.DataFrame, reference: pd.DataFrame, tolerances: Mapping[tuple, float]
) -> pd.DataFrame:
    """Every metric of either table: its means, the shift, what is tolerated, and what it comes to.

    "ok", "moved" (shifted by more than its tolerance), "missing" (the reference has it, or has more
    of its runs), "not finite", or "new" (only `fresh` has it: no fault).
    """
    table = pd.DataFrame({"reference": means(reference), "fresh": means(fresh)})
    table["shift"] = table["fresh"] - table["reference"]
    table["tolerance"] = [tolerances.get(key, 0.0) for key in table.index]
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


def made_on(reference: Path, tier: str) -> str:
    """Which processors made a tier of the reference, in words."""
    path = reference / "machines.csv"
    lines = pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else None
    if lines is None or tier not in set(lines["tier"]):
        return "a processor that was not recorded"
    own = lines[lines["tier"] == tier]
    return "; ".join(sorted(set(own["processor"] + " (" + own["instructions"] + ")")))


def in_json(table: pd.DataFrame, tier: str, machines: str) -> dict:
    """What came out, with every metric; a number that is not finite, or not there, is null."""
    rows = table.reset_index().astype(object)
    finite = rows.where(rows.map(lambda x: not isinstance(x, float) or math.isfinite(x)), None)
    counts = table["outcome"].value_counts().to_dict()
    return {"tier": tier, "machines": machines, "outcomes": counts,
            "metrics": finite.to_dict("records")}  # fmt: skip


def in_junit(table: pd.DataFrame, tier: str) -> str:
    """A suite of tests for each paper, and in it a test for each metric."""
    report = JUnitXml(f"regression check, {tier} tier")
    for paper, rows in table.groupby(level="paper"):
        suite = TestSuite(paper)
        for (_, experiment, metric, part), row in rows.iterrows():
            case = TestCase(f"{metric} {part}".strip(), f"{paper}.{experiment}")
            if row["outcome"] in FAULTS:
                told = "{outcome}: {fresh:.6g}, stored {reference:.6g}, tolerance {tolerance:.3g}"
                case.result = [Failure(told.format(**row), row["outcome"])]
            suite.add_testcase(case)
        report.add_testsuite(suite)
    return report.tostring().decode()


def check_scores(results: Path, reference: Path, tier: str) -> None:
    """Compare results/<tier>/scores.parquet with <reference>/<tier>.csv.

    Writes results/<tier>/check.csv, and the same for programs: check.json, and check.xml as JUnit
    has it. Raises Regressed if a metric is missing, not finite, or moved.
    """
    scores = results / tier / "scores.parquet"
    with made_again(scores):
        fresh = read_scores(scores)
    tolerances = read_tolerances(reference / "tolerances.csv")
    table = moved(fresh, read_table(reference / f"{tier}.csv"), tolerances)
    write_atomically(results / tier / "check.csv", table.to_csv(float_format="%.6g"))
    here = machine()
    machines = (
        f"The reference was made on {made_on(reference, tier)}; this is {here['processor']} "
        f"({here['instructions']})."
    )
    faults = table[table["outcome"].isin(FAULTS)]
    write_json(results / tier / "check.json", in_json(table, tier, machines))
    write_atomically(results / tier / "check.xml", in_junit(table, tier))
    new = int((table["outcome"] == "new").sum())
    if len(faults):
        lines = faults.to_string(sparsify=False)
        raise Regressed(
            f"{len(faults)} of {len(table)} metrics regressed:\n{lines}\n{machines}\n"
            "If that is meant, store the new scores, and say why in the commit: "
            f"python -m replications reference PAPER --tier {tier}"
        )
    logger.info("%d metrics are as in the reference, %d are new", len(table) - new, new)
    logger.info("%s", machines)
