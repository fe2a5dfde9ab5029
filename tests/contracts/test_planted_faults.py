"""The regression check notices a flipped sign in every learning rule and model of the smoke tier.

They are found, not listed. One parameter's update is flipped, the experiment that costs least is
trained and scored (one run, less what only costs time), and its scores are compared with the
reference by twice the tolerances, as one run may move twice as far as the mean of two.
"""

from dataclasses import replace
from importlib import import_module

import pandas as pd
import pytest

from replications.core.base.provenance import REFERENCE
from replications.core.declare.expansion import merge
from replications.core.declare.papers import suite
from replications.core.report import tolerances
from replications.core.report.check import moved
from replications.core.report.tables import COLUMNS, long_table, read_table
from replications.core.run.runs import Run
from replications.core.steps import jobs
from replications.core.train.loop import Diverged

COSTLY = ("neighbours", "likelihood", "chains", "measures")
# Rules that change their network themselves: the setting whose sign is flipped instead.
OWN_CHANGES = {"UnsupervisedStdp": ("plasticity", "nu_post")}


def cheapest():
    """For every learning rule and model, the experiment of the smoke tier that costs least."""
    found = {}
    for paper in suite().papers.values():
        for e in paper.experiments("smoke"):
            if e.kind != "simulation":
                cost = e.minutes * e.share
                least = found.get(e.science)
                if least is None or cost < least.minutes * least.share:
                    found[e.science] = e
    return list(found.values())


def name_of(experiment):
    return f"{experiment.science[1]}-{experiment.name}"


def outcomes(experiment, tmp_path):
    """What the check says of each metric of the experiment's first run; None if it diverged."""
    evaluation = {k: v for k, v in experiment.resolved.get("evaluation", {}).items()
                  if k not in COSTLY}  # fmt: skip
    short = {"evaluation": evaluation} if evaluation else {}
    experiment = replace(experiment, resolved=experiment.resolved | short)
    hashes = {"code": "", "config": "", "data": ""}
    run = Run(experiment, "smoke", 0, tmp_path / "run", tmp_path / "data", hashes=hashes)
    with run.writing():
        try:
            jobs.train(run)
        except Diverged:
            return None
        jobs.score(run)
    fresh = long_table([tmp_path / "run" / "scores.json"], suite().papers)
    stored = read_table(REFERENCE / "smoke.csv")
    own = (stored["paper"] == experiment.paper) & (stored["experiment"] == experiment.name)
    keys = ["metric", "part", "step"]
    there = pd.MultiIndex.from_frame(stored[keys]).isin(pd.MultiIndex.from_frame(fresh[keys]))
    allowed = tolerances.read_tolerances(REFERENCE / "tolerances.csv")
    twice = {key: 2 * value for key, value in allowed.items()}
    found = moved(fresh, stored[own & (stored["run"] == 0) & there][COLUMNS], twice)
    return set(found["outcome"])


def flipped(original):
    """A rule's or model's `updates`, the first parameter's with the wrong sign."""

    def updates(self, *given):
        found, monitor = original(self, *given)
        first = next(iter(found))
        return found | {first: -found[first]}, monitor

    return updates


@pytest.mark.parametrize("experiment", cheapest(), ids=name_of)
def test_a_flipped_sign_is_caught(experiment, tmp_path, monkeypatch):
    module, name = experiment.science
    if name in OWN_CHANGES:
        section, key = OWN_CHANGES[name]
        flip = {section: {key: -experiment.resolved["settings"][section][key]}}
        resolved = merge(experiment.resolved, {"settings": flip})
        experiment = replace(experiment, resolved=resolved)
    else:
        science = getattr(import_module(module), name)
        monkeypatch.setattr(science, "updates", flipped(science.updates))
    found = outcomes(experiment, tmp_path)
    assert found is None or "moved" in found or "not finite" in found


@pytest.mark.parametrize("experiment", cheapest(), ids=name_of)
def test_without_the_fault_nothing_is_caught(experiment, tmp_path):
    assert outcomes(experiment, tmp_path) == {"ok"}
