"""Verdicts by the printed rule, case by case."""

from types import SimpleNamespace

import pandas as pd
import pytest

from replications.core.base.carried import EXACT, WITHIN, Carried, Line
from replications.core.declare.papers import Claim
from replications.core.report.compare import (
    RULE,
    VERDICTS,
    Final,
    compare,
    counted,
    heading,
    loosely_carried,
)
from replications.core.report.statistics import t_interval
from replications.core.report.tables import last
from tests.core.report.claims import (
    DIGITS,
    FULL,
    HIGHER,
    LOWER,
    NEITHER,
    REDUCED,
    papers_with,
    predicate,
    table,
    value_claim,
    verdict_of,
)

# Numbers

RANGE = {"low": 2.0, "high": 3.0}
VALUES = [  # metric, the paper's value, tolerance, ours, and by how much ours differs
    # lower is better
    ("reproduced", LOWER, 2.0, 0.5, 2.0, 0.0),
    ("reproduced", LOWER, 2.0, 0.5, 2.25, 0.25),
    ("reproduced", LOWER, 2.0, 0.5, 2.5, 0.5),  # exactly the tolerance
    ("partial", LOWER, 2.0, 0.5, 2.5625, 0.5625),
    ("partial", LOWER, 2.0, 0.5, 3.5, 1.5),  # exactly three
    ("not reproduced", LOWER, 2.0, 0.5, 3.5625, 1.5625),
    ("reproduced", LOWER, 2.0, 0.5, 0.0, -2.0),  # better than the paper, by any distance
    # higher is better
    ("reproduced", HIGHER, 236.0, 4.0, 232.0, -4.0),
    ("partial", HIGHER, 236.0, 4.0, 231.5, -4.5),
    ("partial", HIGHER, 236.0, 4.0, 224.0, -12.0),
    ("not reproduced", HIGHER, 236.0, 4.0, 223.5, -12.5),
    ("reproduced", HIGHER, 236.0, 4.0, 900.0, 664.0),
    # neither is better
    ("reproduced", NEITHER, 16.0, 2.0, 18.0, 2.0),
    ("reproduced", NEITHER, 16.0, 2.0, 14.0, -2.0),
    ("partial", NEITHER, 16.0, 2.0, 13.5, -2.5),
    ("partial", NEITHER, 16.0, 2.0, 22.0, 6.0),
    ("not reproduced", NEITHER, 16.0, 2.0, 22.5, 6.5),
    ("not reproduced", NEITHER, 16.0, 2.0, 9.5, -6.5),
    # a range: its nearer end counts
    ("reproduced", LOWER, RANGE, 0.25, 2.5, 0.0),
    ("reproduced", LOWER, RANGE, 0.25, 2.0, 0.0),
    ("reproduced", LOWER, RANGE, 0.25, 3.0, 0.0),
    ("reproduced", LOWER, RANGE, 0.25, 3.25, 0.25),
    ("partial", LOWER, RANGE, 0.25, 3.75, 0.75),
    ("not reproduced", LOWER, RANGE, 0.25, 3.875, 0.875),
    ("reproduced", LOWER, RANGE, 0.25, 0.5, -1.5),
    ("reproduced", HIGHER, RANGE, 0.25, 9.0, 6.0),
    ("not reproduced", HIGHER, RANGE, 0.25, 1.0, -1.0),
    ("not reproduced", NEITHER, RANGE, 0.25, 1.0, -1.0),
    ("not reproduced", NEITHER, RANGE, 0.25, 4.0, 1.0),
    # no tolerance at all
    ("reproduced", HIGHER, 1.0, 0, 1.0, 0.0),
    ("not reproduced", HIGHER, 1.0, 0, 0.9375, -0.0625),
]  # fmt: skip


@pytest.mark.parametrize(("verdict", "metric", "paper", "tolerance", "ours", "off"), VALUES)
def test_a_number_is_judged_by_the_printed_rule(verdict, metric, paper, tolerance, ours, off):
    claim = value_claim(metric, paper, tolerance)
    runs = [ours - 0.125, ours, ours + 0.125]  # their mean counts, not the best of them
    found = verdict_of(claim, {("a", metric, ""): runs})
    assert found.verdict == verdict
    assert (found.ours, found.difference, found.runs) == (ours, off, 3)
    assert (found.low, found.high) == pytest.approx(t_interval(runs))
    # At a smaller budget or with fewer runs nothing is reproduced, and nothing gets better.
    # What falls short at a share of the budget is open: all of it may reach further.
    weaker = {"reproduced": "partial"}.get(verdict, verdict)
    short = {"not reproduced": "open"}.get(weaker, weaker)
    assert verdict_of(claim, {("a", metric, ""): runs}, REDUCED).verdict == short
    assert verdict_of(claim, {("a", metric, ""): [ours, ours]}).verdict == weaker
    assert verdict_of(claim, {("a", metric, ""): [ours]}).verdict == weaker


@pytest.mark.parametrize(("paper", "tolerance", "ours"), [(RANGE, 0.1, 3.1), (1.94, 0.2, 2.14)])
def test_at_most_the_tolerance_holds_for_decimals(paper, tolerance, ours):
    found = verdict_of(value_claim(LOWER, paper, tolerance), {("a", LOWER, ""): [ours] * 3})
    assert found.verdict == "reproduced"


def test_one_run_has_no_interval():
    found = verdict_of(value_claim(LOWER, 2.0, 0.5), {("a", LOWER, ""): [2.0]})
    assert (found.low, found.high, found.ours, found.runs) == (None, None, 2.0, 1)


def test_the_part_says_which_score():
    scores = {("a", HIGHER, "generate"): [10.0] * 3, ("a", HIGHER, "ancestral"): [1.0] * 3}
    claim = value_claim(HIGHER, 10.0, 0.5, part="generate")
    assert verdict_of(claim, scores).verdict == "reproduced"
    claim["about"]["part"] = "ancestral"
    assert verdict_of(claim, scores).ours == 1.0


@pytest.mark.parametrize("part", ["generat", None])
def test_a_misspelt_or_forgotten_part_is_an_error_that_lists_the_parts(part):
    scores = {("a", HIGHER, "generate"): [10.0], ("a", HIGHER, "ancestral"): [1.0]}
    claim = value_claim(HIGHER, 10.0, 0.5, part=part)
    with pytest.raises(ValueError) as failure:
        verdict_of(claim, scores)
    message = str(failure.value)
    assert "toy: claim claim" in message and HIGHER in message and repr(part or "") in message
    assert "'ancestral', 'generate'" in message


# Predicates

ABOVE_ZERO = [1.0, 1.25, 0.75]  # the interval of these is 0.38 to 1.62
MEAN_ONLY = [4.0, -1.0, 0.5]  # and of these -5.1 to 7.4
BELOW = [-1.0, -1.25, -0.75]
PREDICATES = [
    ("reproduced", ABOVE_ZERO, 0.0, FULL),
    ("partial", ABOVE_ZERO, 0.0, REDUCED),
    ("partial", ABOVE_ZERO, 0.0, (FULL, REDUCED)),  # the smaller of the two shares counts
    ("partial", MEAN_ONLY, 0.0, FULL),
    ("partial", MEAN_ONLY, 0.0, REDUCED),
    ("not reproduced", BELOW, 0.0, FULL),
    ("open", BELOW, 0.0, REDUCED),
    ("open", BELOW, 0.0, (FULL, REDUCED)),
    ("not reproduced", [0.0, 0.0, 0.0], 0.0, FULL),
    ("reproduced", [1.0, 1.0, 1.0], 0.0, FULL),  # no spread at all
    ("partial", [1.0, 1.0], 0.0, FULL),  # sure, but of two runs
    ("partial", [1.0], 0.0, FULL),
    ("partial", ABOVE_ZERO, 0.5, FULL),  # less the margin, 0 lies in the interval
    ("reproduced", ABOVE_ZERO, 0.375, FULL),
    ("not reproduced", ABOVE_ZERO, 1.0, FULL),
    ("reproduced", BELOW, -2.0, FULL),  # "less than two worse"
    ("not comparable", DIGITS, 0.0, DIGITS),
    ("not comparable", DIGITS, 0.0, (FULL, DIGITS)),
]


@pytest.mark.parametrize(("verdict", "differences", "margin", "settings"), PREDICATES)
def test_a_predicate_is_judged_by_paired_differences(verdict, differences, margin, settings):
    if differences is DIGITS:
        differences = ABOVE_ZERO
    offsets = [0.0, 50.0, -200.0][: len(differences)]  # of both experiments: only pairs tell
    scores = {
        ("a", HIGHER, ""): [o + d for o, d in zip(offsets, differences, strict=True)],
        ("b", HIGHER, ""): offsets,
    }
    found = verdict_of(predicate(margin), scores, settings)
    assert found.verdict == verdict
    mean = sum(differences) / len(differences)
    assert (found.ours, found.difference) == pytest.approx((mean, mean - margin))
    assert found.paper_value == f"> {margin:g}" and found.direction == "difference"
    assert found.runs == len(differences)
    if len(differences) > 1:
        assert (found.low, found.high) == pytest.approx(t_interval(differences))


def test_runs_without_a_partner_are_left_out():
    a = {0: 1.0, 1: 2.25, 2: 2.75, 7: -900.0}
    b = {2: 2.0, 0: 0.0, 1: 1.0, 5: 900.0}  # in another order
    found = verdict_of(predicate(), {("a", HIGHER, ""): a, ("b", HIGHER, ""): b})
    assert (found.runs, found.ours, found.verdict) == (3, 1.0, "reproduced")
    b.pop(1)
    found = verdict_of(predicate(), {("a", HIGHER, ""): a, ("b", HIGHER, ""): b})
    assert (found.runs, found.verdict) == (2, "partial")


# What decides nothing


@pytest.mark.parametrize("ours", [2.0, 9.0])
def test_a_recalled_number_decides_nothing_and_is_marked(ours):
    claim = value_claim(LOWER, 2.0, 0.5, standing="recalled")
    found = verdict_of(claim, {("a", LOWER, ""): [ours] * 3})
    assert found.verdict == "no paper value"
    assert found.paper_value == "2†" and found.ours == ours
    assert verdict_of(claim, {}).verdict == "not run"
    derived = value_claim(LOWER, 2.0, 0.5, standing="derived")
    assert verdict_of(derived, {("a", LOWER, ""): [2.0] * 3}).verdict == "reproduced"


def test_a_recalled_predicate_decides_nothing_and_is_marked():
    claim = predicate(standing="recalled")
    scores = {("a", HIGHER, ""): ABOVE_ZERO, ("b", HIGHER, ""): [0.0] * 3}
    found = verdict_of(claim, scores)
    assert found.verdict == "no paper value" and found.paper_value == "> 0†"
    assert verdict_of(claim, {}).verdict == "not run"


@pytest.mark.parametrize("standing", ["read", "recalled", "derived"])
def test_scores_on_another_dataset_are_not_comparable(standing):
    claim = value_claim(LOWER, 2.0, 0.5, standing=standing)
    found = verdict_of(claim, {("a", LOWER, ""): [2.0] * 3}, DIGITS)
    assert found.verdict == "not comparable" and found.dataset == "digits"
    assert verdict_of(claim, {}, DIGITS).verdict == "not run"
    mixed = (FULL, DIGITS)
    scores = {("a", HIGHER, ""): ABOVE_ZERO, ("b", HIGHER, ""): [0.0] * 3}
    assert verdict_of(predicate(standing=standing), scores, mixed).verdict == "not comparable"


@pytest.mark.parametrize("claim", [value_claim(LOWER, 2.0, 0.5), predicate()])
@pytest.mark.parametrize(
    "scores", [{}, {("b", HIGHER, ""): [1.0] * 3}, {("a", "cosine", "W1"): [1.0] * 3}]
)
def test_without_scores_nothing_was_run(claim, scores):
    found = verdict_of(claim, scores)
    assert found.verdict == "not run" and found.runs == 0
    assert (found.ours, found.low, found.high, found.difference) == (None,) * 4


def test_a_claim_about_what_the_tier_leaves_out_was_not_run():
    papers = papers_with({"claim": value_claim(LOWER, 2.0, 0.5)}, FULL)
    every = papers["toy"].experiments("paper")
    papers["toy"].experiments = lambda tier: every if tier == "paper" else every[1:]
    scores = table({("b", LOWER, ""): [2.0] * 3})
    (found,) = compare(scores, papers, "standard")
    assert (found.verdict, found.runs) == ("not run", 0)


def test_another_papers_scores_are_not_taken():
    scores = table({("a", LOWER, ""): [2.0] * 3}).assign(paper="other")
    papers = papers_with({"claim": value_claim(LOWER, 2.0, 0.5)}, FULL)
    assert compare(scores, papers, "paper")[0].verdict == "not run"
    assert len(last(scores)) == 3


def test_the_rule_names_every_verdict():
    verdicts = {case[0] for case in VALUES + PREDICATES} | {"no paper value", "not run"}
    assert set(VERDICTS) == verdicts
    assert all(f"- {verdict}: " in RULE for verdict in verdicts)


def test_a_run_in_which_a_metric_is_undefined_has_no_such_number_and_the_others_stand():
    scores = {("a", LOWER, ""): {0: 2.0, 1: 2.0, 2: 2.0}, ("a", HIGHER, ""): {0: 9.0, 2: 9.5}}
    found = verdict_of(value_claim(HIGHER, 9.0, 0.5), scores)
    assert (found.runs, found.of, found.ours, found.verdict) == (2, 3, 9.25, "partial")
    whole = verdict_of(value_claim(LOWER, 2.0, 0.5), scores)
    assert (whole.runs, whole.of) == (3, 3)


def test_verdicts_are_counted_in_the_order_of_the_rule():
    found = [SimpleNamespace(verdict=v) for v in ("not run", "partial", "not run", "reproduced")]
    assert list(counted(found).items()) == [("reproduced", 1), ("partial", 1), ("not run", 2)]
    assert heading(counted(found)) == "4 claims: 1 reproduced, 1 partial, 2 not run"
    assert heading(counted(found[:1])) == "1 claim: 1 not run"


def test_what_was_carried_within_tolerance_is_noted(tmp_path):
    key = ("toy", "a", "paper", "train")
    carried = Carried(tmp_path / "carried.csv")
    carried.add([Line(*key, "0", "1", "r", "p", WITHIN), Line(*key, "1", "2", "r", "p", EXACT),
                 Line("toy", "b", "paper", "train", "0", "2", "r", "p", EXACT)])  # fmt: skip
    carried = Carried(tmp_path / "carried.csv")
    scores = table({("a", LOWER, ""): [2.0] * 3, ("b", LOWER, ""): [2.0] * 3})
    for code, loose in (("0", {("toy", "a")}), ("1", set()), ("2", set())):
        made = scores.assign(train=code, score="s")
        assert loosely_carried(made, carried, "paper") == loose, code
        assert loosely_carried(made, carried, "standard") == frozenset()
        papers = papers_with({"claim": value_claim(LOWER, 2.0, 0.5)}, FULL)
        (found,) = compare(made, papers, "paper", loosely_carried(made, carried, "paper"))
        assert ("moved scores within the tolerance" in found.note) == bool(loose)


def test_a_comparison_names_its_scores_its_data_and_the_smaller_share():
    scores = {("a", HIGHER, "generate"): [10.0] * 3}
    found = verdict_of(value_claim(HIGHER, 1, 1, part="generate"), scores)
    assert (found.paper, found.paper_label) == ("toy", "Toy 2000")
    assert (found.scores, found.unit) == ("a parzen generate", "nats")
    assert found.measured == "Parzen log-likelihood (nats): rule a, generate"
    found = verdict_of(predicate(), {("a", HIGHER, ""): [1.0], ("b", HIGHER, ""): [1.0]},
                       (FULL, REDUCED))  # fmt: skip
    assert found.scores == "a parzen − b parzen"
    assert found.measured == "Parzen log-likelihood (nats): rule a − rule b"
    assert (found.share, found.share_text, found.dataset) == (0.24, "24%", "mnist")
    assert verdict_of(value_claim(LOWER, RANGE, 1), {}).paper_value == "2 to 3"


def rules_with(halfway, last, runs=(0,)):
    """A claim over four rules, what they have halfway and at the end, by rule; scores of a toy."""
    names = ["w", "x", "y", "z"]
    correlates = {"field": "f", "metric": "cosine", "with": LOWER, "over": names}
    claim = Claim("toy", "c", {"says": "", "correlates": correlates}, ())
    rows = [
        {"paper": "toy", "experiment": name, "metric": metric, "part": part, "run": run,
         "step": step, "value": value}
        for run in runs
        for name, cosine, error in zip(names, halfway, last, strict=True)
        for metric, part, step, value in [
            ("cosine", "W1", 0, 0.0), ("cosine", "W1", 3, cosine - 0.1), ("cosine", "W1", 6, 1.0),
            ("cosine", "W2", 3, cosine + 0.1), ("cosine", "W3", 3, -9.0), (LOWER, "", 6, error),
        ]
    ]  # fmt: skip
    return Final(pd.DataFrame(rows)), claim


@pytest.mark.parametrize(
    ("halfway", "last", "found"),
    [
        ((0.1, 0.2, 0.3, 0.4), (9, 7, 5, 2), 1.0),  # the nearer, the better
        ((0.1, 0.2, 0.3, 0.4), (2, 5, 7, 9), -1.0),
        ((0.1, 0.2, 0.3, 0.4), (7, 9, 5, 2), 0.8),  # 1 - 6 * 2 / (4 * 15)
    ],
)
def test_a_correlation_over_rules_is_that_of_ranks_halfway_and_at_the_end(halfway, last, found):
    final, claim = rules_with(halfway, last, runs=(0, 1))
    assert final.by_run(claim) == pytest.approx({0: found, 1: found})


def test_a_correlation_counts_the_runs_that_all_rules_have():
    final, claim = rules_with((0.1, 0.2, 0.3, 0.4), (9, 7, 5, 2), runs=(0, 1, 2))
    scores = final.scores
    gone = (scores["experiment"] == "y") & (scores["run"] == 1) & (scores["metric"] == LOWER)
    assert list(Final(scores[~gone]).by_run(claim)) == [0, 2]
    assert Final(scores[scores["experiment"] != "z"]).by_run(claim) == {}


def test_a_correlation_is_of_the_papers_own_rules_and_undefined_where_all_are_equal():
    final, claim = rules_with((0.1, 0.2, 0.3, 0.4), (9, 7, 5, 2))
    other = final.scores.assign(paper="another", value=-final.scores["value"])
    assert Final(pd.concat([other, final.scores])).by_run(claim) == pytest.approx({0: 1.0})
    final, claim = rules_with((0.1, 0.2, 0.3, 0.4), (9, 9, 9, 9))
    assert final.by_run(claim) == {}
