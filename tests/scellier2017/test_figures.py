"""Figures of the learning rules, drawn of made-up scores in every tier."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import suite
from replications.core.report.plots import Drawn, budget_note
from replications.scellier2017 import figures

NAMES = (
    "learning_curves",
    "three_layers",
    "dead_outputs",
    "rules",
    "ablations",
    "other_networks",
    "alignment",
)


def drawn_of(name, tier):
    """Two runs of every experiment of a figure that the tier has; errors fall with the epoch."""
    paper = suite().paper("scellier2017")
    wanted = paper.figures[name]["experiments"]
    there = [e for e in paper.experiments(tier) if e.name in wanted]
    rows = []
    for number, experiment in enumerate(there):
        epochs = experiment.resolved["budget"]["epochs"]
        (network,) = experiment.resolved["network"].values()
        layers = [f"W{k}" for k in range(1, len(network["layers"]))]
        for run in (0, 1):
            base = {"experiment": experiment.name, "run": run}
            for metric in ("train_error", "validation_error", "dead_outputs", "resting_error"):
                rows += [
                    base | {"metric": metric, "part": "", "step": s, "value": 10 / s + number}
                    for s in range(1, epochs + 1)
                ]
            rows += [
                base | {"metric": metric, "part": layer, "step": s, "value": 0.5 + run / 10}
                for metric in ("cosine", "angle", "norm_ratio")
                for layer in layers
                for s in sorted({0, epochs // 2, epochs})
            ]
            rows.append(base | {"metric": "test_error", "part": "", "step": epochs, "value": 3.0})
    kept = {"epochs": np.arange(3), "pressure": np.zeros((3, 10, 3)), "bounds": [-2.0, 3.0]}
    return Drawn(paper, tier, pd.DataFrame(rows), {e.name: [kept, kept] for e in there}, Path())


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", NAMES)
def test_every_figure_can_be_drawn_in_every_tier(name, tier):
    drawn = drawn_of(name, tier)
    figure = getattr(figures, name)(drawn)
    figure.canvas.draw()
    assert any(axis.has_data() for axis in figure.axes)
    assert budget_note(drawn).startswith(f"{tier} tier")


def test_the_logs_of_others_stand_beside_the_papers_own_dataset_alone():
    for tier, there in (("smoke", 0), ("paper", 3)):
        (axis,) = figures.three_layers(drawn_of("three_layers", tier)).axes
        filled = [line for line in axis.lines if line.get_label() in figures.PUBLIC_LOGS]
        assert len(filled) == there
    assert [list(line.get_xdata()) for line in filled] == [[1, 2, 386], [1, 2, 150], [1, 2, 100]]


def test_ablations_are_shown_after_their_last_epochs_which_are_told():
    drawn = drawn_of("ablations", "standard")
    epochs = [e.resolved["budget"]["epochs"] for e in drawn.experiments]
    assert len(set(epochs)) > 1
    (axis,) = figures.ablations(drawn).axes
    for number, last in enumerate(epochs):
        trained, tested = axis.lines[number], axis.lines[number + 2 * len(epochs)]
        assert list(trained.get_xdata()) == [10 / last + number] * 2
        assert list(tested.get_xdata()) == [3.0, 3.0]
        assert axis.get_yticklabels()[number].get_text().endswith(f", epoch {last}")


def test_an_update_or_gradient_of_zero_is_a_gap_in_the_cosines():
    drawn = drawn_of("rules", "standard")
    name, s = next(iter(drawn.arrays)), drawn.scores
    last = drawn.of(name, "cosine")["step"].max()
    nowhere = (s["experiment"] == name) & (s["step"] == last) & (s["part"] == "W1")
    s.loc[nowhere & (s["metric"] == "norm_ratio") & (s["run"] == 1), "value"] = 0.0
    s.loc[nowhere & (s["metric"] == "cosine") & (s["run"] == 1), "value"] = 0.0
    axis = figures.rules(drawn).axes[2]
    assert np.isnan(axis.lines[1].get_ydata()[-1])  # a run a line, then their mean
    assert axis.lines[2].get_ydata()[-1] == 0.5


def test_alignment_can_be_drawn_where_nothing_points_anywhere():
    drawn = drawn_of("alignment", "paper")
    drawn.scores.loc[drawn.scores["metric"] == "norm_ratio", "value"] = 0.0
    figure = figures.alignment(drawn)
    figure.canvas.draw()
    below = figure.axes[-1]  # columns share their axis, whose labels stand below
    assert [tick.get_text() for tick in below.get_xticklabels()] == ["W1", "W2", "W3", "W4"]


def test_the_band_of_the_paper_stands_beside_its_own_dataset_alone():
    for tier, bands in (("smoke", 0), ("paper", 3)):
        figure = figures.learning_curves(drawn_of("learning_curves", tier))
        assert sum(len(axis.patches) for axis in figure.axes) == bands
