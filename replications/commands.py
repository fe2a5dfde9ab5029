"""What each command of `python -m replications` does; libraries are imported where needed."""

from __future__ import annotations

import argparse
import fcntl
import json
from contextlib import contextmanager
from pathlib import Path

from replications.core import papers, runs
from replications.core.catalogue import data_hash


def expected() -> tuple[type[Exception], ...]:
    """What goes wrong by input, files or machines: told by its message alone, without a trace."""
    from replications.core.carry import NotCarried
    from replications.core.check import Regressed
    from replications.core.datasets import DataError
    from replications.core.fetch import FetchError
    from replications.core.train.loop import Diverged

    told = DataError, FetchError, Diverged, NotCarried, Regressed, runs.RunDirectoryBusy
    return (ValueError, OSError, *told)


def fetch(args: argparse.Namespace) -> None:
    """Bring a dataset into args.data, or verify the one that is there."""
    bring(args.dataset, args.data)


def bring(dataset: str, data: Path) -> None:
    """Have a dataset's canonical files in `data`, one process at a time."""
    from replications.core.fetch import fetch as fetch_dataset

    data.mkdir(parents=True, exist_ok=True)
    with open(data / f".{dataset}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fetch_dataset(dataset, data)


def classifier(args: argparse.Namespace) -> None:
    """Train the classifier in whose features samples of a dataset are compared."""
    import torch

    from replications.core.classifier import path, train
    from replications.core.datasets import load
    from replications.core.device import choose, held

    torch.set_num_threads(args.threads)
    bring(args.dataset, args.data)
    with held(choose(args.device)) as device:
        train(load(args.dataset, args.data).to(device), path(args.dataset, args.data))


@contextmanager
def opened(args: argparse.Namespace, index: int, step: str):
    """A run of the experiment that the arguments name, its directory locked, its device held."""
    import torch

    from replications.core.device import choose, held

    torch.set_num_threads(args.threads)
    experiment = papers.Suite().experiment(args.paper, args.experiment, args.tier)
    if experiment.data != "none":
        bring(experiment.data, args.data)  # at once if they are there; heals what was altered
    hashes = experiment.hashes(step) | {"data": data_hash(experiment.data)}
    directory = runs.directory(args.results, args.tier, experiment.paper, experiment.name, index)
    name = "cpu" if experiment.kind == "simulation" else args.device  # small float64 arrays
    with held(choose(name)) as device:
        run = runs.Run(
            experiment, args.tier, index, directory, args.data, device, args.threads, hashes
        )
        with run.writing():
            yield run


def train(args: argparse.Namespace) -> None:
    """Train one run, from its checkpoint if it has one."""
    from importlib import import_module

    with opened(args, args.index, "train") as run:
        for name in ("scores.json", "arrays.npz"):  # of what is trained anew
            (run.directory / name).unlink(missing_ok=True)
        import_module(f"replications.core.train.{run.experiment.kind}").train(run)


def score(args: argparse.Namespace) -> None:
    """Score trained runs of one experiment, one after the other."""
    from importlib import import_module

    for index in args.indices:
        with opened(args, index, "score") as run:
            import_module(f"replications.core.score.{run.experiment.kind}").score(run)


def trial(args: argparse.Namespace) -> None:
    """Train and score one draw of a search, on validation images."""
    import torch

    from replications.core import search
    from replications.core.device import choose, held

    torch.set_num_threads(args.threads)
    searched = search.find(args.paper, args.search)
    bring(searched.resolve(args.stage, searched.draw(0)).data, args.data)
    with held(choose(args.device)) as device:
        folder = args.results / "search" / args.paper / args.search
        search.trial(searched, args.stage, args.rank, folder, args.data, device)


def tabulate(args: argparse.Namespace) -> None:
    """results/search/<paper>/<search>.csv from the trials of a search."""
    from replications.core import search

    folder = args.results / "search" / args.paper / args.search
    search.write_table(search.find(args.paper, args.search), folder, folder.with_suffix(".csv"))


def collect(args: argparse.Namespace) -> None:
    """scores.parquet and scores.csv, in args.into, from the runs' scores.json."""
    from replications.core.tables import collect as collect_scores

    collect_scores(args.scores, args.into)


def compare(args: argparse.Namespace) -> None:
    """comparison.csv, .md, .tex, .json and .html beside a scores.parquet."""
    from replications.core.compare import write_comparison

    write_comparison(args.into, papers.Suite().select(args.papers), args.tier)


def plot(args: argparse.Namespace) -> None:
    """results/<tier>/figures/<paper>/<figure>.png and .pdf."""
    from replications.core.plots import draw

    draw(args.results / args.tier, papers.Suite().select([args.paper])[args.paper], args.tier)


def check(args: argparse.Namespace) -> None:
    """Fail, with a table, if the tier's scores moved away from the reference."""
    from replications.core.check import check_scores

    check_scores(args.results, args.tier)


def probe(args: argparse.Namespace) -> None:
    """Run experiments shortly, and keep every number that they leave, in args.into."""
    from replications.core.probe import probe as run_shortly

    suite = papers.Suite()
    named = json.loads(args.experiments.read_text())
    run_shortly([suite.experiment(*names) for names in named], args.data, args.into)


def hashes(args: argparse.Namespace) -> None:
    """args.into: the hashes of every experiment, tier and step, as JSON."""
    from replications.core.probe import hashes as all_hashes

    runs.write_json(args.into, all_hashes())


def carry(args: argparse.Namespace) -> None:
    """Lines in results/reference/carried.csv for what a change of the code leaves as it was."""
    from replications.core.carry import carry as carry_over

    reference = args.results / "reference"
    carry_over(args.revision, reference, args.data, tolerances=None)


def variant(args: argparse.Namespace) -> None:
    """Run the smoke tier by one variant of its rounding, into args.into."""
    from replications.core.rounding import AS_IT_IS, VARIANTS, measure

    (one,) = (v for v in (AS_IT_IS, *VARIANTS) if v.name == args.name)
    measure(one, args.into)


def tolerances(args: argparse.Namespace) -> None:
    """results/reference/tolerances.csv, from what rounding moves on this machine."""
    from replications.core.rounding import measured
    from replications.core.tolerances import write

    tables = measured(args.results / "rounding", workers=args.workers)
    write(tables, args.results / "reference" / "tolerances.csv")


def readme(args: argparse.Namespace) -> None:
    """Write the generated tables into README.md and the papers' READMEs."""
    from replications.core.readme import write_readmes

    write_readmes(args.results / "reference")
