"""What a figure says about the experiments that it draws."""

from pathlib import Path

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from replications.core.declare.papers import Suite, suite
from replications.core.report import plots
from replications.core.report.plots import (
    COLUMN,
    PALETTE,
    STYLE,
    Drawn,
    beside,
    budget_note,
    by_epoch,
    colors,
    figures,
    sign,
    width,
)
from replications.core.report.tables import COLUMNS
from tests.core.report.drawing import SMALLEST, flaws


@pytest.fixture
def drawn():
    """A function: what is drawn of some experiments of a paper in a tier; two runs, no scores."""

    def of(tier, *names):
        scores = pd.DataFrame({"experiment": [*names, *names], "run": [0, 1] * len(names)})
        return Drawn(
            suite().paper("bengio2015"), tier, scores, {name: [{}, {}] for name in names}, Path()
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
    part = Drawn(suite().paper("scellier2017"), "paper", scores, names, Path())
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


# Colours and sizes


@pytest.mark.parametrize("name", suite().names)
def test_experiments_of_a_figure_have_colours_of_their_own_while_there_are_enough(name):
    paper, found = suite().paper(name), colors(name)
    assert set(found) == {e.name for e in paper.experiments("paper")}
    assert set(found.values()) <= {f"C{i}" for i in range(PALETTE)}
    for experiment, color in found.items():
        others = beside(paper, experiment)
        if len({found[other] for other in others}) < PALETTE and len(others) < PALETTE:
            assert color not in {found[other] for other in others}


def test_a_rule_has_the_colour_that_it_has_in_its_own_paper():
    lender, borrower = suite().paper("scellier2017"), suite().paper("bengio2017")
    rules = {e.science: e.name for e in reversed(lender.experiments("paper"))}
    borrowed = [e for e in borrower.experiments("paper") if e.science in rules]
    first = borrowed[0]
    assert colors("bengio2017")[first.name] == colors("scellier2017")[rules[first.science]]


@pytest.fixture
def styled():
    with plt.style.context(STYLE):
        yield
    plt.close("all")


def test_a_note_stands_below_a_figure_and_nothing_is_cut(styled):
    figure, axis = plt.subplots(figsize=(width(1), 2))
    axis.plot([0, 1], [0, 1e4])
    axis.set(xlabel="time (s)", ylabel="rate (Hz)", title="a title")
    sign(figure, "smoke tier")
    assert flaws(figure) == [] and width(1) == COLUMN < width(2)
    note = figure.texts[0].get_window_extent()
    assert note.y1 <= axis.get_tightbbox().y0


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (lambda f, a: f.set_size_inches(5, 2), "5.0 in wide"),
        (lambda f, a: f.set_size_inches(COLUMN, 12), "12.0 in tall"),
        (lambda f, a: a.set_title("a title that is far too long for a column of a journal " * 2),
         "is cut off"),
        (lambda f, a: a.set_xlabel("small", fontsize=SMALLEST - 1), "'small' at 5"),
    ],
)  # fmt: skip
def test_flaws_of_figures_are_noticed(styled, fault, told):
    figure, axis = plt.subplots(figsize=(COLUMN, 2))
    fault(figure, axis)
    assert any(told in flaw for flaw in flaws(figure))


# What is not there


@pytest.fixture
def nothing(tmp_path):
    """A function: a folder of a paper's results in which only one experiment has scores."""

    def of(paper, kept=()):
        scores = pd.DataFrame([dict.fromkeys(COLUMNS, "") | {"experiment": e} for e in kept],
                              columns=COLUMNS)  # fmt: skip
        folder = tmp_path / "papers" / paper
        folder.mkdir(parents=True)
        scores.to_parquet(folder / "scores.parquet")
        return tmp_path

    return of


def words(figure):
    return " ".join(text.get_text() for text in figure.texts)


def test_a_figure_without_runs_says_which_it_waits_for(nothing, styled):
    paper = suite().paper("xie2000")
    ((name, figure),) = figures(nothing("xie2000"), paper, "smoke", ["drift"])
    assert name == "drift" and words(figure) == "smoke tier:\nno run of drift ended well"
    assert flaws(figure) == []


def test_a_figure_that_the_tier_has_not_says_so(nothing, styled):
    paper = Suite().paper("scellier2017")  # of its own, to change
    paper.figures["left_out"] = {"caption": "", "experiments": ["mnist_1h_shuffled"]}
    ((_, figure),) = figures(nothing("scellier2017"), paper, "smoke", ["left_out"])
    assert words(figure) == "smoke tier:\nnot in this tier"


def test_a_figure_of_simulations_waits_for_all_of_them(nothing, styled, monkeypatch):
    monkeypatch.setattr(plots, "read_arrays", lambda *place: {})
    folder = nothing("bengio2015", kept=["stdp_spread"])
    ((_, figure),) = figures(folder, suite().paper("bengio2015"), "paper", ["stdp"])
    assert "no run of stdp_fixed_gap, stdp_spread_by_slope ended well" in words(figure)


def test_all_figures_are_drawn_or_say_why(nothing, styled):
    paper = suite().paper("bengio2015")
    found = dict(figures(nothing("bengio2015"), paper, "standard"))
    assert list(found) == list(paper.figures)
