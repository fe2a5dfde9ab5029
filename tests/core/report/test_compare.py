"""Verdicts by the printed rule, case by case; and the table in every format it is written in."""

import html as html_text
import json
import math
import re
import shutil
import subprocess
from dataclasses import asdict, fields, replace
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replications.core.base.carried import EXACT, WITHIN, Carried, Line
from replications.core.declare.metrics import SHARED, Metric
from replications.core.declare.papers import Claim, Suite
from replications.core.report import compare as module
from replications.core.report.compare import (
    HEADINGS,
    LATEX,
    RULE,
    VERDICTS,
    Comparison,
    compare,
    counted,
    heading,
    html,
    latex,
    loosely_carried,
    markdown,
    printed,
    write_comparison,
)
from replications.core.report.statistics import t_interval
from replications.core.report.tables import COLUMNS, last

FULL = {
    "share": 1.0,
    "share_text": "full",
    "reduced_text": "",
    "smaller": False,
    "data": "mnist",
    "paper_data": "mnist",
}
REDUCED = FULL | {"share": 0.24, "share_text": "24%"}
DIGITS = REDUCED | {"data": "digits"}
LOWER, HIGHER, NEITHER = "test_error", "parzen", "tau"  # in %, nats and ms


def table(scores):
    """A long table from {(experiment, metric, part): values of the runs 0, 1, ... or by run}."""
    rows = []
    for (experiment, metric, part), found in scores.items():
        values = found if isinstance(found, dict) else dict(enumerate(found))
        for run, value in values.items():
            row = dict.fromkeys(COLUMNS, "")
            row |= {"paper": "toy", "experiment": experiment, "run": run, "metric": metric}
            rows += [row | {"part": part, "step": s, "value": v} for s, v in [(1, 1e6), (2, value)]]
    return pd.DataFrame(rows, columns=COLUMNS)


def papers_with(claims, settings):
    """A stand-in for the papers: the claims, and experiments "a" and "b" that cost `settings`."""
    both = settings if isinstance(settings, tuple) else (settings, settings)
    experiments = [SimpleNamespace(name=n, **s) for n, s in zip("ab", both, strict=True)]
    claims = [Claim("toy", name, declared, ("claims", name)) for name, declared in claims.items()]
    metrics = SHARED | {NEITHER: Metric("ms", None, "a time constant")}
    return {
        "toy": SimpleNamespace(claims=claims, metrics=metrics, experiments=lambda tier: experiments)
    }


def verdict_of(claim, scores, settings=FULL):
    (comparison,) = compare(table(scores), papers_with({"claim": claim}, settings), "paper")
    return comparison


def value_claim(metric, value, tolerance, standing="read", part=None):
    about = {"experiment": "a", "metric": metric} | ({"part": part} if part else {})
    value = value if isinstance(value, dict) else {"mean": value}
    return {"says": "it is so", "where": "Sec. 1", "standing": standing, "about": about,
            "value": value, "tolerance": tolerance}  # fmt: skip


def predicate(margin=0.0, standing="read", metric=HIGHER):
    compares = {
        "greater": {"experiment": "a", "metric": metric},
        "than": {"experiment": "b", "metric": metric},
        "margin": margin,
    }
    return {"says": "a beats b", "where": "Fig. 2", "standing": standing, "compares": compares}


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
    assert printed(found)["runs"] == "2 of 3"
    whole = verdict_of(value_claim(LOWER, 2.0, 0.5), scores)
    assert (whole.runs, whole.of, printed(whole)["runs"]) == (3, 3, "3")


def test_verdicts_are_counted_in_the_order_of_the_rule():
    found = [SimpleNamespace(verdict=v) for v in ("not run", "partial", "not run", "reproduced")]
    assert list(counted(found).items()) == [("reproduced", 1), ("partial", 1), ("not run", 2)]
    assert heading(counted(found)) == "4 claims: 1 reproduced, 1 partial, 2 not run"
    assert heading(counted(found[:1])) == "1 claim: 1 not run"


def test_an_open_verdict_says_of_what_share():
    found = verdict_of(value_claim(LOWER, 2.0, 0.5), {("a", LOWER, ""): [9.0] * 3}, REDUCED)
    share = REDUCED["share_text"]
    assert printed(found)["verdict"] == f"open: short of it at {share} of the budget"


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


# Printed

COMPARISON = Comparison(
    paper="toy", claim="c", says="50% of a|b", where="Sec. 2 & 3", dataset="mnist",
    metric="a test_error", unit="%", direction="lower", paper_value="1.94†", paper_spread="",
    standing="recalled", ours=2.03456, low=1.9, high=2.16912, runs=3, of=3, difference=0.09456,
    verdict="no paper value", tier="standard", share=0.08, share_text="8%", note="as <above>",
)  # fmt: skip


def test_the_cells_of_a_row():
    cells = printed(COMPARISON)
    assert list(cells) == list(HEADINGS.values())
    assert cells == {
        "paper": "toy", "claim": "50% of a|b", "where": "Sec. 2 & 3", "dataset": "mnist",
        "metric": "a test_error (%)", "unit": "%", "better": "lower", "paper's value": "1.94†",
        "spread": "", "standing": "recalled", "ours, mean": "2.03",
        "95% t-interval": "1.9 to 2.17", "runs": "3", "difference": "0.0946",
        "verdict": "no paper value", "tier, share": "standard, 8%", "note": "as <above>",
    }  # fmt: skip


def test_the_cells_of_what_was_not_run_are_empty_and_numbers_are_as_long_as_they_are_sure():
    empty = replace(COMPARISON, ours=None, low=None, high=None, difference=None, unit="", runs=0)
    cells = printed(empty)
    assert [cells[k] for k in ("ours, mean", "95% t-interval", "difference")] == ["", "", ""]
    assert cells["metric"] == "a test_error"
    nats = printed(replace(COMPARISON, ours=236.26, low=-100.04, high=99.94, difference=-0.0))
    assert nats["ours, mean"] == "236.3" and nats["95% t-interval"] == "-100.0 to 99.9"


def test_the_metric_names_experiment_and_part_and_a_predicate_both():
    scores = {("a", HIGHER, "generate"): [10.0] * 3}
    assert verdict_of(value_claim(HIGHER, 1, 1, part="generate"), scores).metric == (
        "a parzen generate"
    )
    scores = {("a", HIGHER, ""): [1.0], ("b", HIGHER, ""): [1.0]}
    found = verdict_of(predicate(), scores, (FULL, REDUCED))
    assert (found.metric, found.unit) == ("a parzen − b parzen", "nats")
    assert (found.share, found.share_text, found.dataset) == (0.24, "24%", "mnist")
    assert verdict_of(value_claim(LOWER, RANGE, 1), {}).paper_value == "2 to 3"


def test_markdown_escapes_pipes():
    text = markdown([{"x": "a|b", "y": "c"}, {"x": "d", "y": "|"}])
    lines = text.splitlines()
    assert lines[2:] == ["| a\\|b | c |", "| d | \\| |"]
    assert lines[1] == "|---|---|" and text.endswith("\n")
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)
    assert markdown([]) == ""


def test_markdown_keeps_a_row_on_one_line():
    assert len(markdown([{"x": "two\nlines", "y": "c"}]).splitlines()) == 3


SPECIAL = r"100% of a_b & #1 $x$ {y} \command ~ ^ <a> |b| † −1 potentiation's −FFᵀ − μI, β² 漢"
encoded = LATEX.unicode_to_latex


def test_latex_of_special_characters():
    assert encoded(r"\command{x}") == r"\textbackslash{}command\{x\}"
    assert encoded("100% & #1 $5 ~ ^") == r"100\% \& \#1 \$5 \textasciitilde{} \textasciicircum{}"
    assert encoded("−FFᵀ − μI") == (
        r"\ensuremath{-}FF\textsuperscript{T} \ensuremath{-} \ensuremath{\mu}I"
    )
    assert "U+6F22" in encoded("漢")
    hostile = replace(COMPARISON, says=SPECIAL, paper="a_b & c", metric="x_1 − x_2", note="5 % of")
    text = latex([printed(hostile), printed(COMPARISON)], "2 claims")
    assert encoded(SPECIAL) + r"\newline{\footnotesize\itshape 5 \% of} & " in text
    assert r"\subsection*{a\_\allowbreak{}b \& c}" in text
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 2
    for line in text.splitlines():
        if line.endswith(r" \\"):
            assert len(re.findall(r"(?<!\\)&", line)) == 7, line


@given(st.text(st.characters(exclude_categories=["C"]), max_size=30))
def test_latex_is_plain_text_with_balanced_braces(text):
    once = encoded(text)
    assert once.isascii()
    bare = re.sub(r"\\[\\{}$%&#_]", "", once)  # \textbackslash is no escape
    assert bare.count("{") == bare.count("}") and not set(bare) & set("$%&#")


def compiled(tmp_path, comparisons):
    """The log of pdflatex, which stops at the first error; None without pdflatex."""
    (tmp_path / "t.tex").write_text(latex([printed(c) for c in comparisons], "some claims"))
    program = shutil.which("pdflatex")
    if program is None:
        return None
    command = [program, "-no-shell-escape", "-interaction=batchmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    log = (tmp_path / "t.log").read_text(errors="replace")
    assert done.returncode == 0, [line for line in log.splitlines() if line.startswith(("!", "l."))]
    return log


def test_the_latex_document_compiles(tmp_path):
    hostile = replace(COMPARISON, says=SPECIAL, paper="a_b & c", metric="x_1 − x_2")
    log = compiled(tmp_path, [COMPARISON, hostile, replace(COMPARISON, verdict="partial")])
    assert log is None or "Output written on t.pdf" in log


def test_the_claims_of_all_papers_compile(tmp_path):
    """A sign that LaTeX lacks would be printed as its number: add it to LATEX_SIGNS."""
    claims = compare(pd.DataFrame(columns=COLUMNS), Suite().papers, "paper")
    assert len(claims) > 100 and "U+" not in latex([printed(c) for c in claims], "all claims")
    compiled(tmp_path, claims)


def test_a_claim_may_begin_with_a_bracket(tmp_path):
    compiled(tmp_path, [COMPARISON, replace(COMPARISON, says="[sic] it is so")])


def test_html_escapes_and_is_complete():
    long = "x" * 200 + "end"
    table = [printed(replace(COMPARISON, says="<script>alert(1)</script> & more", note=long))]
    text = html(table, "1 < 2 claims")
    assert "<script>" not in text and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text
    assert long in text  # pandas shortens what is long if it is let
    assert all(html_text.escape(line) in text for line in RULE.splitlines())


# Written


def test_counts_stand_at_the_head_of_every_table(written):
    directory, compared = written
    head = heading(counted(compared))
    assert head.startswith("4 claims: ")
    assert (directory / "comparison.md").read_text().startswith(f"{head}\n\n| paper |")
    for suffix in ("tex", "html"):
        before, _, _ = (directory / f"comparison.{suffix}").read_text().partition("it is so")
        assert head in before, suffix


@pytest.fixture
def written(tmp_path, monkeypatch):
    claims = {
        "value": value_claim(LOWER, 2.0, 0.5) | {"note": 'with, "quotes" and\nlines'},
        "alone": value_claim("train_error", 1 / 3, 0.5),
        "unsure": predicate(standing="recalled"),
        "later": value_claim(NEITHER, 16.0, 0.5),
    }
    papers = papers_with(claims, REDUCED)
    scores = table({("a", LOWER, ""): [2.0, 2.1, 2.3], ("a", "train_error", ""): [0.1],
                    ("a", HIGHER, ""): [1.0, 2.0], ("b", HIGHER, ""): [0.0, 0.5]})  # fmt: skip
    scores.to_parquet(tmp_path / "scores.parquet")
    write_comparison(tmp_path, papers, "standard", Carried(tmp_path / "carried.csv"))
    return tmp_path, compare(scores, papers, "standard")


def test_five_files_are_written_and_nothing_else(written):
    directory, _ = written
    names = {path.name for path in directory.iterdir()}
    formats = ("csv", "md", "tex", "json", "html")
    assert names == {"scores.parquet", *(f"comparison.{suffix}" for suffix in formats)}
    for suffix in ("md", "tex", "html"):
        text = (directory / f"comparison.{suffix}").read_text()
        assert "not run" in text and "How a verdict is reached" in text
    assert RULE in (directory / "comparison.md").read_text()


def test_json_has_every_number_and_no_nan(written):
    directory, compared = written

    def refuse(constant):
        raise AssertionError(constant)

    text = (directory / "comparison.json").read_text()
    document = json.loads(text, parse_constant=refuse)
    assert set(document) == {"tier", "rule", "counts", "comparisons"}
    assert document["counts"] == counted(compared)
    assert (document["tier"], document["rule"]) == ("standard", RULE)
    assert document["comparisons"] == [asdict(c) for c in compared]
    assert [c["runs"] for c in document["comparisons"]] == [3, 1, 2, 0]
    assert document["comparisons"][1]["low"] is None and "†" in text


def test_csv_goes_there_and_back(written):
    directory, compared = written
    text = {f.name: str for f in fields(Comparison) if f.type == "str"}
    numbers = {"na_values": {f.name: [""] for f in fields(Comparison) if f.name not in text}}
    frame = pd.read_csv(
        directory / "comparison.csv", keep_default_na=False, dtype=text, **numbers,
    )  # fmt: skip
    assert list(frame.columns) == [f.name for f in fields(Comparison)]
    back = [
        {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}
        for row in frame.to_dict("records")
    ]
    assert back == [asdict(c) for c in compared]


def test_no_claims_give_empty_tables(tmp_path):
    table({}).to_parquet(tmp_path / "scores.parquet")
    write_comparison(tmp_path, papers_with({}, FULL), "smoke", Carried(tmp_path / "none.csv"))
    assert json.loads((tmp_path / "comparison.json").read_text())["comparisons"] == []
    assert (tmp_path / "comparison.csv").read_text().strip() == ",".join(
        f.name for f in fields(module.Comparison)
    )
