"""Findings: sentences whose numbers come from the reference, and what is said of bad input."""

import pandas as pd
import pytest
import yaml

from replications.core.declare.papers import suite
from replications.core.declare.schema import DeclarationError
from replications.core.report.findings import Findings, with_unit
from replications.core.report.tables import COLUMNS, as_csv

CONTINUOUS = {"experiment": "mnist_continuous", "metric": "test_error"}
BACKPROPAGATION = {"experiment": "mnist_backpropagation", "metric": "test_error"}
STORED = {
    "standard": [
        ("mnist_continuous", 0, "test_error", 2, 9.0),
        ("mnist_backpropagation", 0, "test_error", 2, 3.0),
        ("mnist_backpropagation", 1, "test_error", 2, 4.0),
    ],
    "paper": [
        ("mnist_continuous", 0, "test_error", 100, 1.93),
        ("mnist_continuous", 1, "test_error", 100, 1.95),
        ("mnist_continuous", 2, "test_error", 50, 7.0),
        ("mnist_continuous", 2, "test_error", 100, 1.97),
    ],
}


def found(folder, *, says, numbers, paper="lee2015"):
    """Findings of one sentence, read from a file, with a reference of its own."""
    for tier, rows in STORED.items():
        table = pd.DataFrame([{"paper": "lee2015", "experiment": e, "run": r, "metric": m,
                               "part": "", "step": s, "value": v} for e, r, m, s, v in rows],
                             columns=COLUMNS)  # fmt: skip
        (folder / f"{tier}.csv").write_text(as_csv(table))
    path = folder / "docs" / "findings.yaml"
    path.parent.mkdir()
    row = CONTINUOUS | {"label": "ours"}
    panel = {"paper": "lee2015", "title": "t", "axis": "a", "rows": [row]}
    declared = {"findings": [{"paper": paper, "says": says, "numbers": numbers}], "figure": [panel]}
    path.write_text(yaml.safe_dump(declared))
    return Findings(path, suite().papers, folder)


@pytest.mark.parametrize(
    ("numbers", "unit", "text"),
    [
        ([3.816], "%", "3.82%"),
        ([0.02236], "%", "0.0224%"),
        ([1035.07], "nats", "1,035 nats"),
        ([-5.095], "nats", "-5.09 nats"),
        ([2.0, 3.0], "%", "2 to 3%"),
        ([236, 236], "nats", "236 nats"),
        ([0.96501], "", "0.965"),
    ],
)
def test_a_number_has_three_digits_and_its_unit(numbers, unit, text):
    assert with_unit(numbers, unit) == text


def test_a_sentence_has_the_mean_of_the_last_step_of_the_largest_tier_and_says_which(tmp_path):
    text = found(tmp_path, says="Ours has {ours}.", numbers={"ours": CONTINUOUS}).sentences()
    page = "[Lee et al. 2015](replications/lee2015/README.md)"
    assert text == f"1. Ours has 1.95%. ({page}; 3 runs, paper tier, full)"


def test_of_several_numbers_it_says_the_smallest_tier_and_share(tmp_path):
    numbers = {"a": CONTINUOUS, "b": BACKPROPAGATION}
    text = found(tmp_path, says="{a}, {b}", numbers=numbers).sentences()
    (experiment,) = (e for e in suite().paper("lee2015").experiments("standard")
                     if e.name == "mnist_backpropagation")  # fmt: skip
    assert "1.95%, 3.5% (" in text
    assert text.endswith(f"; 2 to 3 runs, standard tier, {experiment.share_text})")


def test_a_papers_value_comes_from_its_claim_with_a_dagger_if_it_is_recalled(tmp_path):
    (claim, *_) = (c for c in suite().paper("lee2015").claims if "value" in c.declared)
    assert claim.declared["standing"] == "recalled"
    numbers = {"ours": CONTINUOUS, "theirs": {"claim": claim.name}}
    text = found(tmp_path, says="{ours} {theirs}", numbers=numbers).sentences()
    assert f"1.95% {claim.declared['value']['mean']:g}%†" in text


def test_a_row_of_the_figure_has_every_run(tmp_path):
    (row,) = found(tmp_path, says="{a}", numbers={"a": CONTINUOUS}).rows()
    assert row.ours.tolist() == [1.93, 1.95, 1.97] and row.theirs is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"paper": "lee2016"}, "findings.0: unknown paper 'lee2016'; there is 'lee2015'"),
        (
            {"numbers": {"a": CONTINUOUS | {"experiment": "mnist_continous"}}},
            "unknown experiment 'mnist_continous'; there is 'mnist_continuous'",
        ),
        (
            {"numbers": {"a": CONTINUOUS | {"metric": "test_errors"}}},
            "unknown metric 'test_errors'; there is 'test_error'",
        ),
        (
            {"numbers": {"a": CONTINUOUS | {"part": "W1"}}},
            "unknown part of test_error 'W1'; there is ''",
        ),
        (
            {"numbers": {"a": CONTINUOUS | {"metric": "train_error"}}},
            "results/reference/ has no train_error of lee2015 mnist_continuous: run it and store "
            "it (make reference PAPER=lee2015 TIER=...), or take it out of this file",
        ),
        ({"numbers": {"a": {"claim": "nothing"}}}, "unknown claim with a value 'nothing'"),
        ({"says": "{a} {b}"}, "`says` and `numbers` do not name the same: b"),
        ({"says": "none"}, "`says` and `numbers` do not name the same: a"),
    ],
)
def test_bad_input_says_what_to_do(given, said, tmp_path):
    good = {"says": "{a}", "numbers": {"a": CONTINUOUS}}
    with pytest.raises(DeclarationError) as error:
        found(tmp_path, **good | given).sentences()
    assert said in str(error.value)


def test_a_key_that_there_is_not_is_refused_by_the_schema(tmp_path):
    with pytest.raises(DeclarationError, match=r"findings.0.numbers.a: .*"):
        found(tmp_path, says="{a}", numbers={"a": CONTINUOUS | {"mean": 3}})
