"""What stands behind an experiment's numbers: seeds, hashes, commit, machine, cost, the command.

Of the runs that results/reference/ stores, and of those that lie below results/<tier>/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from replications.core.base.carried import Carried
from replications.core.base.errors import Damaged
from replications.core.base.files import read_json
from replications.core.base.scores import maker
from replications.core.declare.papers import suite
from replications.core.report.page.behind import Behind, Origin
from replications.core.report.tables import KEYS
from replications.core.run.runs import directory
from replications.core.run.seeds import SOURCES, seed
from replications.core.steps.follow import duration

Lines = tuple[tuple[str, ...], tuple[str, ...]]  # of an Origin: made, carried
HASHES = ("train", "score", "data")


@dataclass(frozen=True)
class Recorded:
    """What results/reference/ knows of the origin of its runs."""

    reference: Path

    @cached_property
    def machines(self) -> dict[tuple[str, ...], dict[str, str]]:
        """The lines of machines.csv, by tier, paper, experiment and run; none without the file."""
        path = self.reference / "machines.csv"
        if not path.exists():
            return {}
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        keys = ["tier", *KEYS[:3]]
        return {tuple(line[k] for k in keys): line for line in table.to_dict("records")}

    @cached_property
    def carried(self) -> Carried:
        """Which stored scores outlived which change of the code."""
        return Carried(self.reference / "carried.csv")


def stored(rows: pd.DataFrame, tier: str, recorded: Recorded) -> Behind:
    """What stands behind the stored runs of one experiment, whose rows these are."""
    paper, name = rows[["paper", "experiment"]].iloc[0]
    first = rows.drop_duplicates("run").sort_values("run")
    runs = [int(run) for run in first["run"]]
    lines = {run: (tuple(origin(row, tier, recorded)), tuple(led(row, tier, recorded)))
             for run, (_, row) in zip(runs, first.iterrows(), strict=True)}  # fmt: skip
    told = {run: recorded.machines.get((tier, paper, name, str(run)), {}) for run in runs}
    seconds = {run: float(told[run]["seconds"]) for run in runs if told[run].get("seconds")}
    return behind(paper, name, tier, lines, seconds)


def yours(results: Path, paper: str, name: str, tier: str, runs: Iterable[int]) -> Behind:
    """What stands behind runs of one experiment below results/<tier>/, as their run.json says.

    A run whose run.json is gone, or is not as this version writes it, says so.
    """
    lines: dict[int, Lines] = {}
    seconds = {}
    for run in sorted(runs):
        path = directory(results, tier, paper, name, run) / "run.json"
        try:
            told = read_json(path)
            lines[run] = tuple(recorded_in(told)), ()
            seconds[run] = float(told["seconds"])
        except (OSError, Damaged, KeyError, TypeError, ValueError) as error:
            lines[run] = (f"{path.name} cannot be read: {error!r}",), ()
    return behind(paper, name, tier, lines, seconds)


def behind(
    paper: str, name: str, tier: str, lines: dict[int, Lines], seconds: dict[int, float]
) -> Behind:
    """Runs with their seeds, gathered by where they come from."""
    by_lines: dict[Lines, list[int]] = {}
    for run, where in lines.items():
        by_lines.setdefault(where, []).append(run)
    origins = tuple(Origin(tuple(runs), *where) for where, runs in by_lines.items())
    seeds = {run: {s: seed(paper, name, run, s) for s in SOURCES} for run in lines}
    return Behind(tier, seeds, seconds, origins, expected(paper, name, tier),
                  again(paper, name, tier, lines))  # fmt: skip


def expected(paper: str, name: str, tier: str) -> str:
    """About how long a run takes, as the paper.yaml declares it."""
    of = (e for e in suite().paper(paper).experiments(tier) if e.name == name)
    return next((duration(60 * e.minutes * e.share) for e in of), "nothing")


def recorded_in(told: dict) -> Iterator[str]:
    """The origin of a run, from its run.json."""
    yield f"hashes: train {maker(told['hashes'])}, data {told['hashes']['data']}"
    machine = told["environment"]
    yield (f"commit {told['commit']}; {told['device']}, {machine['processor']}, "
           f"{machine['instructions']}")  # fmt: skip


def origin(row: pd.Series, tier: str, recorded: Recorded) -> Iterator[str]:
    """The hashes of a stored run, and who made it."""
    yield "hashes: " + ", ".join(f"{name} {row[name]}" for name in HASHES)
    paper, experiment, run = map(str, row[KEYS[:3]])
    if made := recorded.machines.get((tier, paper, experiment, run)):
        yield "commit {commit}; {device}, {processor}, {instructions}".format(**made)


def led(row: pd.Series, tier: str, recorded: Recorded) -> Iterator[str]:
    """Over which changes of the code a stored run was carried."""
    paper, experiment = row["paper"], row["experiment"]
    for step in ("train", "score"):
        for line in recorded.carried.path_from((paper, experiment, tier, step), row[step]):
            yield f"{step} carried over changes since {line.revision}, {line.equal} ({line.probe})"


def again(paper: str, name: str, tier: str, runs: Iterable[int]) -> str:
    """The command that makes runs of an experiment again."""
    return (f"python -m replications run {paper} {name} --tier {tier} "
            f"--runs {' '.join(map(str, runs))} --done {name}.json")  # fmt: skip
