"""From a run directory to scores, and back."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict

from safetensors.torch import load_file
from torch import Tensor

from replications.core.base.files import read_json, write_json
from replications.core.base.scores import Score
from replications.core.run.runs import Run, digests


def curves(run: Run) -> list[Score]:
    """What was monitored in training."""
    with open(run.directory / "curves.csv", encoding="utf-8", newline="") as file:
        return [
            Score(r["metric"], float(r["value"]), r["part"], int(r["step"]))
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


def write(run: Run, scores: Iterable[Score]) -> None:
    """scores.json: a row for each score, whose they are, and the hashes of what they come from.

    Written last: what else scoring keeps is told by its SHA-256.
    """
    trained = read_json(run.directory / "run.json")
    content = {
        "paper": run.experiment.paper,
        "experiment": run.experiment.name,
        "run": run.index,
        "hashes": run.hashes,
        "files": digests(run.directory, ["arrays.npz"]),
        "train": {k: trained[k] for k in ("hashes", "device", "commit", "share", "seconds")},
        "rows": [asdict(score) for score in scores],
    }
    write_json(run.directory / "scores.json", content)
