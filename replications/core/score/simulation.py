"""Scores a simulation by the `score` function beside it."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from replications.core.run.runs import Run
from replications.core.score.rows import row, snapshots, write


def score(run: Run) -> None:
    """Write scores.json, and arrays.npz: the simulation's arrays as they are."""
    arrays = {name: tensor.numpy() for name, tensor in snapshots(run)[0].items()}
    rows = import_module(run.experiment.science[0]).score(arrays)
    np.savez(run.directory / "arrays.npz", **arrays)
    write(run, [row(r["metric"], r["value"], layer=r["layer"], step=0) for r in rows])
