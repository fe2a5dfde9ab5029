"""Models by all quality measures; learning rules by accuracy and alignment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from statistics import fmean

import pandas as pd

from replications.core.declare.experiments import Experiment
from replications.core.declare.papers import Paper
from replications.core.report.page.seen import Table
from replications.core.report.readme import sample_rows, scored, spread

ERRORS = {"test error (%)": "test_error", "validation error (%)": "validation_error",
          "training error (%)": "train_error"}  # fmt: skip
TOWARDS = {"cosine to −gradient, by layer": "cosine", "angle (deg), by layer": "angle"}
Point = tuple[str, int, float]  # part, run and value
Rows = list[dict[str, str]]


def models(papers: Mapping[str, Paper], stored: list[Table], yours: Table) -> Rows:
    """Every set of samples that was scored: means and SDs over runs, stored and yours."""
    return beside(gathered(sample_rows, papers, stored, yours), "model", "samples")


def rules(papers: Mapping[str, Paper], stored: list[Table], yours: Table) -> Rows:
    """Every network that a rule trained: its errors, and its updates against the gradient."""
    return beside(gathered(of_paper, papers, stored, yours), "network and rule")


def gathered(
    rows_of: Callable[[Paper, Mapping[str, pd.DataFrame]], Iterable[dict[str, str]]],
    papers: Mapping[str, Paper], stored: list[Table], yours: Table,
) -> Rows:  # fmt: skip
    """The rows of every paper, of what is stored and then of yours, with whose they are."""
    return [
        {"paper": paper.label, "runs of": whose} | row
        for whose, tables in whose_tables(stored, yours)
        for paper in papers.values()
        for row in rows_of(paper, tables)
    ]


def beside(rows: Rows, *names: str) -> Rows:
    """The rows, yours below what is stored of the same; else in the order in which they came."""
    whose = [tuple(row[name] for name in ("paper", *names)) for row in rows]
    first = {key: place for place, key in reversed(list(enumerate(whose)))}
    return [rows[i] for i in sorted(range(len(rows)), key=lambda i: first[whose[i]])]


def whose_tables(
    stored: list[Table], yours: Table
) -> Iterator[tuple[str, dict[str, pd.DataFrame]]]:
    """Last scores by tier, stored and yours."""
    yield "stored", {table.tier: table.final for table in stored}
    yield "yours", {yours.tier: yours.final}


def of_paper(paper: Paper, tables: Mapping[str, pd.DataFrame]) -> Iterator[dict[str, str]]:
    """A row for each of a paper's networks, by the first tier that has scores of it."""
    for experiment, scores in scored(paper, tables):
        if experiment.kind == "learning_rule":
            yield of_experiment(experiment, scores)


def of_experiment(experiment: Experiment, final: pd.DataFrame) -> dict[str, str]:
    """The row of one network that a rule trained, of its last scores."""
    found: dict[str, list[Point]] = {}
    columns = final[["metric", "part", "run", "value"]]
    for metric, *point in columns.itertuples(index=False, name=None):
        found.setdefault(metric, []).append(tuple(point))
    nowhere = {(part, run) for part, run, norms in found.get("norm_ratio", []) if norms == 0}
    errors = {head: over_runs(found.get(metric, [])) for head, metric in ERRORS.items()}
    towards = {head: by_layer(found.get(m, []), nowhere) for head, m in TOWARDS.items()}
    told = {"runs": str(final["run"].nunique()), "budget": experiment.budget}
    return {"network and rule": experiment.label, "data": experiment.data} | errors | towards | told


def over_runs(points: list[Point]) -> str:
    """Mean ± SD of a metric, of one run its value; "–" where it was not measured."""
    if not points:
        return "–"
    values = pd.Series([value for *_, value in points])
    return spread(values) if len(values) > 1 else f"{values[0]:.4g}"


def by_layer(points: list[Point], nowhere: set[tuple[str, int]]) -> str:
    """Means over runs of a metric of alignment, from the input up.

    An update or a gradient of zero points `nowhere` and is left out.
    """
    layers: dict[str, list[float]] = {}
    for part, run, value in points:
        if (part, run) not in nowhere:
            layers.setdefault(part, []).append(value)
    order = sorted(layers, key=lambda part: [int(n) for n in re.findall(r"\d+", part)])
    return ", ".join(f"{part} {fmean(layers[part]):.3g}" for part in order) or "–"
