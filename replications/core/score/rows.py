"""From a run directory to rows of the long table, and back."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from replications.core.base.files import write_json
from replications.core.run.runs import Run


def row(metric: str, value: float, *, layer: str = "", step: int) -> dict:
    """One score. Raises ValueError if it is not finite: no such number reaches a table."""
    if not math.isfinite(value):
        raise ValueError(f"{metric} {layer} at step {step} is {value}: this run has no score")
    return {"metric": metric, "layer": layer, "step": step, "value": value}


def curves(run: Run) -> list[dict]:
    """What was monitored in training."""
    with open(run.directory / "curves.csv", newline="") as file:
        return [
            row(r["metric"], float(r["value"]), layer=r["layer"], step=int(r["step"]))
            for r in csv.DictReader(file)
        ]


def snapshots(run: Run) -> dict[int, dict[str, Tensor]]:
    """Epoch -> parameters by name, in the order of the epochs, on the run's device."""
    kept: dict[int, dict[str, Tensor]] = {}
    for name, tensor in load_file(run.directory / "parameters.safetensors").items():
        epoch, parameter = name.split("/", 1)
        kept.setdefault(int(epoch), {})[parameter] = tensor.to(run.device)
    return dict(sorted(kept.items()))


def assign(parameters: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    """Overwrite `parameters` in place."""
    for name, tensor in parameters.items():
        tensor.copy_(values[name])


def write(run: Run, rows: Iterable[dict]) -> None:
    """scores.json: the rows, whose they are, and the hashes of what they come from."""
    trained = json.loads(Path(run.directory / "run.json").read_text())
    scores = {
        "paper": run.experiment.paper,
        "experiment": run.experiment.name,
        "run": run.index,
        "hashes": run.hashes,
        "train": {k: trained[k] for k in ("hashes", "device", "commit", "share", "seconds")},
        "rows": list(rows),
    }
    write_json(run.directory / "scores.json", scores)
