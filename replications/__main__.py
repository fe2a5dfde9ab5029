"""python -m replications fetch|run|report|overview|complete|check|reference|carry|...

All that a rule of the workflow ever calls. Every command can be run alone.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from io import TextIOWrapper
from pathlib import Path

from replications.core.base.provenance import REFERENCE
from replications.core.declare.experiments import TIERS

logger = logging.getLogger("replications")
SPENT = "processor: %.2f s"  # the last line of a log; core/steps/cost.py reads it


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line. Names of papers, experiments and tiers are checked where they are used."""
    parser = argparse.ArgumentParser(prog="python -m replications", description=__doc__)
    parser.add_argument("--log", type=Path, help="a file for the log, beside the terminal")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--data", type=Path, default=Path("data"))
    own = "stored scores; the suite's own, if none is named"
    parser.add_argument("--reference", type=Path, default=REFERENCE, help=own)
    parser.add_argument("--gpu-jobs", type=int, default=1, help="at a time, over all GPUs")
    commands = parser.add_subparsers(dest="command", required=True)

    fetch = commands.add_parser("fetch", help="bring a dataset here and verify it")
    fetch.add_argument("dataset")
    classifier = commands.add_parser("classifier", help="train what samples are compared by")
    classifier.add_argument("dataset")
    run = commands.add_parser("run", help="train and score runs, each where it is not up to date")
    run.add_argument("paper")
    run.add_argument("experiments", nargs="*", help="all of the paper's, if none is named")
    run.add_argument("--done", type=Path, required=True, help="a file that says how each ended")
    run.add_argument("--again", action="store_true", help="also what is up to date")
    complete = commands.add_parser("complete", help="fail if a run of some jobs failed")
    complete.add_argument("into", type=Path)
    complete.add_argument("done", type=Path, nargs="+")
    train = commands.add_parser("train", help="train one run")
    score = commands.add_parser("score", help="score trained runs, one after the other")
    for step in (train, score):
        step.add_argument("paper")
        step.add_argument("experiment")
    train.add_argument("index", type=int)
    score.add_argument("indices", type=int, nargs="+")
    trial = commands.add_parser("trial", help="train and score one draw of a search")
    table = commands.add_parser("tabulate", help="write the table of a search's trials")
    for step in (trial, table):
        step.add_argument("paper")
        step.add_argument("search")
    trial.add_argument("stage", type=int)
    trial.add_argument("rank", type=int)
    costs = commands.add_parser("costs", help="measure what a step of each rule costs")
    league = commands.add_parser("league", help="write the table of the league")
    rules = commands.add_parser("compare-rules", help="print some rows of the league")
    rules.add_argument("rules", nargs="+", help="rows of the league, such as my_rule")
    rules.add_argument("--data", dest="dataset", default="mnist", help="mnist or fashion_mnist")
    for command in (classifier, run, train, score, trial, costs, rules):
        command.add_argument("--device", default="auto")
        command.add_argument("--threads", type=int, default=1)
    report = commands.add_parser("report", help="write the tables and figures of a paper")
    report.add_argument("paper")
    overview = commands.add_parser("overview", help="write the tables of several papers together")
    overview.add_argument("papers", nargs="+")
    for command in (run, report, overview):
        command.add_argument("--runs", type=int, nargs="+", required=True, help="run indices")
    rules.add_argument("--runs", type=int, nargs="+", default=[0, 1, 2], help="run indices")
    crate = commands.add_parser("crate", help="describe a tier's results as an RO-Crate")
    release = commands.add_parser("release", help="pack a tier's results, to upload or to keep")
    page = commands.add_parser("page", help="write the page of a tier, index.html")
    summary = commands.add_parser("summary", help="a line per paper, and where to look")
    check = commands.add_parser("check", help="compare scores with the stored reference")
    reference = commands.add_parser("reference", help="store the finished runs of a paper")
    reference.add_argument("paper")
    for command in (run, train, score, rules):
        command.add_argument("--tier", default="standard")
    follow = commands.add_parser("follow", help="run Snakemake, and tell about it in one line")
    follow.add_argument("snakemake", nargs=argparse.REMAINDER, help="the command")
    cost = commands.add_parser("cost", help="what a finished tier cost")
    for command in (report, overview, page, crate, release, check, reference, cost, costs, league):
        command.add_argument("--tier", choices=TIERS, default="standard")
    summary.add_argument(
        "--tier", choices=TIERS, help="that of config/config.yaml, if none is named"
    )
    probe = commands.add_parser("probe", help="run experiments shortly and keep every number")
    probe.add_argument("experiments", type=Path, help="JSON: [[paper, experiment, tier], ...]")
    hashes = commands.add_parser("hashes", help="write the hashes of every experiment, as JSON")
    for command in (probe, hashes):
        command.add_argument("into", type=Path)
    carry = commands.add_parser("carry", help="carry stored scores over a change of the code")
    carry.add_argument("revision", help="the commit whose code made what is stored")
    carry.add_argument("--within-tolerance", action="store_true", help="scores need not be equal")
    new = commands.add_parser("new-rule", help="write a folder for a new learning rule")
    new.add_argument("name", help="in small letters, such as my_rule")
    cite = commands.add_parser("cite", help="BibTeX of the suite and of papers")
    cite.add_argument("papers", nargs="+", help="papers, or a comparison.csv or .json with them")
    explain = commands.add_parser("explain", help="what stands behind a claim's verdict")
    explain.add_argument("paper")
    explain.add_argument("claim")
    variant = commands.add_parser("variant", help="run the smoke tier as another processor would")
    variant.add_argument("name")
    variant.add_argument("into", type=Path)
    variant.add_argument("papers", nargs="*", help="all, if none is named")
    variant.add_argument("--threads", type=int, default=1)
    tolerances = commands.add_parser("tolerances", help="measure what rounding moves")
    tolerances.add_argument("papers", nargs="*", help="measured anew; all, if none is named")
    tolerances.add_argument("--workers", type=int, default=1, help="variants at a time")
    commands.add_parser("readme", help="write what is generated in READMEs and docs/")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Run one command; 0 if it did what it says, 1 with a message if it could not."""
    args = arguments(given)
    settle(threads=getattr(args, "threads", 1))
    shown = logging.StreamHandler()
    handlers: list[logging.Handler] = [shown]
    if args.log:  # the details; a terminal sees what went wrong alone
        args.log.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(args.log, encoding="utf-8"))
    if args.log or args.command == "compare-rules":  # which prints a table
        shown.setLevel(logging.ERROR)
    logging.basicConfig(format="%(message)s", handlers=handlers)
    logger.setLevel(logging.INFO)  # of the suite alone: libraries tell what they subset

    status = run(args)
    if args.log:
        logger.info(SPENT, time.process_time())
    return status


def settle(threads: int) -> None:
    """Make what is computed and drawn the same in all surroundings; before libraries are imported.

    Those read environment variables: how many threads they take, and where figures are drawn.
    """
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    os.environ["MPLBACKEND"] = "agg"
    for stream in (sys.stdout, sys.stderr):  # a terminal that has no "±" is told of it otherwise
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run(args: argparse.Namespace) -> int:
    """Do what a command says; its exit status."""
    from replications.core.steps import commands

    try:
        return getattr(commands, args.command.replace("-", "_"))(args) or 0
    except commands.EXPECTED as error:
        logger.error("error: %s", error)
    except Exception:
        logger.exception("unexpected: a fault of the suite, or of the rule that was run")
    return 1


if __name__ == "__main__":
    sys.exit(main())
