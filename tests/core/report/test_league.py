"""The league's table: errors, gaps of the same runs, examples to a threshold, angles."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest

from replications.core.report import league
from replications.core.report.league import cells, examples_to, flat, in_markdown, lines

OBJECTIONS = {"transport": "it needs the weights"}
ANSWERS = {"transport": {"answered": "partly", "because": "signs"}}


def row(label, **more):
    return {"label": label, "phases": "forward", "answers": ANSWERS} | more


ROWS = {"backpropagation": row("back-propagation"), "mine": row("my rule"), "late": row("late"),
        "shy": row("shy", nets={"one": {"absent": "no room"}})}  # fmt: skip
FIELDS = {
    "m": {
        "label": "MNIST, 1 hidden",
        "net": "one",
        "tiers": {"standard": {}, "smoke": {"data": "digits"}},
    }
}
NAMES = ["experiment", "run", "metric", "part", "step", "value"]
COSTS = pd.DataFrame({"rule": ["mine"], "net": ["one"], "memory": [1.25], "speed": [0.5]})


def scored(experiment, errors, curve=(40.0, 8.0), angles=(80.0, 60.0, 30.0)):
    """The long table of runs with such test errors, validation curves and angles of W1."""
    for run, error in enumerate(errors):
        yield from ((experiment, run, "validation_error", "", k, v) for k, v in enumerate(curve, 1))
        yield from ((experiment, run, "angle", "W1", k, a) for k, a in enumerate(angles))
        yield (experiment, run, "test_error", "", 2, error)
        yield (experiment, run, "multiply_adds", "", 2, 2e6)


@pytest.fixture
def paper(monkeypatch, tmp_path):
    monkeypatch.setattr(league, "rows_of", lambda root: ROWS)
    experiments = [SimpleNamespace(name=f"{name}_m", resolved={"budget": {"examples": 1000}})
                   for name in ROWS]  # fmt: skip
    declared = {"league": {"fields": FIELDS, "objections": OBJECTIONS}}
    return SimpleNamespace(declared=declared, experiments=lambda tier: experiments,
                           path=tmp_path / "replications" / "league" / "paper.yaml")  # fmt: skip


@pytest.fixture
def found(paper):
    data = [*scored("backpropagation_m", [2.0, 3.0, 4.0]), *scored("mine_m", [3.0, 3.5, 4.9])]
    table = pd.DataFrame(data, columns=NAMES)
    return lines(table, paper, "standard", COSTS)


def test_rows_stand_in_the_order_of_their_errors_those_without_last(found):
    assert [line.name for line in found] == ["backpropagation", "mine", "late", "shy"]


def test_gaps_are_those_of_the_same_runs(found):
    assert found[1].gaps == pytest.approx([1.0, 0.5, 0.9])
    # t of 2 degrees of freedom is 4.303: 0.8 -/+ 4.303 * 0.2646 / sqrt(3)
    assert cells(found[1], ["transport"])["behind back-propagation"] == "0.8 (0.143 to 1.46)"


def test_a_line_is_told_in_words(found):
    told = cells(found[1], ["transport"])
    assert told["rule"] == "my rule" and told["transport"] == "partly"
    assert told["angle (deg), start / half / end"] == "W1 80 / 60 / 30"
    assert (told["speed"], told["memory"], told["multiply-adds"]) == ("0.5", "1.2", "2 M")


def test_no_cell_is_empty(found, paper):
    for line in found:
        assert all(cells(line, ["transport"]).values())
    assert cells(found[2], [])["test error (%)"] == "not run"
    assert cells(found[3], [])["test error (%)"] == "cannot run here: no room"
    assert in_markdown(found, paper, "standard").count("| –") >= 2


def test_a_heading_tells_of_data_that_stand_in(found, paper):
    assert in_markdown(found, paper, "standard").startswith("### MNIST, 1 hidden layers\n")
    assert "hidden layers (digits and smaller" in in_markdown(found, paper, "smoke")


def test_examples_are_interpolated_in_the_logarithm():
    experiment = SimpleNamespace(resolved={"budget": {"examples": 1000}})
    table = pd.DataFrame(scored("x", [1.0], curve=(20.0, 5.0)), columns=NAMES)
    assert examples_to(10, table, experiment) == pytest.approx(1500)  # half way from 20 to 5
    assert examples_to(5, table, experiment) == pytest.approx(2000)
    assert examples_to(3, table, experiment) is None
    first = 1000 * math.log(90 / 30) / math.log(90 / 20)
    assert examples_to(30, table, experiment) == pytest.approx(first)


def test_the_csv_has_numbers(found):
    line = flat(found[1], ["transport"])
    assert line["test_error"] == pytest.approx(3.8)
    assert line["angles"] == "W1, start 80.0; W1, half 60.0; W1, end 30.0"
    assert (line["runs"], line["answers_transport"]) == (3, "partly")
