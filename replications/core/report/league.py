"""The league's table: a line for each rule in each field, as CSV and as Markdown for people."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.base.errors import Damaged
from replications.core.base.files import made_again, write_atomically
from replications.core.declare.experiments import Experiment
from replications.core.declare.league import TWIN, by_net, net_of, open_fields, rows_of
from replications.core.declare.papers import Paper
from replications.core.report.alignment import between_layers
from replications.core.report.render import markdown, number
from replications.core.report.statistics import t_interval
from replications.core.report.tables import read_scores

THRESHOLDS = (10, 5, 3)  # validation errors, %, that it is told after how many examples they come
TOLD = {True: "yes", False: "no", "partly": "partly"}


@dataclass(frozen=True)
class Line:
    """What is known of a rule in a field; empty where it was not run."""

    field: str
    name: str
    row: Mapping
    absent: str  # why the rule cannot run there, or ""
    costs: Mapping[str, float]
    errors: Mapping[int, float] = dataclasses.field(default_factory=dict)  # test errors, %, by run
    gaps: Sequence[float] = ()  # errors less the twin's of the same run
    angles: Mapping[str, Sequence[float]] = dataclasses.field(
        default_factory=dict
    )  # by weights: 3 of them
    examples: Mapping[int, float | None] = dataclasses.field(default_factory=dict)  # by threshold
    multiply_adds: float | None = None  # of an example

    @property
    def error(self) -> float:
        """The mean test error, %; infinite where there is none."""
        return float(np.mean([*self.errors.values()])) if self.errors else math.inf


def lines(scores: pd.DataFrame, paper: Paper, tier: str, costs: pd.DataFrame) -> list[Line]:
    """A line for each row and open field of a tier, in the order of the fields and of the errors.

    `scores` is the league's long table; `costs` has a line for each rule on each net.
    """
    league, rows = paper.declared["league"], rows_of(paper.path.parents[1])
    experiments = {e.name: e for e in paper.experiments(tier)}
    by_experiment = dict(iter(scores.groupby("experiment")))
    of_costs = costs.set_index(["rule", "net"]).to_dict("index")
    found = []
    for name, told in open_fields(league).items():
        if tier not in told["tiers"]:
            continue
        twin = errors_of(by_experiment.get(f"{TWIN}_{name}"))
        here = []
        for row, declared in rows.items():
            line = Line(name, row, declared, net_of(league, declared, name).get("absent", ""),
                        of_costs.get((row, told["net"]), {}))  # fmt: skip
            own = by_experiment.get(f"{row}_{name}")
            if own is not None:
                line = measured(line, own, experiments[f"{row}_{name}"], twin)
            here.append(line)
        found += sorted(here, key=lambda line: line.error)
    return found


def measured(
    line: Line, own: pd.DataFrame, experiment: Experiment, twin: Mapping[int, float]
) -> Line:
    """The line with what was scored of it."""
    errors = errors_of(own)
    gaps = [error - twin[run] for run, error in errors.items() if run in twin]
    examples = {t: examples_to(t, own, experiment) for t in THRESHOLDS}
    (multiply_adds,) = own.loc[own["metric"] == "multiply_adds", "value"].unique()
    return replace(line, errors=errors, gaps=gaps, angles=dict(angles_of(own)), examples=examples,
                   multiply_adds=multiply_adds)  # fmt: skip


def errors_of(own: pd.DataFrame | None) -> dict[int, float]:
    """The test error of each run, %."""
    if own is None:
        return {}
    rows = own[own["metric"] == "test_error"]
    return dict(zip(rows["run"], rows["value"], strict=True))


def angles_of(own: pd.DataFrame) -> Iterator[tuple[str, list[float]]]:
    """Of each matrix of weights the mean angle to the gradient: before, at half of, after all."""
    rows = own[own["metric"] == "angle"]
    for part in between_layers(rows["part"].unique()):
        means = rows[rows["part"] == part].groupby("step")["value"].mean()
        yield part, [*means]


def examples_to(threshold: float, own: pd.DataFrame, experiment: Experiment) -> float | None:
    """After how many examples the validation error is so small, a mean over runs.

    Between epochs its logarithm is taken to be linear; before the first it is that of chance, 90%.
    None where a run does not come so far.
    """
    budget = experiment.resolved["budget"]
    rows, found = own[own["metric"] == "validation_error"], []
    for _, run in rows.groupby("run"):
        errors = np.array([90.0, *run.sort_values("step")["value"]])
        reached = np.flatnonzero(errors <= threshold)
        if not len(reached):
            return None
        after = int(reached[0])
        high, low = np.log(errors[after - 1]), np.log(max(errors[after], 1e-9))
        share = (high - np.log(threshold)) / (high - low)
        found.append((after - 1 + share) * budget["examples"])
    return float(np.mean(found))


def interval(values: Sequence[float]) -> str:
    """Mean and 95% interval: "2.1 (1.9 to 2.3)"."""
    if not values:
        return "–"
    low, high = t_interval(values)
    mean = number(float(np.mean(values)))
    return mean if math.isnan(low) else f"{mean} ({number(low)} to {number(high)})"


def cells(line: Line, objections: Sequence[str]) -> dict[str, str]:
    """A line as people read it."""
    if line.absent:
        error = f"cannot run here: {line.absent}"
    else:
        error = interval([*line.errors.values()]) if line.errors else "not run"
    to = [line.examples.get(t) for t in THRESHOLDS]
    angles = "; ".join(f"{w} {' / '.join(f'{a:.0f}' for a in a3)}" for w, a3 in line.angles.items())
    told = {name: TOLD[line.row["answers"][name]["answered"]] for name in objections}
    costs = line.costs
    return {
        "rule": line.row["label"],
        "test error (%)": error,
        "behind back-propagation": interval(line.gaps) if line.name != TWIN else "0",
        "examples to 10 / 5 / 3%": " / ".join(
            "–" if n is None else f"{round(n, -2):,.0f}" for n in to
        ),
        "angle (deg), start / half / end": angles or "–",
        "speed": f"{costs['speed']:.2g}" if costs else "–",
        "memory": f"{costs['memory']:.2g}" if costs else "–",
        "multiply-adds": f"{line.multiply_adds / 1e6:.2g} M" if line.multiply_adds else "–",
        "phases": line.row["phases"],
    } | told


def in_markdown(found: Sequence[Line], paper: Paper, tier: str) -> str:
    """A table for each field; its heading tells of data that stand in for the field's."""
    league, parts = paper.declared["league"], []
    for name, told in open_fields(league).items():
        here = [cells(line, [*league["objections"]]) for line in found if line.field == name]
        instead = told["tiers"].get(tier, {}).get("data")
        stands_in = f" ({instead} and smaller layers stand in for it)" if instead else ""
        if here:
            parts.append(f"### {told['label']} layers{stands_in}\n\n{markdown(here)}")
    return "\n".join(parts)


def flat(line: Line, objections: Sequence[str]) -> dict[str, object]:
    """A line as CSV has it: numbers, and identifiers."""
    low, high = t_interval([*line.errors.values()])
    gap_low, gap_high = t_interval(line.gaps)
    angles = {f"{w}, {when}": a for w, a3 in line.angles.items()
              for when, a in zip(("start", "half", "end"), a3, strict=False)}  # fmt: skip
    return {
        "field": line.field, "rule": line.name, "runs": len(line.errors),
        "test_error": line.error if line.errors else None, "low": low, "high": high,
        "gap": float(np.mean(line.gaps)) if line.gaps else None, "gap_low": gap_low,
        "gap_high": gap_high, **{f"examples_to_{t}": line.examples.get(t) for t in THRESHOLDS},
        "angles": "; ".join(f"{key} {a:.1f}" for key, a in angles.items()),
        "speed": line.costs.get("speed"), "memory": line.costs.get("memory"),
        "multiply_adds": line.multiply_adds,
        "phases": line.row["phases"], "absent": line.absent,
        **{f"answers_{o}": TOLD[line.row["answers"][o]["answered"]] for o in objections},
    }  # fmt: skip


def read_costs(folder: Path, paper: Paper, tier: str) -> pd.DataFrame:
    """What each rule costs on each net. Raises Damaged where costs.csv is cut short."""
    nets = by_net(paper.declared["league"], paper.experiments(tier))
    text = (folder / "costs.csv").read_text(encoding="utf-8")
    if text.endswith("\n"):
        costs = pd.read_csv(io.StringIO(text))
        entered = {(row, net) for net, rows in nets.items() for row in rows}
        if set(zip(costs["rule"], costs["net"], strict=True)) == entered:
            return costs
    raise Damaged(folder / "costs.csv")


def write_league(results: Path, paper: Paper, tier: str) -> None:
    """league.csv and league.md in the folder where the league's scores and costs are."""
    folder = results / tier / "papers" / paper.name
    with made_again(folder / "scores.parquet"):
        scores = read_scores(folder / "scores.parquet")
    with made_again(folder / "costs.csv"):
        costs = read_costs(folder, paper, tier)
    found = lines(scores, paper, tier, costs)
    objections = [*paper.declared["league"]["objections"]]
    table = pd.DataFrame([flat(line, objections) for line in found])
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_atomically(folder / "league.csv", text)
    write_atomically(folder / "league.md", in_markdown(found, paper, tier))
