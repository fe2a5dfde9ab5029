"""How far a score may move before the regression check says so.

Measured, not set: `python -m replications tolerances` runs the smoke tier by every variant of
core/steps/rounding.py, on one machine, and writes results/reference/tolerances.csv by RULE.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from replications.core.base.files import write_atomically
from replications.core.declare.papers import suite
from replications.core.report.tables import last, read_scores

logger = logging.getLogger(__name__)

FACTOR = 4
LAST_BITS = 1e-9
RULE = f"""\
A metric's tolerance is {FACTOR} times the largest shift that rounding gave it in this experiment, \
whatever the part. It is at least {FACTOR} times the smallest that rounding gave it, or what \
counts the same, in any experiment: one more or one less. What is no count and was never moved \
here gets {FACTOR} times what is usual for it, the median of its largest shifts over experiments; \
what was moved nowhere gets nothing."""
KEYS = ["paper", "experiment", "metric", "part"]


def means(table: pd.DataFrame) -> pd.Series:
    """Mean over runs of the last value of every metric."""
    return last(table).groupby(KEYS)["value"].mean(skipna=False)


def shifts(tables: Mapping[str, Path], base: str) -> pd.DataFrame:
    """How far every mean of every variant is from that of the tier as it is; a column each."""
    found = {name: means(read_scores(path)) for name, path in tables.items()}
    return pd.DataFrame({name: (mean - found[base]).abs() for name, mean in found.items()
                         if name != base})  # fmt: skip


def extremes(shifted: pd.DataFrame) -> pd.DataFrame:
    """Of every metric's shifts by variant the largest, `shift`, and the `smallest` that is none."""
    return pd.DataFrame({
        "shift": shifted.max(axis=1),
        "smallest": shifted.where(shifted > 0).min(axis=1),
    })  # fmt: skip


def tolerances(moved: pd.DataFrame) -> pd.Series:
    """The tolerance of every metric, from its `extremes`, as RULE says."""
    metric = moved.index.get_level_values("metric")
    declared = {name: m for paper in suite().papers.values() for name, m in paper.metrics.items()}
    counted = metric.map({name: m.counts for name, m in declared.items() if m.counts})
    alike = metric.where(counted.isna(), counted)
    in_experiment = moved["shift"].groupby(KEYS[:3]).transform("max")
    # Where two runs change places, a mean of counts differs in its last bits: no count has moved.
    real = moved["smallest"].where(counted.isna() | (moved["smallest"] > LAST_BITS))
    anywhere = real.groupby(alike).transform("min")
    by_experiment = in_experiment[in_experiment > 0].groupby(KEYS[:3]).first()
    usual = pd.Series(metric.map(by_experiment.groupby("metric").median()), moved.index)
    still = pd.Series(counted.isna(), moved.index) & (in_experiment == 0)
    floor = anywhere.where(~still, usual).fillna(0.0)
    return FACTOR * pd.concat([in_experiment, floor], axis=1).max(axis=1)


def left_out(shifted: pd.DataFrame, others: pd.DataFrame) -> dict[str, int]:
    """How many metrics would be an alarm in each variant, by tolerances without that variant.

    `others`: the extremes of what was not measured now.
    """
    found = {}
    for name in shifted:
        without = pd.concat([others, extremes(shifted.drop(columns=name))])
        allowed = tolerances(without).loc[shifted.index] * (1 + 1e-9)
        found[name] = int((shifted[name] > allowed).sum())
    return found


def write_tolerances(
    tables: Mapping[str, Path], base: str, path: Path, papers: Collection[str] = ()
) -> None:
    """Write the extremes and the tolerance of every metric, and tell what they are worth.

    With `papers` the tables are of those alone: what is stored of the others stays, and counts.
    """
    shifted = shifts(tables, base)
    others = extremes(shifted.iloc[:0])
    if papers:
        known = stored(path)
        others = known[~known.index.isin(papers, level="paper")][others.columns]
    moved = pd.concat([others, extremes(shifted)]).sort_index()
    found = moved.assign(tolerance=tolerances(moved).map(lambda t: float(f"{t:.3g}")))
    # Shifts to more digits than tolerances, which come out the same from them.
    write_atomically(path, found.to_csv(float_format="%.6g", lineterminator="\n"))
    logger.info("%s: %d metrics, %d variants. %s", path, len(found), len(shifted.columns), RULE)
    for name, alarms in left_out(shifted, others).items():
        logger.info("by tolerances from the other variants, %s has %d alarms", name, alarms)


def stored(path: Path) -> pd.DataFrame:
    """What is stored, by paper, experiment, metric and part."""
    text = dict.fromkeys(KEYS, str)  # of which a part may be empty
    table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"smallest": [""]})
    return table.set_index(KEYS)


def read_tolerances(path: Path) -> dict[tuple[str, str, str, str], float]:
    """Tolerance by paper, experiment, metric and part."""
    return stored(path)["tolerance"].to_dict()
