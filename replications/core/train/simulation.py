"""Runs a simulation: the step behind every `simulation` experiment."""

from __future__ import annotations

import time
from importlib import import_module

import torch

from replications.core.run.build import generator
from replications.core.run.runs import Run
from replications.core.train.loop import Progress, finish


def train(run: Run) -> None:
    """Compute a simulation's arrays from its settings, its budget and the run's noise seed."""
    run.forget()
    started = time.time()
    module, name = run.experiment.science
    resolved = run.experiment.resolved
    arrays = getattr(import_module(module), name)(
        generator=generator(run, "noise"),
        **resolved["settings"],
        **resolved["budget"],
    )
    progress = Progress()
    progress.snapshots = {f"0/{key}": torch.from_numpy(array) for key, array in arrays.items()}
    progress.seconds = time.time() - started
    finish(run, progress)
