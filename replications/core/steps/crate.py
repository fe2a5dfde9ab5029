"""ro-crate-metadata.json: what a results folder holds and what made it, for machines to read.

A Process Run Crate 0.5, which is an RO-Crate 1.1: every run that the folder's tables are made of is
an action, with its code, settings, data, seeds, commit and machine. What is not recorded is left
out: who started a run, and when it ended.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from replications.core.base.carried import Carried
from replications.core.base.files import read_json, write_json
from replications.core.base.provenance import git_commit
from replications.core.base.scores import hashes_of, maker
from replications.core.data.catalogue import sha256_of
from replications.core.declare.experiments import Experiment
from replications.core.declare.papers import Paper, suite
from replications.core.declare.schema import DeclarationError
from replications.core.report.tables import HASHES, KEYS, read_table
from replications.core.run.current import current
from replications.core.run.runs import directory
from replications.core.steps import crate_entities as entities
from replications.core.steps.crate_entities import entity, fact, local

logger = logging.getLogger(__name__)

NAME = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
# Terms that RO-Crate 1.1 does not have, from those of Workflow Run RO-Crate.
TERMS = {name: f"https://w3id.org/ro/terms/workflow-run#{name}"
         for name in ("sha256", "resourceUsage")}  # fmt: skip
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tex": "application/x-tex",
}
TOLD = {
    "scores": "every score",
    "comparison": "the claims of papers beside our numbers, with verdicts",
    "complete": "how every run ended",
    "index": "the results as a page",
    "run": "what made a run: settings, seeds, hashes, commit, libraries, machine, cost",
    "curves": "what was monitored in training",
}
# What a folder holds beside its results: of the workflow, or of another tool than the tables'.
FOLDERS = ("runs", "logs", "done")  # of runs, those behind the tables have their own place
FILES = (NAME, "snakemake.json", "report.html", "check.csv", "check.json", "check.xml")
OF_A_RUN = ("run.json", "scores.json", "curves.csv")
NEEDED = ("hashes", "seeds", "device", "threads", "commit", "environment", "seconds")


@dataclass(frozen=True)
class Made:
    """A run behind the tables: its experiment, its directory, its run.json and scores.json."""

    experiment: Experiment
    index: int
    place: Path
    run: dict
    scores: dict


def write_crate(results: Path, tier: str, carried: Carried) -> Path:
    """Write <results>/<tier>/ro-crate-metadata.json; returns its path.

    Raises ValueError, with what to do, for a folder without tables, for a run that does not say
    what made it, and for tables or runs of another version of the suite.
    """
    folder = results / tier
    made = runs_behind(results, tier, carried)
    papers = suite().select(sorted({run.experiment.paper for run in made}))
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms |= TERMS
    actions = [action(crate, run, folder) for run in made]
    for path in files_of(folder, papers):
        add_file(crate, path, folder, papers)
    describe(crate, tier, made, papers)
    crate.root_dataset["mentions"] = [*actions, own_action(crate)]
    write_json(folder / NAME, crate.metadata.generate())
    logger.info("%s: runs: %d, papers: %d", folder / NAME, len(made), len(papers))
    return folder / NAME


def describe(crate: ROCrate, tier: str, made: list[Made], papers: Mapping[str, Paper]) -> None:
    """The root: what the folder is, by which profile it is described, which papers it is about."""
    experiments = {(run.experiment.paper, run.experiment.name) for run in made}
    crate.name = f"Results of the replications suite, {tier} tier"
    crate.description = (
        f"Tables, scores and figures of {len(made)} runs of {len(experiments)} experiments that "
        f"replicate {len(papers)} papers, in the {tier} tier. Runs that failed are not among them. "
        "Who started a run, and when it ended, is not recorded. datePublished is the day of the "
        "suite's commit, or outside git of its version."
    )
    crate.license = entities.licence(crate)
    crate.datePublished = entities.day()
    root = crate.root_dataset
    root["citation"] = [entities.article(crate, paper) for paper in papers.values()]
    root["conformsTo"] = entity(crate, PROFILE, "CreativeWork", name="Process Run Crate",
                                version="0.5")  # fmt: skip


def runs_behind(results: Path, tier: str, carried: Carried) -> list[Made]:
    """The runs that a tier's tables are made of. Raises ValueError as `write_crate` does."""
    again = f"remove {results / tier / 'done'} and run `snakemake --cores all {tier}` again: " \
            "it makes what is missing alone"  # fmt: skip
    rows = table_of(results / tier, tier, again)[[*KEYS[:3], *HASHES]].drop_duplicates()
    return [run_of(row, results, tier, carried, again) for row in rows.to_dict("records")]


def table_of(folder: Path, tier: str, again: str) -> pd.DataFrame:
    """The long table of a folder. Raises ValueError if there is none that this version wrote."""
    path = folder / "scores.csv"
    if not path.exists():
        raise ValueError(f"{folder} has no tables: run `snakemake --cores all {tier}` first")
    try:
        table = read_table(path)
    except ValueError as error:
        raise ValueError(f"another version of the suite wrote {error}: {again}") from None
    if table.empty:
        raise ValueError(f"{path} has no scores: no run ended well, see {folder / 'done'}")
    return table


def run_of(row: dict, results: Path, tier: str, carried: Carried, again: str) -> Made:
    """A run by its row of the table. Raises ValueError as `write_crate` does."""
    paper, name, index = (row[key] for key in KEYS[:3])
    place = directory(results, tier, paper, name, index)
    try:
        experiment = suite().experiment(paper, name, tier)
    except DeclarationError as error:
        raise ValueError(f"{place} is of another version of the suite ({error}): {again}") from None
    run = told(place / "run.json", NEEDED, again)
    scores = told(place / "scores.json", ("hashes", "train"), again)
    own = {name: row[name] for name in HASHES}
    if hashes_of(scores) != own or maker(run["hashes"]) != own["train"]:
        raise ValueError(f"the tables of {results / tier} were made before {place}: {again}")
    if not current(place / "scores.json", experiment, carried):
        raise ValueError(f"{place} was made by other code, settings or data than today's: {again}")
    return Made(experiment, index, place, run, scores)


def told(path: Path, needed: tuple[str, ...], again: str) -> dict:
    """The contents of a JSON file of a run. Raises ValueError if it lacks something needed."""
    contents = read_json(path) if path.exists() else {}
    if lacking := [name for name in needed if name not in contents]:
        what = f"lacks {', '.join(lacking)}" if contents else "is missing"
        raise ValueError(f"{path} {what}, so that nothing says what made this run: {again}")
    return contents


def files_of(folder: Path, papers: Mapping[str, Paper]) -> list[Path]:
    """Tables, scores, figures and the page of a folder, in the order of their names."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in paths if belongs(path.relative_to(folder).parts, papers)]


def belongs(parts: tuple[str, ...], papers: Mapping[str, Paper]) -> bool:
    """Whether a file is of the results of these papers, as they are declared today."""
    if parts[0] in ("papers", "figures"):
        paper = papers.get(parts[1])
        drawn = parts[0] == "papers" or (paper and Path(parts[-1]).stem in paper.figures)
        return bool(paper and drawn)
    return parts[0] not in (*FOLDERS, *FILES) and not parts[-1].startswith(".")


def add_file(crate: ROCrate, path: Path, folder: Path, papers: Mapping[str, Paper]) -> Entity:
    """A file of the folder, its hash, what it holds, and which paper it is about."""
    parts = path.relative_to(folder).parts
    paper = papers.get(parts[1]) if len(parts) > 1 else None
    caption = paper.figures[path.stem]["caption"] if paper and parts[0] == "figures" else None
    properties = {
        "name": "/".join(parts),
        "description": caption or TOLD.get(path.stem),
        "encodingFormat": FORMATS.get(path.suffix, "application/octet-stream"),
        "contentSize": str(path.stat().st_size),
        "sha256": sha256_of(path),
        "about": entities.article(crate, paper) if paper else None,
    }
    known = {name: value for name, value in properties.items() if value is not None}
    return crate.add_file(path, Path(*parts), properties=known)


def action(crate: ROCrate, made: Made, folder: Path) -> Entity:
    """A run, trained and scored: what went in, what came out, what it took."""
    of, run = made.experiment, made.run
    who = (of.paper, of.name, made.index)
    paper = suite().select([of.paper])
    files = [add_file(crate, made.place / name, folder, paper)
             for name in OF_A_RUN if (made.place / name).exists()]  # fmt: skip
    seconds = fact(crate, "seconds", run["seconds"], "/".join(map(str, who)), unitText="s",
                   description="of training")  # fmt: skip
    return entity(
        crate, local("run", *who), "CreateAction", name=f"{of.paper} {of.name}, run {made.index}",
        description=f"{of.tier} tier, share of the paper's budget: {of.share_text}; trained on "
                    f"{run['device']}, threads: {run['threads']}",
        instrument=entities.suite_at(crate, run["commit"]), object=inputs(crate, made),
        result=files, resourceUsage=seconds,
    )  # fmt: skip


def inputs(crate: ROCrate, made: Made) -> list[Entity]:
    """What a run was made of: hashes of code and settings, data, seeds, machine and libraries."""
    run, of = made.run, made.experiment
    hashes = {"training": run["hashes"], "scoring": made.scores["hashes"]}
    found = [fact(crate, f"{what} of {step}, hash", made_by[kind], made_by[kind])
             for step, made_by in hashes.items()
             for kind, what in (("code", "code"), ("config", "settings"))]  # fmt: skip
    if of.data != "none":
        found.append(entities.dataset(crate, of.data))
    seeds = ", ".join(f"{source} {seed}" for source, seed in run["seeds"].items())
    found.append(fact(crate, "seeds", seeds, f"{of.paper}/{of.name}/{made.index}"))
    return [*found, entities.machine(crate, run["environment"])]


def own_action(crate: ROCrate) -> Entity:
    """The writing of the crate itself, by the suite that is checked out."""
    return entity(
        crate, "#crate", "CreateAction", name=f"writing of {NAME}", result=crate.metadata,
        description="from the tables, and the run.json and scores.json of every run in them",
        instrument=entities.suite_at(crate, git_commit()),
    )  # fmt: skip
