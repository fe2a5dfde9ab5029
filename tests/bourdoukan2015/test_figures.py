"""Figures drawn of short runs in every tier."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch

from replications.bourdoukan2015 import figures, simulation
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import suite
from replications.core.report.plots import Drawn

PAPER = suite().paper("bourdoukan2015")


@pytest.fixture(scope="module")
def arrays():
    """One run of each experiment: its own settings, two epochs, a short test."""
    found = {}
    for experiment in PAPER.experiments("smoke"):
        settings = experiment.resolved["settings"] | {"test_seconds": 1, "epochs": 2}
        found[experiment.name] = [
            simulation.learning(generator=torch.Generator().manual_seed(1), **settings)
        ]
    return found


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", list(PAPER.figures))
def test_every_figure_can_be_drawn_of_the_declared_conditions(name, tier, arrays):
    names = PAPER.figures[name]["experiments"]
    drawn = Drawn(PAPER, tier, pd.DataFrame(), {e: arrays[e] for e in names}, Path())
    figure = getattr(figures, name)(drawn)
    figure.canvas.draw()
    assert all(axis.has_data() for axis in figure.axes)
    plt.close(figure)
