"""Runs a simulation: the step behind every `simulation` experiment."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import torch

from replications.core.run.build import generator
from replications.core.run.runs import Run
from replications.core.train.loop import Progress, finish


class Simulation(Protocol):
    """A function of a paper's simulation.py: its arrays by name, of settings and a budget."""

    def __call__(
        self, *, generator: torch.Generator, **settings: Any
    ) -> Mapping[str, np.ndarray]: ...


def train(run: Run) -> None:
    """Compute a simulation's arrays from its settings, its budget and the run's noise seed."""
    run.forget()
    started = time.monotonic()
    module, name = run.experiment.science
    resolved = run.experiment.resolved
    simulation: Simulation = getattr(import_module(module), name)
    arrays = simulation(
        generator=generator(run, "noise"),
        **resolved["settings"],
        **resolved["budget"],
    )
    progress = Progress()
    progress.snapshots = {f"0/{key}": torch.from_numpy(array) for key, array in arrays.items()}
    progress.seconds = time.monotonic() - started
    finish(run, progress)
