"""Every claim as some runs saw it: the stored ones, and those of the tier that was run here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.base.carried import Carried
from replications.core.base.errors import Damaged
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import Paper
from replications.core.report.compare import Comparison, Final, compare_final, loosely_carried
from replications.core.report.tables import COLUMNS, last, read_scores, read_table

Key = tuple[str, str]  # paper and claim, or paper and experiment


@dataclass(frozen=True)
class Seen:
    """One claim by the runs of one tier."""

    comparison: Comparison
    runs: dict[int, float]  # the value of each run; of a predicate, the difference of the pair

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% t-interval of the mean; of one run, the run itself. nan without runs."""
        c = self.comparison
        mean = np.nan if c.ours is None else c.ours
        return (mean if c.low is None else c.low, mean if c.high is None else c.high)


@dataclass
class Table:
    """The scores of a tier, and what is wrong with them, in sentences."""

    tier: str
    scores: pd.DataFrame
    problems: list[str] = field(default_factory=list)

    @cached_property
    def final(self) -> pd.DataFrame:
        """The scores after the last step of each run."""
        return last(self.scores)

    @cached_property
    def by_experiment(self) -> dict[Key, pd.DataFrame]:
        """The scores of each experiment that has any."""
        return dict(iter(self.scores.groupby(["paper", "experiment"], sort=False)))


def stored_tables(reference: Path) -> list[Table]:
    """The stored scores by tier, the largest first; of the smoke tier none: it checks alone."""
    return [read_stored(reference / f"{tier}.csv", tier) for tier in reversed(TIERS[1:])]


def read_stored(path: Path, tier: str) -> Table:
    """The stored scores of a tier; an empty table that says so if they cannot be read."""
    try:
        return Table(tier, read_table(path))
    except (OSError, ValueError) as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else f"is unread: {error}"
        return Table(tier, empty(), [f"The {tier} tier of the reference {why}."])


def tier_table(folder: Path, tier: str, papers: Iterable[str]) -> Table:
    """The scores of papers that were run here: `folder`/papers/<paper>/scores.parquet of each."""
    table = Table(tier, empty())
    found = []
    for paper in papers:
        path = folder / "papers" / paper / "scores.parquet"
        scores = read_own(path)
        if scores is not None:
            found.append(scores)
            continue
        what = "was made by another version" if path.exists() else "was not run"
        table.problems.append(
            f"{paper} {what} in this tier: the page shows what is stored of it. To run it: "
            f"snakemake --cores all {paper} --config tier={tier}"
        )
    if found:
        table.scores = pd.concat(found, ignore_index=True)
    return table


def read_own(path: Path) -> pd.DataFrame | None:
    """A long table as this version writes it; None if it is not there, or is another's."""
    try:
        scores = read_scores(path)
    except (FileNotFoundError, Damaged):
        return None
    return scores if list(scores.columns) == COLUMNS else None


def empty() -> pd.DataFrame:
    """A long table without rows."""
    return pd.DataFrame(columns=COLUMNS)


def seen(table: Table, papers: Mapping[str, Paper], carried: Carried) -> dict[Key, Seen]:
    """Every claim by the scores of a table; what does not fit the claims is added to its problems.

    A paper whose scores do not fit its claims counts as not run.
    """
    loose = loosely_carried(table.scores, carried, table.tier)
    found: dict[Key, Seen] = {}
    for name, paper in papers.items():
        scores = table.scores[table.scores["paper"] == name]
        final = Final(scores)
        try:
            compared = compare_final(final, {name: paper}, table.tier, loose)
        except (ValueError, KeyError) as error:
            table.problems.append(
                f"The {table.tier} scores of {name} do not fit its claims: {error}."
            )
            final = Final(scores.iloc[:0])
            compared = compare_final(final, {name: paper}, table.tier)
        for claim, comparison in zip(paper.claims, compared, strict=True):
            found[name, claim.name] = Seen(comparison, final.by_run(claim))
    return found


def largest(tables: Iterable[dict[Key, Seen]]) -> dict[Key, Seen]:
    """Every claim by the first of the tables that has runs of it; else by the last of them."""
    chosen: dict[Key, Seen] = {}
    for table in tables:
        for key, found in table.items():
            if key not in chosen or not chosen[key].comparison.runs:
                chosen[key] = found
    return chosen
