"""Figures drawn of made-up runs in every tier."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import suite
from replications.core.report.plots import Drawn
from replications.diehl2015 import figures


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn_of(name, tier, runs):
    """One run of every experiment of a figure but the last, which was not run."""
    paper = suite().paper("diehl2015")
    names = [e.name for e in paper.experiments(tier)]
    there = [e for e in paper.figures[name]["experiments"] if e in names]
    rows = [
        {"experiment": e, "run": 0, "metric": metric, "part": "", "step": step, "value": 20 / step}
        for e in there
        for metric in ("validation_error", "test_error", "spikes_per_image", "presentations")
        for step in (1, 2)
    ]
    generator = np.random.default_rng(0)
    for experiment in there:
        (runs / experiment / "0").mkdir(parents=True)
        tensors = {"W": (16, 6), "responses": (6, 3), "images": (3,)}
        save_file(
            {f"{epoch}/{n}": generator.random(s) + epoch for epoch in (0, 2, 10)
             for n, s in tensors.items()},
            runs / experiment / "0" / "parameters.safetensors",
        )  # fmt: skip
    arrays = {e: [{}] for e in there}
    if len(there) > 1:
        arrays[there[-1]] = []
    return Drawn(paper, tier, pd.DataFrame(rows), arrays, runs)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", ["receptive_fields", "errors"])
def test_every_figure_can_be_drawn_in_every_tier(name, tier, tmp_path):
    figure = getattr(figures, name)(drawn_of(name, tier, tmp_path))
    figure.canvas.draw()
    assert any(axis.has_data() for axis in figure.axes)


def test_parameters_are_those_after_the_last_epoch(tmp_path):
    drawn = drawn_of("receptive_fields", "smoke", tmp_path)
    learnt = drawn.parameters("excitatory_100")
    assert learnt["W"].min() >= 10
    assert learnt["2/W"].max() < 4


def test_a_mosaic_shows_each_neuron_once():
    rows = np.arange(1, 6)[:, None] * np.ones((5, 4))
    grid = figures.mosaic(rows)
    assert grid.shape == (6, 9)
    assert [int((grid == k).sum()) for k in range(1, 6)] == [4] * 5
    assert (grid[:2, 3:5] == 2).all()
