"""Faults that are planted into the science, and what the regression check says of each.

    python -m tests.faults.planted      plants all of them, and writes planted.csv beside this file

One experiment is trained and scored for every learning rule and model: the one of the smoke tier
that costs least, one run, less what only costs time. Its scores are compared with the reference by
twice the tolerances, as one run may move twice as far as the mean of two.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
import torch

from replications.core.base.provenance import REFERENCE
from replications.core.data.datasets import Images, Split
from replications.core.declare.expansion import merge
from replications.core.declare.experiments import Experiment
from replications.core.declare.papers import suite
from replications.core.report import tolerances
from replications.core.report.check import moved
from replications.core.report.tables import COLUMNS, long_table, read_table
from replications.core.run import build
from replications.core.run.runs import Run
from replications.core.steps import jobs
from replications.core.train.loop import Diverged

TABLE = Path(__file__).with_name("planted.csv")
COSTLY = ("neighbours", "likelihood", "chains", "measures")
# Rules that change their network themselves: the setting whose sign is flipped instead.
OWN_CHANGES = {"UnsupervisedStdp": ("plasticity", "nu_post")}
BIAS = re.compile(r"(bias\d*|\b[bcd]\d*)$")  # the names of biases: b1, hidden_bias, bias0
NOISES = {"sigma", "noise", "noise_scale", "input_noise", "hidden_noise", "corruption"}


def cheapest() -> dict[str, Experiment]:
    """For every learning rule and model, the experiment of the smoke tier that costs least."""
    found: dict[tuple[str, str], Experiment] = {}
    for paper in suite().papers.values():
        for e in paper.experiments("smoke"):
            if e.kind != "simulation":
                least = found.get(e.science, e)
                cheaper = e.minutes * e.share < least.minutes * least.share
                found[e.science] = e if cheaper else least
    return {f"{e.science[1]}-{e.name}": e for e in found.values()}


def outcomes(experiment: Experiment, folder: Path) -> set[str]:
    """What the check says of the metrics of the experiment's first run, or that it diverged."""
    evaluation = {key: value for key, value in experiment.resolved.get("evaluation", {}).items()
                  if key not in COSTLY}  # fmt: skip
    short = {"evaluation": evaluation} if evaluation else {}
    experiment = replace(experiment, resolved=experiment.resolved | short)
    hashes = {"code": "", "config": "", "data": ""}
    run = Run(experiment, "smoke", 0, folder / "run", folder / "data", hashes=hashes)
    with run.writing():
        try:
            jobs.train(run)
        except Diverged:
            return {"diverged"}
        jobs.score(run)
    fresh = long_table([folder / "run" / "scores.json"], suite().papers)
    stored = read_table(REFERENCE / "smoke.csv")
    own = (stored["paper"] == experiment.paper) & (stored["experiment"] == experiment.name)
    keys = ["metric", "part", "step"]
    there = pd.MultiIndex.from_frame(stored[keys]).isin(pd.MultiIndex.from_frame(fresh[keys]))
    allowed = tolerances.read_tolerances(REFERENCE / "tolerances.csv")
    twice = {key: 2 * value for key, value in allowed.items()}
    found = moved(fresh, stored[own & (stored["run"] == 0) & there][COLUMNS], twice)
    return set(found["outcome"])


# The faults: each alters the science for a while, or the experiment, which it returns; None where
# there is nothing that it could alter.

Fault = Callable[[Experiment, pytest.MonkeyPatch], Experiment | None]


def flipped_sign(e: Experiment, patch: pytest.MonkeyPatch) -> Experiment:
    """The update of the first parameter has the wrong sign."""
    if e.science[1] in OWN_CHANGES:
        section, key = OWN_CHANGES[e.science[1]]
        flip = {section: {key: -e.resolved["settings"][section][key]}}
        return replace(e, resolved=merge(e.resolved, {"settings": flip}))
    return altered_updates(e, patch, lambda found: {next(iter(found)): -1.0})


def dropped_bias(e: Experiment, patch: pytest.MonkeyPatch) -> Experiment | None:
    """Biases are not learnt."""
    if e.science[1] in OWN_CHANGES:
        return None

    def factors(found: dict) -> dict[str, float]:
        return {name: 0.0 for name in found if BIAS.search(name)}

    return altered_updates(e, patch, factors)


def altered_updates(
    e: Experiment, patch: pytest.MonkeyPatch, factors: Callable[[dict], dict[str, float]]
) -> Experiment:
    """The experiment, whose science gives updates times some factors."""
    module, name = e.science
    science = getattr(import_module(module), name)
    original = science.updates

    def updates(self, *given):
        found, monitor = original(self, *given)
        return found | {k: factor * found[k] for k, factor in factors(found).items()}, monitor

    patch.setattr(science, "updates", updates)
    return e


def larger_rates(e: Experiment, patch: pytest.MonkeyPatch) -> Experiment:
    """Learning rates are three times as large."""
    rates = e.resolved["training"]["learning_rates"]
    return replace(e, resolved=merge(e.resolved, {
        "training": {"learning_rates": {name: 3 * rate for name, rate in rates.items()}}
    }))  # fmt: skip


def larger_noise(e: Experiment, patch: pytest.MonkeyPatch) -> Experiment | None:
    """Standard deviations of noise, and shares of what is corrupted, are half as large again."""
    own = e.resolved["settings"]
    noisy = {key: 1.5 * own[key] for key in NOISES & own.keys() if own[key]}
    return replace(e, resolved=merge(e.resolved, {"settings": noisy})) if noisy else None


def shuffled_labels(e: Experiment, patch: pytest.MonkeyPatch) -> Experiment | None:
    """Training images have the labels of others."""
    if e.kind == "model":
        return None

    def shuffled(images: Images) -> Images:
        order = torch.randperm(len(images.train), generator=torch.Generator().manual_seed(0))
        labels = images.train.labels[order]
        return replace(images, train=replace(images.train, labels=labels))

    return altered_images(e, patch, shuffled)


def swapped_splits(e: Experiment, patch: pytest.MonkeyPatch) -> Experiment:
    """Test images are trained on, as often as makes as many, and training images are the test."""

    def swapped(images: Images) -> Images:
        rows = torch.arange(len(images.train)) % len(images.test)
        train = Split(images.test.inputs[rows], images.test.labels[rows])
        return replace(images, train=train, test=images.train.first(len(images.test)))

    return altered_images(e, patch, swapped)


def altered_images(
    e: Experiment, patch: pytest.MonkeyPatch, alter: Callable[[Images], Images]
) -> Experiment:
    """The experiment, whose images are loaded otherwise."""
    original = build.load
    patch.setattr(build, "load", lambda *given: alter(original(*given)))
    return e


FAULTS: dict[str, Fault] = {
    "a flipped sign": flipped_sign,
    "no bias learns": dropped_bias,
    "rates three times as large": larger_rates,
    "noise half as large again": larger_noise,
    "shuffled labels": shuffled_labels,
    "training and test images swapped": swapped_splits,
}
CAUGHT = {"moved", "not finite", "diverged", "missing"}


def planted(fault: Fault, e: Experiment) -> str:
    """ "caught", "survived", or "nothing to alter" """
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder, torch.no_grad():
        altered = fault(e, patch)
        if altered is None:
            return "nothing to alter"
        return "caught" if outcomes(altered, Path(folder)) & CAUGHT else "survived"


def rows() -> Iterator[tuple[str, str, str]]:
    """Every fault in every rule and model, and what the check said of it."""
    for name, e in cheapest().items():
        for what, fault in FAULTS.items():
            yield name, what, planted(fault, e)
            print(name, what, flush=True)


if __name__ == "__main__":
    with open(TABLE, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["experiment", "fault", "outcome"])
        writer.writerows(rows())
