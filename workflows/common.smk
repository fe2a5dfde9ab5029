# What the rules share: the declarations, expanded, and the command that every rule calls.
import shlex
import shutil
import sys
from functools import cache

sys.path.insert(0, workflow.basedir)

from replications.core.catalogue import CATALOGUE
from replications.core.papers import TIERS, DeclarationError, Suite, check
from replications.core.hashes import code_hash, digest
from replications.core.search_declarations import checked_searches
from snakemake.exceptions import WorkflowError

try:
    check(config, "config", "config/config.yaml")
    PAPERS = Suite().select(config["papers"])
    SEARCHES = {(search.paper, search.name): search for search in checked_searches()}
except DeclarationError as error:
    raise WorkflowError(str(error))

RESULTS = config["results"]
DATA = config["data"]
EXPERIMENTS = {
    (paper, experiment.name, tier): experiment
    for paper in PAPERS
    for tier in TIERS
    for experiment in PAPERS[paper].experiments(tier)
}
TRIAL = f"{RESULTS}/search/{{paper}}/{{search}}/{{stage}}/{{rank}}/trial.json"
TABLES = [f"comparison.{suffix}" for suffix in ("csv", "md", "tex", "json", "html")]


def command(step):
    """The shell command of a rule: `python -m replications`, logging into the rule's log.

    It limits its libraries' threads itself, before they are imported.
    """
    call = [sys.executable, "-m", "replications", "--data", DATA, "--results", RESULTS]
    return f"{shlex.join(call)} --log {{log}} {step}"


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


@cache
def hashes_of(paper, experiment, tier, step):
    """The hashes of a step of an experiment; asked for by every one of its jobs, made once."""
    return EXPERIMENTS[paper, experiment, tier].hashes(step)


def classifier_of(experiment):
    """The classifier that the scoring of an experiment compares features of; none for most."""
    compared = "neighbours" in experiment.resolved.get("evaluation", {})
    return [f"{DATA}/classifiers/{experiment.data}.safetensors"] if compared else []


def runs_of(tier, paper="{paper}", experiment="{experiment}"):
    """The run directories of an experiment in a tier; of any one, by its wildcards, if unnamed."""
    folder = f"{RESULTS}/{tier}/runs/{paper}/{experiment}"
    return [f"{folder}/{index}" for index in range(config["runs"][tier])]


def runs_of_paper(paper, tier):
    """The run directories of all experiments of a paper in a tier."""
    names = [
        name for owner, name, level in EXPERIMENTS if (owner, level) == (paper, tier)
    ]
    return [run for name in names for run in runs_of(tier, paper, name)]


def scores_of(papers, tier):
    """The scores of every run of some papers in a tier."""
    return [
        f"{run}/scores.json" for paper in papers for run in runs_of_paper(paper, tier)
    ]


def figures_of(paper):
    """The figures of a paper, as paths below its folder of figures."""
    return [
        f"{name}.{suffix}"
        for name in PAPERS[paper].figures
        for suffix in ("png", "pdf")
    ]


def outcome_of_paper(paper, tier):
    """What running one paper alone leaves: its tables and its figures."""
    tables = [f"{RESULTS}/{tier}/papers/{paper}/{name}" for name in TABLES]
    figures = [f"{RESULTS}/{tier}/figures/{paper}/{name}" for name in figures_of(paper)]
    return tables + figures


def outcome(tier):
    """What running a tier leaves: the tables of all papers and every paper's own."""
    parts = [outcome_of_paper(paper, tier) for paper in PAPERS]
    return [f"{RESULTS}/{tier}/{name}" for name in TABLES] + sum(parts, [])


def trials_of(paper, search, stages):
    """The results of every trial of some stages of a search."""
    return [
        TRIAL.format(paper=paper, search=search, stage=stage, rank=rank)
        for stage in stages
        for rank in range(SEARCHES[paper, search].stages[stage]["trials"])
    ]
