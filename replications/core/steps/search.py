"""Searches for the hyperparameters that a paper leaves unsaid, as a paper's `search.yaml` declares.

Random draws, thinned by stages (successive halving): every draw is trained at the first stage's
budget, the best of a stage go on to the next, which spends more. What is compared is of the
validation images: a model's Parzen log-likelihood, a learning rule's error. No test image is ever
read.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from replications.core.base.files import made_again, read_json, write_atomically, write_json
from replications.core.base.provenance import PACKAGE
from replications.core.declare.searches import ERROR, Search
from replications.core.run.runs import Run


def ranked(folder: Path, stage: int) -> list[dict]:
    """The trials of a stage, best first; what diverged comes last."""
    trials = []
    for path in sorted(folder.glob(f"{stage}/*/trial.json")):
        with made_again(path):
            trials.append(read_json(path))
    worst = -math.inf
    return sorted(trials, key=lambda t: (-(worst if t["value"] is None else t["value"]), t["draw"]))


def trial(search: Search, stage: int, rank: int, folder: Path, data: Path, device: str) -> None:
    """Train and score the draw that stands at `rank` after the stage before, into trial.json."""
    import torch

    from replications.core.train.loop import Diverged

    index = ranked(folder, stage - 1)[rank]["draw"] if stage else rank
    values = search.draw(index)
    experiment = search.resolve(stage, values)
    run = Run(experiment, "paper", 0, folder / str(stage) / str(rank), data, device,
              torch.get_num_threads(), search.hashes(stage))  # fmt: skip
    with run.writing():
        try:
            import_module(f"{PACKAGE}.core.train.{experiment.kind}").train(run)
            scores = validation(run, search.declared)
        except Diverged:
            scores = dict.fromkeys(search.scores, math.nan)
    kept = {name: score if math.isfinite(score) else None for name, score in scores.items()}
    row = {"stage": stage, "draw": index, "value": search.value(kept)}
    write_json(run.directory / "trial.json", row | {"scores": kept, "values": values})


def validation(run: Run, declared: Mapping) -> dict[str, float]:
    """By sampler the Parzen log-likelihood of the validation images at sigma = 0.2 (nats).

    Of a learning rule their error after the last epoch (percent).
    """
    from replications.core.score.rows import curves

    if run.experiment.kind == "learning_rule":
        errors = [s for s in curves(run) if s.metric == ERROR]
        return {ERROR: max(errors, key=lambda score: score.step).value}
    return likelihoods(run, declared)


def likelihoods(run: Run, declared: Mapping) -> dict[str, float]:
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
    """One CSV of every trial: stage, draw, what it scored (nats or percent), the drawn values."""
    trials = [t for stage in range(len(search.stages)) for t in ranked(folder, stage)]
    names = list(dict.fromkeys(path for t in trials for path in t["values"]))
    out = io.StringIO()
    writer = csv.DictWriter(out, ["stage", "draw", *search.scores, *names],
                            lineterminator="\n")  # fmt: skip
    writer.writeheader()
    for t in trials:
        writer.writerow({"stage": t["stage"], "draw": t["draw"]} | t["scores"] | t["values"])
    write_atomically(into, out.getvalue())
