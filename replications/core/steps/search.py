"""Searches for the hyperparameters that a paper leaves unsaid, as a paper's `search.yaml` declares.

Random draws, thinned by stages (successive halving): every draw is trained at the first stage's
budget, the best of a stage go on to the next, which spends more. What is compared is the Parzen
log-likelihood of the validation images; no test image is ever read.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path

from replications.core.base.files import write_atomically, write_json
from replications.core.declare.searches import Search
from replications.core.run.runs import Run


def ranked(folder: Path, stage: int) -> list[dict]:
    """The trials of a stage, best first; what diverged comes last."""
    trials = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{stage}/*/trial.json"))]
    worst = -math.inf
    return sorted(trials, key=lambda t: (-(worst if t["value"] is None else t["value"]), t["draw"]))


def trial(search: Search, stage: int, rank: int, folder: Path, data: Path, device: str) -> None:
    """Train and score the draw that stands at `rank` after the stage before, into trial.json."""
    import torch

    from replications.core.train.loop import Diverged
    from replications.core.train.model import train

    index = ranked(folder, stage - 1)[rank]["draw"] if stage else rank
    values = search.draw(index)
    experiment = search.resolve(stage, values)
    run = Run(experiment, "paper", 0, folder / str(stage) / str(rank), data, device,
              torch.get_num_threads(), search.hashes(stage))  # fmt: skip
    with run.writing():
        try:
            train(run)
            scores = validation(run, search.declared)
        except Diverged:
            scores = dict.fromkeys(search.declared["samplers"], math.nan)
    kept = {name: nats if math.isfinite(nats) else None for name, nats in scores.items()}
    row = {"stage": stage, "draw": index, "value": kept[search.declared["maximise"]]}
    write_json(run.directory / "trial.json", row | {"scores": kept, "values": values})


def validation(run: Run, declared: Mapping) -> dict[str, float]:
    """Parzen log-likelihood of the validation images at sigma = 0.2 (nats), by sampler."""
    from replications.core.run.build import generative_model, generator, images_of
    from replications.core.score.estimators.parzen import parzen_log_likelihoods
    from replications.core.score.rows import assign, snapshots

    images = images_of(run).validation.inputs
    model = generative_model(run)
    *_, last = snapshots(run).values()
    assign(model.parameters | model.buffers, last)
    found = {}
    for sampler in declared["samplers"]:
        drawn = getattr(model, sampler)(declared["samples"], generator(run, "evaluation"))
        found[sampler] = round(float(parzen_log_likelihoods(images, drawn, [0.2]).mean()), 2)
    return found


def write_table(search: Search, folder: Path, into: Path) -> None:
    """One CSV of every trial: stage, draw, each sampler's score (nats), the drawn values."""
    trials = [t for stage in range(len(search.stages)) for t in ranked(folder, stage)]
    names = list(dict.fromkeys(path for t in trials for path in t["values"]))
    out = io.StringIO()
    writer = csv.DictWriter(out, ["stage", "draw", *search.declared["samplers"], *names],
                            lineterminator="\n")  # fmt: skip
    writer.writeheader()
    for t in trials:
        writer.writerow({"stage": t["stage"], "draw": t["draw"]} | t["scores"] | t["values"])
    write_atomically(into, out.getvalue())
