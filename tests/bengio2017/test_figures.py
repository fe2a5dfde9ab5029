"""Figures drawn of made-up runs in every tier."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from replications.bengio2017 import figures
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import suite
from replications.core.report.plots import Drawn


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", ["rules", "spikes"])
def test_every_figure_has_a_curve_for_every_experiment(name, tier):
    paper = suite().paper("bengio2017")
    there = {e.name for e in paper.experiments(tier)}
    names = [e for e in paper.figures[name]["experiments"] if e in there]
    metrics = [("train_error", ""), ("validation_error", ""), ("test_error", "")]
    metrics += [(metric, w) for metric in ("cosine", "norm_ratio") for w in ("W1", "W2")]
    rows = [
        {"experiment": e, "run": run, "metric": metric, "part": layer, "step": step, "value": 0.5}
        for e in names
        for metric, layer in metrics
        for step in (1, 2)
        for run in (0, 1)
    ]
    drawn = Drawn(paper, tier, pd.DataFrame(rows), {e: [{}, {}] for e in names}, Path())
    figure = getattr(figures, name)(drawn)
    figure.canvas.draw()
    assert len(figure.axes) == 4
    for axis in figure.axes:
        assert len(axis.lines) >= 3 * len(names)  # two runs and their mean
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [drawn.label(e) for e in names]
