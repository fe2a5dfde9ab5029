"""What a figure says about the experiments that it draws."""

from pathlib import Path

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from replications.core.declare.papers import Suite
from replications.core.report.plots import Drawn, budget_note, by_epoch


@pytest.fixture
def drawn():
    """A function: what is drawn of some experiments of a paper in a tier; two runs, no scores."""

    def of(tier, *names):
        scores = pd.DataFrame({"experiment": [*names, *names], "run": [0, 1] * len(names)})
        return Drawn(
            Suite().papers["bengio2015"], tier, scores, {name: [{}, {}] for name in names}, Path()
        )

    return of


def test_an_experiment_is_called_what_it_says_and_a_smaller_network_is_marked(drawn):
    names = ("generative_adversarial_network", "restricted_boltzmann_machine")
    reduced, full = drawn("standard", *names), drawn("paper", *names)
    assert [reduced.label(name) for name in names] == ["GAN (smaller network)", "RBM"]
    assert [full.label(name) for name in names] == ["GAN", "RBM"]


def test_the_foot_tells_tier_data_runs_shares_and_what_is_reduced(drawn):
    names = ("deep_generative_model", "restricted_boltzmann_machine")
    assert budget_note(drawn("paper", *names)) == ("paper tier on mnist, 2 runs, the full budget")
    shares = [e.share_text for e in drawn("standard", *names).experiments]
    assert budget_note(drawn("standard", *names)) == (
        f"standard tier on mnist, 2 runs, {shares[0]} to {shares[1]} of the full budget, "
        "1,000 samples"
    )
    assert budget_note(drawn("paper", "stdp_spread")) == ("paper tier, 2 runs, the full budget")


def test_the_foot_of_runs_of_different_shares_names_both_ends(drawn):
    scores = drawn("paper", "stdp_spread").scores
    names = {"mnist_1h": [{}], "mnist_2h_alternating": [{}]}
    part = Drawn(Suite().papers["scellier2017"], "paper", scores, names, Path())
    assert budget_note(part) == "paper tier on mnist, 2 runs, 33% to all of the full budget"


@pytest.mark.parametrize("epochs", [[1], [1, 2], [1, 2, 3, 4], list(range(1, 26))])
def test_epochs_are_whole(epochs):
    figure, axis = plt.subplots()
    axis.plot(epochs, epochs, "o-")
    by_epoch(axis)
    figure.canvas.draw()
    ticks = [t for t in axis.get_xticks() if axis.get_xlim()[0] <= t <= axis.get_xlim()[1]]
    assert ticks and all(t == int(t) for t in ticks) and axis.get_xlabel() == "epoch"
    plt.close(figure)
