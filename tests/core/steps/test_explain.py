"""From a verdict to its number: the claim, the rule, the runs, and how to make them again."""

import pandas as pd
import pytest

from replications.__main__ import main
from replications.core.base.provenance import REFERENCE
from replications.core.declare.papers import suite
from replications.core.report.compare import RULE
from replications.core.report.readme import best
from replications.core.run.seeds import seed
from replications.core.steps.behind import Recorded
from replications.core.steps.explain import explain


@pytest.fixture(scope="module")
def verdicts():
    """What the README says of every claim."""
    return {(c.paper, c.claim): c for c in best(REFERENCE, suite().papers)}


def flat(text):
    return " ".join(text.split())


@pytest.mark.parametrize("paper", suite().names)
def test_an_explanation_has_what_the_readme_says_and_where_it_comes_from(paper, verdicts):
    claim = suite().paper(paper).claims[0]
    found = verdicts[paper, claim.name]
    text = flat(explain(paper, claim.name, REFERENCE))
    assert flat(found.says) in text and flat(found.where) in text
    assert f"verdict {found.verdict}" in text
    (rule,) = (line[2:] for line in RULE.splitlines() if line.startswith(f"- {found.verdict}:"))
    assert flat(rule) in text
    for score in claim.scores:
        name = score["experiment"]
        assert f"--tier {found.tier} --runs 0" in text and f"run {paper} {name} " in text
        assert f"noise {seed(paper, name, 0, 'noise')}" in text


def test_the_runs_values_and_hashes_are_those_that_are_stored(verdicts):
    text = flat(explain("scellier2017", "generalisation_error_test_as_released", REFERENCE))
    table = pd.read_csv(REFERENCE / "paper.csv", dtype=str)
    own = table[table["experiment"] == "mnist_1h_released"]
    rows = own[own["metric"] == "test_error_argmax"]
    assert len(rows) == 5
    for row in rows.itertuples():
        assert f"run {row.run} {row.value} by seeds" in text
        assert row.train in text and row.score in text


def test_a_claim_that_was_not_run_says_so(verdicts):
    (paper, claim), _ = next((key, c) for key, c in verdicts.items() if c.verdict == "not run")
    text = flat(explain(paper, claim, REFERENCE))
    assert "ours not run" in text and "rule not run: no score of this tier." in text


def test_an_unknown_claim_is_told_with_those_that_there_are(caplog):
    assert main(["explain", "lee2015", "nothing"]) == 1
    known = ", ".join(c.name for c in suite().paper("lee2015").claims)
    assert f"lee2015 has no claim 'nothing'; there are {known}" in caplog.text


def test_the_machine_of_a_run_is_its_own(tmp_path):
    lines = ["tier,paper,experiment,run,commit,device,processor,instructions,blas,torch"]
    lines += [f"paper,lee2015,{e},{run},c{e}{run},cpu,P,AVX2,B,T" for e in "ab" for run in (0, 10)]
    (tmp_path / "machines.csv").write_text("\n".join(lines) + "\n")
    machines = Recorded(tmp_path).machines
    found = machines["paper", "lee2015", "b", "10"]
    assert (found["commit"], found["processor"]) == ("cb10", "P")
    assert ("smoke", "lee2015", "b", "10") not in machines
    assert Recorded(tmp_path / "none").machines == {}
