"""Scores a simulation by the function of its name in the paper's scores.py."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from replications.core.run.runs import Run
from replications.core.score.rows import snapshots, write


def score(run: Run) -> None:
    """Write scores.json, and arrays.npz: the simulation's arrays as they are."""
    arrays = {name: tensor.numpy() for name, tensor in snapshots(run)[0].items()}
    ((module, name),) = run.experiment.evaluated
    np.savez(run.directory / "arrays.npz", **arrays)
    write(run, getattr(import_module(module), name)(arrays))
