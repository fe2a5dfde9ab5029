"""Captions with the numbers of their claims."""

from dataclasses import replace
from types import SimpleNamespace

from replications.core.report.captions import caption, numbered
from tests.core.report.test_render import COMPARISON


def test_a_caption_ends_with_the_numbers_of_its_claims():
    figures = {"curves": {"caption": "Errors.\n", "claims": ["c"]}, "plain": {"caption": "Bare."}}
    claims = [SimpleNamespace(name="c", source="the library")]
    paper, compared = SimpleNamespace(figures=figures, claims=claims), {"c": COMPARISON}
    assert caption(paper, "plain", compared) == "Bare."
    assert caption(paper, "curves", compared) == (
        "Errors. 50% of a|b: the library 1.94† %, here 2.03 % (1.9 to 2.17)."
    )


def test_what_was_not_run_predicates_and_single_runs_say_so():
    empty = replace(COMPARISON, says="it is so", runs=0, ours=None, low=None, high=None, unit="")
    assert numbered(empty, "the paper") == "It is so: the paper 1.94†, not run."
    predicate = replace(COMPARISON, says="it is so", direction="difference", paper_value="> 0")
    assert numbered(predicate, "the paper") == "It is so: > 0 % if so, here 2.03 % (1.9 to 2.17)."
    one = replace(COMPARISON, runs=1, low=None, high=None)
    assert numbered(one, "the paper") == "50% of a|b: the paper 1.94† %, here 2.03 %."
