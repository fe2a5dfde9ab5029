"""The one training loop: resumable after any step, stopped by the first number that is not finite.

A task tells the loop what it is made of (tensors and generators) and how to do one step; the loop
keeps the time, the curves, the checkpoint and the progress bar. Interrupted and resumed equals
uninterrupted, bit for bit on the CPU: a checkpoint holds everything that the next step reads.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from tqdm import tqdm

from replications.core.base.errors import Expected
from replications.core.base.files import write_atomically, write_json
from replications.core.base.scores import Score
from replications.core.run.runs import Run, epoch_after
from replications.core.train.told import bar, diagnosis

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60
Monitorable = tuple[str, str]  # (metric, part); "" for the whole
Monitored = dict[Monitorable, Tensor]
FINITE_EVERY = 100  # steps between two looks at whether the monitored numbers are finite


class Diverged(Expected):
    """Training left the finite numbers."""


class Interrupted(SystemExit):
    """Training was asked to stop; the checkpoint holds all that it did."""


class Task(Protocol):
    """What the loop trains. Tensors are live: the loop reads and overwrites them in place."""

    steps: int  # per epoch
    parameters: dict[str, Tensor]  # kept in the run directory, by name
    generators: dict[str, torch.Generator]

    @property
    def state(self) -> dict[str, Tensor]:
        """Whatever else the next step reads."""

    def step(self, epoch: int, index: int) -> Monitored:
        """Do one update; return what to average over the epoch."""

    def end_epoch(self, epoch: int) -> Mapping[Monitorable, float]:
        """Measure once an epoch."""

    def finish(self) -> None:
        """Complete `parameters` after the last epoch."""


class Progress:
    """Where a training stands: epochs and steps done, running sums, curves, snapshots."""

    def __init__(self) -> None:
        self.epoch = 0
        self.step = 0
        self.seconds = 0.0  # of computing, over all sessions
        self.sums: dict[Monitorable, Tensor | float] = {}
        self.counts: dict[Monitorable, int] = {}
        self.curves: list[Score] = []
        self.snapshots: dict[str, Tensor] = {}

    def counters(self) -> str:
        """All but the snapshots, as JSON."""
        plain = {"epoch": self.epoch, "step": self.step, "seconds": self.seconds}
        sums = [[*key, float(value), self.counts[key]] for key, value in self.sums.items()]
        return json.dumps(plain | {"sums": sums, "curves": [asdict(s) for s in self.curves]})

    @classmethod
    def counted(cls, counters: str) -> Progress:
        """What `counters` has told."""
        told, progress = json.loads(counters), cls()
        for metric, part, total, count in told.pop("sums"):
            progress.sums[metric, part], progress.counts[metric, part] = total, count
        progress.curves = [Score(**s) for s in told.pop("curves")]
        vars(progress).update(told)
        return progress


def run_epochs(task: Task, run: Run, *, epochs: int, snapshots: Sequence[float] = ()) -> None:
    """Train `task` for `epochs`, from its checkpoint if there is one, into `run.directory`.

    Keeps the parameters before the first epoch, after half of them, after the last, and after
    those shares of them that `snapshots` says, at least one epoch.
    Raises Diverged, or Interrupted after SIGTERM or Ctrl-C.
    """
    run.forget()
    checkpoint = run.directory / "checkpoint.safetensors"
    progress = restore(task, run, checkpoint) or Progress()
    started = time.monotonic() - progress.seconds
    kept = {0, epochs // 2, epochs, *(epoch_after(share, epochs) for share in snapshots)}
    with stop_requests() as stopping, bar(run, epochs * task.steps, progress, task.steps) as shown:
        saved = time.monotonic()
        while progress.epoch < epochs:
            if progress.step == 0 and progress.epoch in kept:
                snapshot(task, progress)
            advance(task, progress, shown)
            if stopping or time.monotonic() - saved > CHECKPOINT_SECONDS:
                saved = time.monotonic()
                progress.seconds = saved - started
                write_atomically(checkpoint, pack(task, run, progress))
            if stopping:
                raise Interrupted(f"stopped in epoch {progress.epoch + 1}; run again to go on")
    task.finish()
    snapshot(task, progress)
    progress.seconds = time.monotonic() - started
    finish(run, progress)
    checkpoint.unlink(missing_ok=True)


def advance(task: Task, progress: Progress, shown: tqdm) -> None:
    """One step and, after an epoch's last, its measurements."""
    for key, value in task.step(progress.epoch, progress.step).items():
        progress.sums[key] = progress.sums.get(key, 0.0) + value
        progress.counts[key] = progress.counts.get(key, 0) + 1
    progress.step += 1
    shown.update()
    if progress.step % FINITE_EVERY == 0 or progress.step == task.steps:
        require_finite(progress, progress.sums)
    if progress.step < task.steps:
        return
    measured = {k: float(s) / progress.counts[k] for k, s in progress.sums.items()}
    measured |= task.end_epoch(progress.epoch)
    require_finite(progress, measured)
    progress.epoch += 1
    progress.curves += [
        Score(metric, value, part, progress.epoch) for (metric, part), value in measured.items()
    ]
    progress.step, progress.sums, progress.counts = 0, {}, {}
    summary = ", ".join(f"{in_words(key)} {value:.4g}" for key, value in measured.items())
    shown.set_postfix_str(f"epoch {progress.epoch}: {summary}")
    logger.info("epoch %d: %s", progress.epoch, summary)


def in_words(key: Monitorable) -> str:
    """What is monitored, in words: "train_error", "local_loss f1"."""
    return " ".join(filter(None, key))


def require_finite(progress: Progress, watched: Mapping[Monitorable, Tensor | float]) -> None:
    """Raises Diverged, with the numbers by metric, if a watched one is NaN or infinite."""
    numbers = {in_words(key): float(value) for key, value in watched.items()}
    if not all(math.isfinite(number) for number in numbers.values()):
        raise Diverged(diagnosis(progress, f"{numbers}"))


def snapshot(task: Task, progress: Progress) -> None:
    """Keep a copy of the parameters as "<epoch>/<name>". Raises Diverged if one is not finite."""
    for name, tensor in task.parameters.items():
        if not tensor.isfinite().all():
            raise Diverged(diagnosis(progress, f"parameter {name} is not finite"))
        progress.snapshots[f"{progress.epoch}/{name}"] = tensor.detach().cpu().clone()


def live(task: Task) -> dict[str, Tensor]:
    """Every tensor that the next step reads, by a name that says whose it is."""
    parameters = {f"parameters/{name}": t for name, t in task.parameters.items()}
    return parameters | {f"state/{name}": t for name, t in task.state.items()}


def pack(task: Task, run: Run, progress: Progress) -> bytes:
    """The checkpoint: tensors, generators' states, counters, and the hashes it belongs to."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in live(task).items()}
    tensors |= {f"generators/{name}": g.get_state() for name, g in task.generators.items()}
    tensors |= {f"snapshots/{name}": t.contiguous() for name, t in progress.snapshots.items()}
    return save(tensors, {"counters": progress.counters(), "hashes": json.dumps(run.hashes)})


def restore(task: Task, run: Run, checkpoint: Path) -> Progress | None:
    """Load a checkpoint into `task`; None if there is none of this code, configuration and data."""
    try:
        file = safe_open(checkpoint, framework="pt")
    except (FileNotFoundError, SafetensorError):
        return None
    with file:
        if not run.accepts(json.loads(file.metadata()["hashes"]), "train"):
            return None
        progress = Progress.counted(file.metadata()["counters"])
        for name, tensor in live(task).items():
            tensor.copy_(file.get_tensor(name))
        for name, generator in task.generators.items():
            generator.set_state(file.get_tensor(f"generators/{name}"))
        for name in file.keys():  # noqa: SIM118 - safe_open is no mapping
            if name.startswith("snapshots/"):
                progress.snapshots[name.removeprefix("snapshots/")] = file.get_tensor(name)
    return progress


def finish(run: Run, progress: Progress) -> None:
    """Write what a finished run consists of; run.json last, so that its presence means the rest."""
    table = io.StringIO()
    writer = csv.DictWriter(table, ["step", "metric", "part", "value"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(score) for score in progress.curves)
    write_atomically(run.directory / "curves.csv", table.getvalue())
    write_atomically(run.directory / "parameters.safetensors", save(progress.snapshots))
    write_json(run.directory / "run.json", run.provenance(seconds=progress.seconds))


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """A list that SIGTERM and Ctrl-C append to, so that a step is never cut in half."""
    requests: list[int] = []
    names = (signal.SIGTERM, signal.SIGINT)
    before = {n: signal.signal(n, lambda number, _: requests.append(number)) for n in names}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
