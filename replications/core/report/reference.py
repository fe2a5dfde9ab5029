"""results/reference/: what is stored of finished runs, and on which machine they were made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd

from replications.core.base.carried import Carried
from replications.core.base.files import read_json, write_atomically
from replications.core.declare.papers import Paper
from replications.core.report.tables import KEYS, as_csv, long_table, read_table

logger = logging.getLogger(__name__)

# Of every stored run: who made it. Runs that were stored before this was recorded are not in it.
MADE = ["tier", *KEYS[:3], "commit", "device", "processor", "instructions", "blas", "torch",
        "seconds"]  # fmt: skip


def store(files: Sequence[Path], paper: Paper, reference: Path, tier: str) -> None:
    """Merge finished runs of a paper into <reference>/<tier>.csv and machines.csv.

    `files` are their scores.json. Stored runs that are not among them stay, but for those of
    experiments that the tier does not have any more. Lines of carried.csv go that no stored run of
    either needs any more.
    """
    declared = {experiment.name for experiment in paper.experiments(tier)}

    def gone(rows: pd.DataFrame) -> pd.Series:
        own = (rows["paper"] == paper.name) & ~rows["experiment"].isin(declared)
        return own & (rows["tier"] == tier) if "tier" in rows else own

    text = as_csv(long_table(files, {paper.name: paper}))
    fresh = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
    made = [who_made(read_json(path.with_name("run.json"))) for path in files]
    merge_rows(reference / f"{tier}.csv", fresh, KEYS[:3], KEYS, gone)
    runs = ["tier", *KEYS[:3]]
    machines = pd.DataFrame(made, columns=MADE, dtype=str)
    merge_rows(reference / "machines.csv", machines, runs, runs, gone)
    carried, stored = Carried(reference / "carried.csv"), read_table(reference / f"{tier}.csv")
    own = stored[stored["paper"] == paper.name]
    others = declared - set(fresh["experiment"])
    for key in {line.key for line in carried.lines}:
        if (key[0], key[2]) == (paper.name, tier) and key[1] not in others:
            carried.keep(key, own.loc[own["experiment"] == key[1], key[3]].unique())
    logger.info("%d runs are stored in %s", len(files), reference)


def who_made(run: dict) -> dict[str, str]:
    """The line of machines.csv for a run.json."""
    told = run["environment"] | run
    return {name: str(told[name]) for name in MADE}


def merge_rows(
    path: Path, fresh: pd.DataFrame, keys: list[str], order: list[str],
    gone: Callable[[pd.DataFrame], pd.Series],
) -> None:  # fmt: skip
    """Put rows, as text, into a CSV file: those with their keys are replaced, those `gone` go."""
    if path.exists():
        stored = pd.read_csv(path, dtype=str, keep_default_na=False)
        stored = stored[~gone(stored)]
        new = pd.MultiIndex.from_frame(fresh[keys])
        fresh = pd.concat([stored[~pd.MultiIndex.from_frame(stored[keys]).isin(new)], fresh])
    numbers = {"run", "step"}
    fresh = fresh.sort_values(
        order, kind="stable", key=lambda c: pd.to_numeric(c) if c.name in numbers else c
    )
    write_atomically(path, fresh.to_csv(index=False, lineterminator="\n"))
