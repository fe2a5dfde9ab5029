"""What a step of each rule of the league costs, beside one of back-propagation in one process.

A step is all that a rule does with a batch: of one with two sweeps, a batch of either.
"""

from __future__ import annotations

import csv
import io
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.distributed._tools.mem_tracker import MemTracker

from replications.core.base.files import write_atomically
from replications.core.declare.experiments import Experiment
from replications.core.declare.league import TWIN, by_net
from replications.core.run.runs import Run
from replications.core.train.learning_rule import Classification

TURNS = 30  # steps that are timed of each
COLUMNS = ("rule", "net", "memory", "speed")


def step(task: Classification, number: int) -> None:
    """Do the `number`-th batch of every sweep."""
    for sweep in range(len(task.rule.sweeps)):
        task.step(0, sweep * task.batches + number % task.batches)


def memory(task: Classification) -> int:
    """Bytes of all tensors: those that are kept between steps, and the most that a step adds."""
    kept = task.parameters | task.state
    tracker = MemTracker()
    with tracker:
        step(task, 1)
    most = sum(device["Total"] for device in tracker.get_tracker_snapshot("peak").values())
    return most + sum(tensor.nbytes for tensor in kept.values())


def speed(task: Classification, twin: Classification) -> float:
    """Steps in a second relative to the twin's, by the median of steps that take turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(1, TURNS + 1):
        for of, found in zip((task, twin), seconds, strict=True):
            started = time.perf_counter()
            step(of, number)
            if of.inputs.is_cuda:
                torch.cuda.synchronize()
            found.append(time.perf_counter() - started)
    ours, theirs = map(statistics.median, seconds)
    return theirs / ours


def task_of(experiment: Experiment, data: Path, device: str) -> Classification:
    """An experiment's training after its first step: what is done once is not counted."""
    with TemporaryDirectory() as folder:
        task = Classification(Run(experiment, experiment.tier, 0, Path(folder), data, device))
    step(task, 0)
    return task


@torch.no_grad()
def costs(league: Mapping, experiments: Sequence[Experiment], data: Path, device: str) -> list:
    """A row of COLUMNS for each rule and net of some experiments of the league.

    `memory` and `speed` are relative to back-propagation's on the same net, which has to be among
    them.
    """
    rows = []
    for net, entered in by_net(league, experiments).items():
        twin = task_of(entered[TWIN], data, device)
        own = memory(twin)
        for row, experiment in entered.items():
            task = twin if row == TWIN else task_of(experiment, data, device)
            relative = memory(task) / own, 1.0 if task is twin else speed(task, twin)
            rows.append({"rule": row, "net": net, "memory": float(f"{relative[0]:.3g}"),
                         "speed": float(f"{relative[1]:.2g}")})  # fmt: skip
    return rows


def write_costs(
    league: Mapping, experiments: Sequence[Experiment], data: Path, device: str, into: Path
) -> None:
    """The costs of experiments of the league as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(costs(league, experiments, data, device))
    write_atomically(into, out.getvalue())
