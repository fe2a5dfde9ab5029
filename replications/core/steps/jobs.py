"""A job of the workflow: some runs, each trained and scored where it is not up to date.

What a job leaves beside its run directories is a small file that says how each run ended. It is
written even where runs failed, so that one failing run holds back nothing but itself: tables and
figures are made of the others, and `complete` fails at the end, with what there is to know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from replications.core.base.errors import Damaged, Expected
from replications.core.base.files import made_again, read_json, write_json
from replications.core.base.provenance import PACKAGE
from replications.core.run.runs import Run, as_written, digests, directory, whole

logger = logging.getLogger(__name__)


class Incomplete(Expected):
    """Some runs failed; the message says which, why, and what to do."""


def up_to_date(run: Run, step: str) -> bool:
    """Whether the run directory holds what a step leaves, whole, by code that leads to today's.

    Scores have to be those of the training that is there.
    """
    try:
        told = trained = read_json(run.directory / "run.json")
        if step == "score":
            told = read_json(run.directory / "scores.json")
            if told["train"]["hashes"] != trained["hashes"]:
                return False
        return run.accepts(told["hashes"], step) and as_written(run.directory, told)
    except (FileNotFoundError, Damaged, KeyError):
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
        failed, started, files = None, time.process_time(), {}
        try:
            for step, do in STEPS.items():
                with opened(paper, experiment, index, step) as run:
                    if again or not up_to_date(run, step):
                        do(run)
                    files = digests(run.directory, ("run.json", "scores.json"))
        except expected as error:
            failed = str(error)
            logger.error("error: %s", error)
            if isinstance(error, Damaged):  # of what it needs: it will be made again
                error.path.unlink(missing_ok=True)
        except Exception as error:
            failed = f"a fault of the suite, or of the rule that was run: {error!r}"
            logger.exception("unexpected: a fault of the suite, or of the rule that was run")
        seconds = round(time.process_time() - started, 2)
        ended.append({"paper": paper, "experiment": experiment, "run": index, "failed": failed,
                      "cpu_seconds": seconds, "files": files})  # fmt: skip
    done.parent.mkdir(parents=True, exist_ok=True)
    write_json(done, ended)


def done_by(paper: str, done: Path) -> list[Path]:
    """The files that say how the jobs of a paper ended."""
    return [path for path in (done / f"{paper}.json", *sorted((done / paper).rglob("*.json")))
            if path.exists()]  # fmt: skip


def ended_in(path: Path) -> list[dict]:
    """How the runs of a job ended, by the file that says so."""
    with made_again(path):
        return read_json(path)


def failures(done: Iterable[Path]) -> dict[Path, list[dict]]:
    """The runs that failed, by the file that says so."""
    ended = {path: ended_in(path) for path in done}
    return {path: failed for path, runs in ended.items()
            if (failed := [run for run in runs if run["failed"]])}  # fmt: skip


def require_whole(results: Path, tier: str, paper: str) -> None:
    """Raises Expected, with what to do, if a file of a run of a paper is not as its job left it.

    What tells of the altered is removed, and so is the word of how those jobs ended: the workflow
    does again what is missing.
    """
    damaged = []
    for path in done_by(paper, results / tier / "done"):
        found = []
        for run in (run for run in ended_in(path) if not run["failed"]):
            folder = directory(results, tier, paper, run["experiment"], run["run"])
            altered = altered_in(folder, run)
            for name in altered:
                (folder / name).unlink(missing_ok=True)
            if altered or not whole(folder):
                found.append(folder)
        if found:
            path.unlink()
        damaged += found
    if damaged:
        lines = ["files of these runs are damaged:", *map(str, damaged)]
        raise Expected("\n".join([*lines, "Say the same command again: it makes them anew."]))


def altered_in(folder: Path, run: dict) -> list[str]:
    """Those of a run's run.json and scores.json that are not as its job left them."""
    return [name for name, sha in run["files"].items() if digests(folder, [name]) != {name: sha}]


def complete(done: Sequence[Path], into: Path) -> None:
    """Write `into` if no run failed.

    Else raises Incomplete, and forgets the jobs with failures, so that the next workflow tries
    those runs again.
    """
    failed = failures(done)
    if not failed:
        runs = sum(len(ended_in(path)) for path in done)
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
