"""What a person is told of a training: a bar while it runs, and why it diverged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tqdm import tqdm

from replications.core.run.runs import Run

if TYPE_CHECKING:
    from replications.core.train.loop import Progress


def diagnosis(progress: Progress, seen: str) -> str:
    """What to tell about a run that diverged, and what to do about it."""
    last = {s.metric: s.value for s in progress.curves if s.step == progress.epoch}
    return (
        f"diverged in epoch {progress.epoch + 1}, by step {progress.step}: {seen}; the epoch "
        f"before had {last or 'not been run'}. No score of this run is kept: lower the learning "
        "rates or the step size of this experiment in its paper.yaml, and run again"
    )


def bar(run: Run, total: int, progress: Progress, steps: int) -> tqdm:
    """A progress bar, shown only on a terminal; the log has a line per epoch in any case."""
    experiment = run.experiment
    name = f"{experiment.paper} {experiment.name} {run.index}"
    done = progress.epoch * steps + progress.step
    return tqdm(total=total, initial=done, desc=name, disable=None, leave=False)
