"""python -m replications fetch|train|score|collect|compare|plot|check|readme

All that a rule of the workflow ever calls. Every command can be run alone.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from replications.core.papers import TIERS

logger = logging.getLogger("replications")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line. Names of papers, experiments and tiers are checked where they are used."""
    parser = argparse.ArgumentParser(prog="python -m replications", description=__doc__)
    parser.add_argument("--log", type=Path, help="a file for the log, beside the terminal")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--data", type=Path, default=Path("data"))
    commands = parser.add_subparsers(dest="command", required=True)

    fetch = commands.add_parser("fetch", help="bring a dataset here and verify it")
    fetch.add_argument("dataset")
    classifier = commands.add_parser("classifier", help="train what samples are compared by")
    classifier.add_argument("dataset")
    computing = [classifier]
    train = commands.add_parser("train", help="train one run")
    score = commands.add_parser("score", help="score trained runs, one after the other")
    for step in (train, score):
        step.add_argument("paper")
        step.add_argument("experiment")
        step.add_argument("--tier", default="standard")
        computing.append(step)
    train.add_argument("index", type=int)
    score.add_argument("indices", type=int, nargs="+")
    trial = commands.add_parser("trial", help="train and score one draw of a search")
    table = commands.add_parser("tabulate", help="write the table of a search's trials")
    for step in (trial, table):
        step.add_argument("paper")
        step.add_argument("search")
    trial.add_argument("stage", type=int)
    trial.add_argument("rank", type=int)
    for command in (*computing, trial):
        command.add_argument("--device", default="auto")
        command.add_argument("--threads", type=int, default=1)
    collect = commands.add_parser("collect", help="gather scores into one long table")
    collect.add_argument("into", type=Path)
    collect.add_argument("scores", type=Path, nargs="+")
    compare = commands.add_parser("compare", help="hold a long table against the papers' claims")
    compare.add_argument("into", type=Path)
    compare.add_argument("papers", nargs="+")
    plot = commands.add_parser("plot", help="draw the figures of a paper")
    plot.add_argument("paper")
    check = commands.add_parser("check", help="hold scores against the stored reference")
    for command in (compare, plot, check):
        command.add_argument("--tier", choices=TIERS, default="standard")
    probe = commands.add_parser("probe", help="run experiments shortly and keep every number")
    probe.add_argument("experiments", type=Path, help="JSON: [[paper, experiment, tier], ...]")
    hashes = commands.add_parser("hashes", help="write the hashes of every experiment, as JSON")
    for command in (probe, hashes):
        command.add_argument("into", type=Path)
    carry = commands.add_parser("carry", help="carry stored scores over a change of the code")
    carry.add_argument("revision", help="the commit whose code made what is stored")
    carry.add_argument("--within-tolerance", action="store_true", help="scores need not be equal")
    variant = commands.add_parser("variant", help="run the smoke tier as another processor would")
    variant.add_argument("name")
    variant.add_argument("into", type=Path)
    variant.add_argument("--threads", type=int, default=1)
    tolerances = commands.add_parser("tolerances", help="measure what rounding moves")
    tolerances.add_argument("--workers", type=int, default=1, help="variants at a time")
    commands.add_parser("readme", help="write the generated tables of every README")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Run one command; 0 if it did what it says, 1 with a message if it could not."""
    args = arguments(given)
    threads = str(getattr(args, "threads", 1))
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = threads  # before torch or numpy is imported
    handlers: list[logging.Handler] = []
    if args.log:
        args.log.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(args.log))
    if not args.log or not sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers)

    from replications import commands

    try:
        getattr(commands, args.command)(args)
    except commands.expected() as error:
        logger.error("error: %s", error)
        if args.log and sys.stderr.isatty():
            print(f"error: {error}", file=sys.stderr)
        return 1
    except Exception:
        logger.exception("unexpected: a fault of the suite, or of the rule that was run")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
