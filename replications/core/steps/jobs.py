"""A job of the workflow: some runs, each trained and scored where it is not up to date.

What a job leaves beside its run directories is a small file that says how each run ended. It is
written even where runs failed, so that one failing run holds back nothing but itself: tables and
figures are made of the others, and `complete` fails at the end, with what there is to know.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from replications.core.base.errors import Expected
from replications.core.base.files import write_json
from replications.core.base.provenance import PACKAGE
from replications.core.run.runs import Run

logger = logging.getLogger(__name__)


class Incomplete(Expected):
    """Some runs failed; the message says which, why, and what to do."""


def up_to_date(run: Run, step: str) -> bool:
    """Whether the run directory holds what a step leaves, by code that leads to today's.

    Scores have to be those of the training that is there.
    """
    try:
        trained = json.loads((run.directory / "run.json").read_text(encoding="utf-8"))["hashes"]
        if step == "train":
            return run.accepts(trained, step)
        scores = json.loads((run.directory / "scores.json").read_text(encoding="utf-8"))
        return run.accepts(scores["hashes"], step) and scores["train"]["hashes"] == trained
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        return False


def train(run: Run) -> None:
    """Train a run, from its checkpoint if it has one."""
    forget_scores(run)
    import_module(f"{PACKAGE}.core.train.{run.experiment.kind}").train(run)


def score(run: Run) -> None:
    """Score a trained run."""
    forget_scores(run)
    import_module(f"{PACKAGE}.core.score.{run.experiment.kind}").score(run)


def forget_scores(run: Run) -> None:
    """Remove the scores of what was, which would pass for those of what comes."""
    for name in ("scores.json", "arrays.npz"):
        (run.directory / name).unlink(missing_ok=True)


STEPS = {"train": train, "score": score}


def work(
    wanted: Iterable[tuple[str, str, int]],
    opened: Callable,
    expected: tuple[type[Exception], ...],
    done: Path,
    *,
    again: bool,
) -> None:
    """Bring every (paper, experiment, index) up to date; how each ended goes to the file `done`.

    What is up to date is left alone, unless all is to be done `again`.
    `opened(paper, experiment, index, step)` is a context that gives the run, its directory locked.
    An error that is not `expected` is a fault of the suite, and told with its trace.
    """
    ended = []
    for paper, experiment, index in wanted:
        failed, started = None, time.process_time()
        try:
            for step, do in STEPS.items():
                with opened(paper, experiment, index, step) as run:
                    if again or not up_to_date(run, step):
                        do(run)
        except expected as error:
            failed = str(error)
            logger.error("error: %s", error)
        except Exception as error:
            failed = f"a fault of the suite, or of the rule that was run: {error!r}"
            logger.exception("unexpected: a fault of the suite, or of the rule that was run")
        seconds = round(time.process_time() - started, 2)
        ended.append({"paper": paper, "experiment": experiment, "run": index, "failed": failed,
                      "cpu_seconds": seconds})  # fmt: skip
    done.parent.mkdir(parents=True, exist_ok=True)
    write_json(done, ended)


def failures(done: Iterable[Path]) -> dict[Path, list[dict]]:
    """The runs that failed, by the file that says so."""
    ended = {path: json.loads(path.read_text(encoding="utf-8")) for path in done}
    return {path: failed for path, runs in ended.items()
            if (failed := [run for run in runs if run["failed"]])}  # fmt: skip


def complete(done: Sequence[Path], into: Path) -> None:
    """Write `into` if no run failed.

    Else raises Incomplete, and forgets the jobs with failures, so that the next workflow tries
    those runs again.
    """
    failed = failures(done)
    if not failed:
        runs = sum(len(json.loads(path.read_text(encoding="utf-8"))) for path in done)
        into.parent.mkdir(parents=True, exist_ok=True)
        write_json(into, {"runs": runs})
        return
    lines = [f"{run['paper']} {run['experiment']} {run['run']}: {run['failed']}"
             for runs in failed.values() for run in runs]  # fmt: skip
    for path in failed:
        path.unlink()
    raise Incomplete(
        "\n".join([f"{len(lines)} runs failed:", *lines])
        + "\nEverything else is done, and the tables are made of it. Mend what they say, and run "
        "the same command again: it tries these runs alone."
    )
