# What the rules share: the declarations, expanded, and the command that every rule calls.
import json
import os
import shlex
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from itertools import product
from types import SimpleNamespace

import psutil

sys.path.insert(0, workflow.basedir)

from replications.core.data.catalogue import CATALOGUE
from replications.core.declare.configuration import checked
from replications.core.declare.experiments import TIERS
from replications.core.declare.league import LEAGUE, by_field
from replications.core.declare.papers import suite
from replications.core.declare.schema import DeclarationError
from replications.core.base.files import locked
from replications.core.base.hashes import code_hash, digest
from replications.core.base.provenance import REFERENCE as STORED
from replications.core.declare.metrics import SHARED
from replications.core.declare.searches import checked_searches
from snakemake.exceptions import WorkflowError

try:
    config.update(checked(config, workflow.configfiles))
    PAPERS = suite().select(config["papers"])
    SEARCHES = {
        (search.paper, search.name): search for search in checked_searches(suite())
    }
except DeclarationError as error:
    raise WorkflowError(str(error))

RESULTS, DATA = (os.path.expanduser(config[name]) for name in ("results", "data"))
REFERENCE = os.path.relpath(STORED)
TRIAL = f"{RESULTS}/search/{{paper}}/{{search}}/{{stage}}/{{rank}}/trial.json"
# Ends of the names of the tables of claims; the .html among them is shown in the report.
TABLES = [".csv", ".json", ".md", "_column.tex", "_page.tex", "_preview.tex"]


# The one command that is ever called, as a shell function. Where interpreter and folders are, and
# the device, stands here and in no rule, so that another place or device reruns nothing.
def call(again=""):
    """Have jobs call it so; what it adds to `run` is $AGAIN."""
    given = workflow.global_resources
    jobs = str(given["gpu"].value if "gpu" in given else 1)
    places = ["--data", DATA, "--results", RESULTS, "--gpu-jobs", jobs]
    words = ["-P", "-m", "replications", *places]
    command = f"PYTHONPATH={shlex.quote(workflow.basedir)} {shlex.join([sys.executable, *words])}"
    prefix = (
        f"set -euo pipefail; DEVICE={shlex.quote(config['device'])}; AGAIN={again}; "
        f'replications() {{ {command} "$@"; }}; '
    )
    # Snakemake formats it.
    shell.prefix(prefix.replace("{", "{{").replace("}", "}}"))


call()


HELD = ExitStack()
BUSY = set()  # the tiers that this workflow writes in


def places_of(paths):
    """The tiers that files belong to, each with the paper whose own they are, or all papers."""
    found = set()
    for path, tier in product(map(Path, paths), TIERS):
        folder = Path(RESULTS, tier)
        if path.is_relative_to(folder):
            part, *rest = path.relative_to(folder).parts
            of_paper = rest and part in ("done", "papers", "figures")
            name = rest[0].removesuffix(".json") if of_paper else "all papers"
            found.add((tier, name))
    return found


def hold_places():
    """Hold what this workflow writes in, each paper of a tier by itself, until it ends.

    In place of Snakemake's own locks, which outlive a workflow that was killed. Raises
    WorkflowError where another workflow is at work.
    """
    for tier, paper in places_of(workflow.persistence.all_outputfiles()):
        folder = Path(RESULTS, tier, ".held")
        folder.mkdir(parents=True, exist_ok=True)
        BUSY.add(tier)
        try:
            HELD.enter_context(locked(folder / paper, wait=False))
        except BlockingIOError:
            raise WorkflowError(
                f"another workflow is at work on {paper} in {folder.parent}: wait for its end, or "
                "stop it, and say the same command again"
            )


def keep_cost():
    """What this workflow itself took, for `make cost`; for the tiers that it ran."""
    process = psutil.Process()
    spent = {
        "seconds": time.time() - process.create_time(),
        "cpu_seconds": time.process_time(),
        "cores": workflow.cores,
    }
    for tier in BUSY:
        file = Path(RESULTS, tier, "snakemake.json")
        file.write_text(json.dumps(spent), encoding="utf-8")


def gpus():
    """GPUs that a training job takes: one if the configured device may be one, else none."""
    if config["device"] == "auto":
        return int(shutil.which("nvidia-smi") is not None or sys.platform == "darwin")
    return int(config["device"] != "cpu")


def files_of(dataset):
    """The files of a dataset; none for embedded ones."""
    if dataset == "none":
        return []
    return [str(path) for path in CATALOGUE[dataset].paths(Path(DATA))]


def classifier_of(experiment):
    """The classifier that the scoring of an experiment compares features of; none for most."""
    compared = "neighbours" in experiment.resolved.get("evaluation", {})
    return [f"{DATA}/classifiers/{experiment.data}.safetensors"] if compared else []


def runs(tier):
    """The run indices of every experiment of a tier."""
    return " ".join(map(str, range(config["runs"][tier])))


def jobs_of(paper, tier):
    """The jobs of a paper in a tier, each as large as is sensible there.

    In the smoke tier all of the paper, in the standard tier an experiment, or a field of the
    league, in the paper tier one run of an experiment, whose index is a wildcard. `parts` name the
    job, and its files; `minutes` are those that it takes on one core.
    """
    experiments = PAPERS[paper].experiments(tier)
    one_run = tier == "paper"
    groups = {e.name: [e] for e in experiments}
    if tier == "smoke":
        groups = {"": experiments}
    elif tier == "standard" and paper == LEAGUE:  # its runs are short
        groups = by_field(PAPERS[paper].declared["league"], experiments)
    for name, group in groups.items():
        parts = [part for part in (paper, name) if part]
        named = [e.name for e in group] if name else []
        yield SimpleNamespace(
            name="_".join(["run", tier, *parts]),
            what=" ".join([paper, *named]),
            file=os.path.join(*parts, *(["{index}"] if one_run else [])),
            runs="{index}" if one_run else runs(tier),
            experiments=group,
            minutes=sum(e.minutes * e.share for e in group)
            * (1 if one_run else config["runs"][tier]),
        )


def done_of(paper, tier):
    """The files that say how the runs of a paper ended, one for each job."""
    return [
        f"{RESULTS}/{tier}/done/{job.file.format(index=index)}.json"
        for job in jobs_of(paper, tier)
        for index in (range(config["runs"][tier]) if job.runs == "{index}" else [0])
    ]


def figures_of(paper):
    """The figures of a paper, as paths below its folder of figures."""
    return [
        f"{name}.{suffix}"
        for name in PAPERS[paper].figures
        for suffix in ("png", "pdf")
    ]


def tables_in(folder):
    """The tables of claims in a folder."""
    return [f"{folder}/comparison{end}" for end in (*TABLES, ".html")]


def outcome_of_paper(paper, tier):
    """What running one paper alone leaves: its tables and its figures, of runs that all ended."""
    folder = f"{RESULTS}/{tier}/papers/{paper}"
    figures = [f"{RESULTS}/{tier}/figures/{paper}/{name}" for name in figures_of(paper)]
    own = ["league.csv", "league.md"] if paper == LEAGUE else []
    tables = [*tables_in(folder), *(f"{folder}/{name}" for name in own)]
    return [*tables, f"{folder}/complete.json", *figures]


def outcome(tier):
    """What running a tier leaves: the tables of all papers and every paper's own."""
    folder = f"{RESULTS}/{tier}"
    parts = [outcome_of_paper(paper, tier) for paper in PAPERS]
    return [*tables_in(folder), f"{folder}/index.html", *sum(parts, [])]


def described(tier):
    """What running a tier leaves: its outcome, and the crate that describes it."""
    return [*outcome(tier), f"{RESULTS}/{tier}/ro-crate-metadata.json"]


def trials_of(paper, search, stages):
    """The results of every trial of some stages of a search."""
    return [
        TRIAL.format(paper=paper, search=search, stage=stage, rank=rank)
        for stage in stages
        for rank in range(SEARCHES[paper, search].stages[stage]["trials"])
    ]


def table_code():
    """Hash of what makes tables."""
    return digest(
        {
            "code": code_hash(
                "replications.core.report.tables", "replications.core.report.render"
            ),
            "metrics": {name: asdict(metric) for name, metric in SHARED.items()},
        }
    )
