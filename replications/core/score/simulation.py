"""Scores a simulation by the function of its name in the paper's scores.py."""

from __future__ import annotations

from importlib import import_module

from replications.core.run.runs import Run
from replications.core.score.rows import snapshots, write


def score(run: Run) -> None:
    """Write scores.json. Figures read the simulation's arrays where training left them."""
    arrays = {name: tensor.numpy() for name, tensor in snapshots(run)[0].items()}
    ((module, name),) = run.experiment.evaluated
    write(run, getattr(import_module(module), name)(arrays))
