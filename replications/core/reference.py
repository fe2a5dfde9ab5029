"""results/reference/: what is stored of finished runs, and on which machine they were made."""

from __future__ import annotations

import json
import logging
from io import StringIO
from pathlib import Path

import pandas as pd

from replications.core.carried import Carried
from replications.core.catalogue import data_hash
from replications.core.papers import Experiment, Suite
from replications.core.runs import write_atomically
from replications.core.tables import KEYS, as_csv, hashes_of, long_table

logger = logging.getLogger(__name__)

# Of every stored run: who made it. Runs that were stored before this was recorded are not in it.
MADE = ["tier", *KEYS[:3], "commit", "device", "processor", "instructions", "blas", "torch"]


def today(experiment: Experiment) -> dict[str, str]:
    """The hashes that a stored row of an experiment has, if it was made today."""
    train, score = experiment.hashes("train"), experiment.hashes("score")
    return {
        "train_code": train["code"],
        "score_code": score["code"],
        "config": score["config"],
        "data": data_hash(experiment.data),
    }


def ends(hashes: dict[str, str], experiment: Experiment, carried: Carried) -> dict[str, str]:
    """The hashes of a stored row, those of code led on to where carried.csv leads them."""
    found = dict(hashes)
    for step in ("train", "score"):
        key = (experiment.paper, experiment.name, experiment.tier, step)
        found[f"{step}_code"] = carried.end(key, hashes[f"{step}_code"])
    return found


def current(path: Path, experiment: Experiment, carried: Carried) -> bool:
    """Whether a scores.json is of today's code, settings and data, or carried to them."""
    hashes = hashes_of(json.loads(path.read_text()))
    return ends(hashes, experiment, carried) == today(experiment)


def store(results: Path, paper: str, tier: str) -> None:
    """Merge the finished runs of a paper into results/reference/<tier>.csv.

    Stored runs that are not among them stay. Raises ValueError, with what to do, where there is no
    finished run, or where one was made by other code, settings or data than today's.
    """
    reference, files = results / "reference", []
    carried = Carried(reference / "carried.csv")
    for experiment in Suite().select([paper])[paper].experiments(tier):
        folder = results / tier / "runs" / paper / experiment.name
        for path in sorted(folder.glob("*/scores.json")):
            if not current(path, experiment, carried):
                raise ValueError(
                    f"{path} was made by other code, settings or data than today's: run `snakemake "
                    f"--cores all {paper} --config tier={tier}` again, or remove {path.parent}"
                )
            files.append(path)
    if not files:
        raise ValueError(
            f"{paper} has no finished run below {results / tier}: run `snakemake --cores all "
            f"{paper} --config tier={tier}` first"
        )
    fresh = pd.read_csv(StringIO(as_csv(long_table(files))), dtype=str, keep_default_na=False)
    made = [who_made(json.loads((path.parent / "run.json").read_text())) for path in files]
    merge(reference / f"{tier}.csv", fresh, KEYS[:3], KEYS)
    runs = ["tier", *KEYS[:3]]
    merge(reference / "machines.csv", pd.DataFrame(made, columns=MADE, dtype=str), runs, runs)
    logger.info("%d runs of %s are stored in %s", len(files), paper, reference)


def who_made(run: dict) -> dict[str, str]:
    """The line of machines.csv for a run.json."""
    told = run["environment"] | run
    return {name: str(told[name]) for name in MADE}


def merge(path: Path, fresh: pd.DataFrame, keys: list[str], order: list[str]) -> None:
    """Put rows, as text, into a CSV file: those with their keys are replaced, the rest stays."""
    if path.exists():
        stored = pd.read_csv(path, dtype=str, keep_default_na=False)
        new = pd.MultiIndex.from_frame(fresh[keys])
        fresh = pd.concat([stored[~pd.MultiIndex.from_frame(stored[keys]).isin(new)], fresh])
    numbers = {"run", "step"}
    fresh = fresh.sort_values(
        order, kind="stable", key=lambda c: pd.to_numeric(c) if c.name in numbers else c
    )
    write_atomically(path, fresh.to_csv(index=False, lineterminator="\n"))
