"""What today's code, settings and data would make again: which finished runs count."""

from __future__ import annotations

from pathlib import Path

from replications.core.base.carried import Carried
from replications.core.base.files import read_json
from replications.core.base.scores import FORMAT, hashes_of, maker
from replications.core.data.catalogue import data_hash
from replications.core.declare.experiments import Experiment
from replications.core.declare.papers import suite


def today(experiment: Experiment) -> dict[str, str]:
    """The hashes that a stored row of an experiment has, if it was made today."""
    steps = {step: maker(experiment.hashes(step)) for step in ("train", "score")}
    return steps | {"data": data_hash(experiment.data)}


def ends(hashes: dict[str, str], experiment: Experiment, carried: Carried) -> dict[str, str]:
    """The hashes of a stored row, led on to where carried.csv leads them."""
    key = (experiment.paper, experiment.name, experiment.tier)
    led = {step: carried.end((*key, step), hashes[step]) for step in ("train", "score")}
    return hashes | led


def current(path: Path, experiment: Experiment, carried: Carried) -> bool:
    """Whether a scores.json is of today's code, settings and data, or carried to them."""
    scores = read_json(path)
    if scores["hashes"].get("format") != str(FORMAT):
        return False
    return ends(hashes_of(scores), experiment, carried) == today(experiment)


def finished(results: Path, paper: str, tier: str, carried: Carried) -> list[Path]:
    """The scores.json of every finished run of a paper.

    Raises ValueError, with what to do, where there is none, or where one was made by other code,
    settings or data than today's.
    """
    files = []
    for experiment in suite().paper(paper).experiments(tier):
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
    return files
