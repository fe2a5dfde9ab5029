"""What each command of `python -m replications` does; libraries are imported where needed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from replications.core.base.errors import Expected
from replications.core.base.files import locked, write_atomically, write_json
from replications.core.data.catalogue import data_hash
from replications.core.declare import papers
from replications.core.declare.league import LEAGUE, entries
from replications.core.declare.searches import find_search
from replications.core.run import runs

if TYPE_CHECKING:
    from replications.core.base.carried import Carried

EXPECTED = (Expected, ValueError, OSError)  # told by their message alone, without a trace


def fetch(args: argparse.Namespace) -> None:
    """Bring a dataset into args.data, or verify the one that is there."""
    have_dataset(args.dataset, args.data)


def have_dataset(dataset: str, data: Path) -> None:
    """Have a dataset's canonical files in `data`, one process at a time."""
    from replications.core.data.catalogue import is_here
    from replications.core.data.fetch import fetch as fetch_dataset

    if is_here(dataset, data):  # also in a folder that is not ours to write in
        return
    data.mkdir(parents=True, exist_ok=True)
    with locked(data / f".{dataset}.lock", wait=True):
        fetch_dataset(dataset, data)


def classifier(args: argparse.Namespace) -> None:
    """Train the classifier in whose features samples of a dataset are compared."""
    import torch

    from replications.core.data.datasets import load
    from replications.core.run.device import choose, held
    from replications.core.score.estimators.classifier import path, store_classifier

    torch.set_num_threads(args.threads)
    have_dataset(args.dataset, args.data)
    with held(choose(args.device), args.gpu_jobs) as device:
        images = load(args.dataset, args.data).to(device)
        store_classifier(images, path(args.dataset, args.data))


def carried(args: argparse.Namespace) -> Carried:
    """What is as good as made by today's code."""
    from replications.core.base.carried import Carried

    return Carried(args.reference / "carried.csv")


@contextmanager
def opened(
    args: argparse.Namespace, paper: str, name: str, index: int, step: str
) -> Iterator[runs.Run]:
    """A run of an experiment as a step opens it: its directory locked, its device held."""
    import torch

    from replications.core.run.device import choose, held

    torch.set_num_threads(args.threads)
    experiment = papers.suite().experiment(paper, name, args.tier)
    if experiment.data != "none":
        have_dataset(
            experiment.data, args.data
        )  # at once if they are there; heals what was altered
    hashes = experiment.hashes(step) | {"data": data_hash(experiment.data)}
    directory = runs.directory(args.results, args.tier, paper, name, index)
    wanted = "cpu" if experiment.kind == "simulation" else args.device  # small float64 arrays
    run = runs.Run(experiment, args.tier, index, directory, args.data, threads=args.threads,
                   hashes=hashes, carried=carried(args))  # fmt: skip
    with run.writing(), held(choose(wanted), args.gpu_jobs) as device:
        yield replace(run, device=device)


def train(args: argparse.Namespace) -> None:
    """Train one run, from its checkpoint if it has one."""
    from replications.core.steps import jobs

    with opened(args, args.paper, args.experiment, args.index, "train") as run:
        jobs.train(run)


def score(args: argparse.Namespace) -> None:
    """Score trained runs of one experiment, one after the other."""
    from replications.core.steps import jobs

    for index in args.indices:
        with opened(args, args.paper, args.experiment, index, "score") as run:
            jobs.score(run)


def run(args: argparse.Namespace) -> None:
    """Train and score what is not up to date of a paper's runs, or of one experiment's."""
    from replications.core.steps import jobs

    paper = papers.suite().paper(args.paper)
    names = args.experiments or [e.name for e in paper.experiments(args.tier)]
    wanted = [(args.paper, name, index) for name in names for index in args.runs]
    jobs.work(wanted, partial(opened, args), EXPECTED, args.done, again=args.again)


def complete(args: argparse.Namespace) -> None:
    """Fail, with what there is to know, if a run of some jobs failed."""
    from replications.core.steps import jobs

    jobs.complete(args.done, args.into)


def trial(args: argparse.Namespace) -> None:
    """Train and score one draw of a search, on validation images."""
    import torch

    from replications.core.run.device import choose, held
    from replications.core.steps import search

    torch.set_num_threads(args.threads)
    searched = find_search(args.paper, args.search)
    have_dataset(searched.resolve(args.stage, searched.draw(0)).data, args.data)
    with held(choose(args.device), args.gpu_jobs) as device:
        folder = args.results / "search" / args.paper / args.search
        search.trial(searched, args.stage, args.rank, folder, args.data, device)


def tabulate(args: argparse.Namespace) -> None:
    """results/search/<paper>/<search>.csv from the trials of a search."""
    from replications.core.steps.search import write_table

    folder = args.results / "search" / args.paper / args.search
    write_table(find_search(args.paper, args.search), folder, folder.with_suffix(".csv"))


def report(args: argparse.Namespace) -> None:
    """Tables and figures of one paper, from its runs."""
    from replications.core.report.plots import draw_figures
    from replications.core.report.render import write_comparison
    from replications.core.report.tables import collect
    from replications.core.steps import jobs

    suite, tier = papers.suite(), args.results / args.tier
    selected = suite.select([args.paper])
    into = tier / "papers" / args.paper
    jobs.require_whole(args.results, args.tier, args.paper)
    collect(current_scores(args, selected), selected, into)
    write_comparison(into, selected, args.tier, carried(args))
    draw_figures(tier, selected[args.paper], args.tier)


def costs(args: argparse.Namespace) -> None:
    """results/<tier>/papers/league/costs.csv: what a step of each rule of the league costs."""
    import torch

    from replications.core.run.device import choose, held
    from replications.core.steps.costs import write_costs

    torch.set_num_threads(args.threads)
    paper = papers.suite().paper(LEAGUE)
    experiments = paper.experiments(args.tier)
    for dataset in dict.fromkeys(e.data for e in experiments):
        have_dataset(dataset, args.data)
    into = args.results / args.tier / "papers" / LEAGUE / "costs.csv"
    into.parent.mkdir(parents=True, exist_ok=True)
    with held(choose(args.device), args.gpu_jobs) as device:
        write_costs(paper.declared["league"], experiments, args.data, device, into)


def league(args: argparse.Namespace) -> None:
    """results/<tier>/papers/league/league.csv and league.md, from its scores and costs."""
    from replications.core.report.league import write_league

    write_league(args.results, papers.suite().paper(LEAGUE), args.tier)


def compare_rules(args: argparse.Namespace) -> None:
    """Run rows of the league on a dataset, in the standard tier, and print their lines."""
    import pandas as pd

    from replications.core.report.league import TWIN, in_markdown, lines
    from replications.core.report.tables import long_table
    from replications.core.run.device import choose, held
    from replications.core.steps import jobs
    from replications.core.steps.costs import costs

    paper = papers.suite().paper(LEAGUE)
    entered = entries(paper, [TWIN, *args.rules], args.tier, args.dataset)
    wanted = [(LEAGUE, e.name, index) for e in entered for index in args.runs]
    done = args.results / args.tier / "compare_rules.json"
    jobs.work(wanted, partial(opened, args), EXPECTED, done, again=False)
    jobs.complete([done], done)
    files = [runs.directory(args.results, args.tier, *run) / "scores.json" for run in wanted]
    with held(choose(args.device), args.gpu_jobs) as device:
        spent = pd.DataFrame(costs(paper.declared["league"], entered, args.data, device))
    found = lines(long_table(files, {LEAGUE: paper}), paper, args.tier, spent)
    print(in_markdown([line for line in found if line.errors], paper, args.tier))


def overview(args: argparse.Namespace) -> None:
    """The tables of several papers together."""
    from replications.core.report.render import write_comparison
    from replications.core.report.tables import collect
    from replications.core.steps import jobs

    selected = papers.suite().select(args.papers)
    into = args.results / args.tier
    for paper in selected:
        jobs.require_whole(args.results, args.tier, paper)
    collect(current_scores(args, selected), selected, into)
    write_comparison(into, selected, args.tier, carried(args))


def current_scores(args: argparse.Namespace, selected: Mapping[str, papers.Paper]) -> list[Path]:
    """The scores of every run of some papers that are of today's code, settings and data."""
    from replications.core.run.current import current

    led = carried(args)
    wanted = (
        (experiment, runs.directory(args.results, args.tier, paper.name, experiment.name, index))
        for paper in selected.values()
        for experiment in paper.experiments(args.tier)
        for index in args.runs
    )
    paths = ((experiment, folder / "scores.json") for experiment, folder in wanted)
    return [path for experiment, path in paths if path.exists() and current(path, experiment, led)]


def crate(args: argparse.Namespace) -> None:
    """Write ro-crate-metadata.json into the tier's folder."""
    from replications.core.steps.crate import write_crate

    write_crate(args.results, args.tier, carried(args))


def release(args: argparse.Namespace) -> None:
    """Pack the tier's results, with the crate and the reference, into one archive."""
    from replications.core.steps.release import release as pack

    print(pack(args.results, args.reference, args.tier))


def page(args: argparse.Namespace) -> None:
    """Write results/<tier>/index.html."""
    from replications.core.steps.page import write_page

    write_page(args.results, args.reference, args.tier)


def summary(args: argparse.Namespace) -> None:
    """Print one line per paper, and where to look."""
    from replications.core.steps.summary import summary as lines

    print("\n".join(lines(args.results, args.tier)))


def check(args: argparse.Namespace) -> None:
    """Fail, with a table, if the tier's scores moved away from the reference."""
    from replications.core.report.check import check_scores

    check_scores(args.results, args.reference, args.tier)


def follow(args: argparse.Namespace) -> int:
    """Run Snakemake and tell about it in one line; returns its exit status."""
    from replications.core.steps.follow import expected
    from replications.core.steps.follow import follow as follow_workflow

    return follow_workflow(args.snakemake, expected())


def cost(args: argparse.Namespace) -> None:
    """Print what the last workflow of a tier cost."""
    from replications.core.steps.cost import cost as cost_of
    from replications.core.steps.cost import in_lines

    print(in_lines(cost_of(args.results, args.tier)))


def probe(args: argparse.Namespace) -> None:
    """Run experiments shortly, and keep every number that they leave, in args.into."""
    from replications.core.steps.probe import probe as run_shortly

    suite = papers.suite()
    named = json.loads(args.experiments.read_text(encoding="utf-8"))
    run_shortly([suite.experiment(*names) for names in named], args.data, args.into)


def hashes(args: argparse.Namespace) -> None:
    """args.into: the hashes of every experiment, tier and step, as JSON."""
    from replications.core.steps.probe import hashes as all_hashes

    write_json(args.into, all_hashes())


def carry(args: argparse.Namespace) -> None:
    """Lines in results/reference/carried.csv for what a change of the code leaves as it was."""
    from replications.core.report.tolerances import read_tolerances
    from replications.core.steps.carry import carry as carry_over

    allowed = read_tolerances(args.reference / "tolerances.csv") if args.within_tolerance else None
    carry_over(args.revision, args.reference, args.data, allowed)


def reference(args: argparse.Namespace) -> None:
    """Merge the finished runs of a paper into results/reference/, and its figures."""
    from replications.core.report.league import read_costs
    from replications.core.report.reference import store
    from replications.core.run.current import finished
    from replications.core.steps import jobs
    from replications.core.steps.figures import keep_figures

    jobs.require_whole(args.results, args.tier, args.paper)
    files = finished(args.results, args.paper, args.tier, carried(args))
    paper = papers.suite().paper(args.paper)
    store(files, paper, args.reference, args.tier)
    keep_figures(files, paper, args.results, args.reference, args.tier)
    if args.paper == LEAGUE:
        costs = read_costs(args.results / args.tier / "papers" / LEAGUE, paper, args.tier)
        into = args.reference / LEAGUE / f"{args.tier}.csv"
        into.parent.mkdir(exist_ok=True)
        write_atomically(into, costs.to_csv(index=False, lineterminator="\n"))


def explain(args: argparse.Namespace) -> None:
    """Print what stands behind a claim's verdict."""
    from replications.core.steps.explain import explain as explanation

    print(explanation(args.paper, args.claim, args.reference))


def cite(args: argparse.Namespace) -> None:
    """Print BibTeX of the suite and of papers."""
    from replications.core.report.cite import cited

    print(cited(papers.suite(), args.papers), end="")


def new_rule(args: argparse.Namespace) -> None:
    """Write a folder for a new learning rule, here, and say what comes next."""
    from replications.core.steps.new_rule import write_folder

    print(write_folder(args.name, Path()))


def variant(args: argparse.Namespace) -> None:
    """Run the smoke tier by one variant of its rounding, into args.into."""
    from replications.core.steps.rounding import AS_IT_IS, VARIANTS, measure

    (one,) = (v for v in (AS_IT_IS, *VARIANTS) if v.name == args.name)
    measure(one, args.into, args.papers)


def tolerances(args: argparse.Namespace) -> None:
    """results/reference/tolerances.csv, from what rounding moves on this machine."""
    from replications.core.base.hashes import digest
    from replications.core.declare.papers import suite
    from replications.core.report.tolerances import write_tolerances
    from replications.core.steps.rounding import AS_IT_IS, TIER, measured_variants

    selected = suite().select(args.papers or "all").values()
    made_by = digest([e.hashes("score") for paper in selected for e in paper.experiments(TIER)])
    folder = args.results / "rounding" / made_by  # another code or configuration, another folder
    tables = measured_variants(folder, args.papers, workers=args.workers)
    path = args.reference / "tolerances.csv"
    write_tolerances(tables, AS_IT_IS.name, path, args.papers)


def readme(args: argparse.Namespace) -> None:
    """Write the generated tables, findings and figures into the READMEs and docs/."""
    from replications.core.report.readme import write_readmes

    write_readmes(args.reference)
