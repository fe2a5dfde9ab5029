"""results/reference/ is what the current code, configuration and data give, and READMEs show it."""

import pytest

from replications.core.catalogue import data_hash
from replications.core.papers import TIERS, Suite
from replications.core.provenance import ROOT, digest
from replications.core.readme import generated
from replications.core.tables import read

REFERENCE = ROOT / "results" / "reference"


@pytest.mark.parametrize("tier", TIERS)
def test_the_reference_was_made_by_the_current_code_configuration_and_data(tier):
    suite = Suite()
    table = read(REFERENCE / f"{tier}.csv")
    assert table["value"].notna().all()
    for (paper, name), rows in table.groupby(["paper", "experiment"]):
        experiment = suite.experiment(paper, name, tier)
        train, score = experiment.hashes("train"), experiment.hashes("score")
        assert set(rows["config"]) == {score["config"]}, f"{paper} {name}: other settings"
        assert set(rows["data"]) == {data_hash(experiment.data)}, f"{paper} {name}: other data"
        code = digest([train["code"], score["code"]])
        assert set(rows["code"]) == {code}, f"{paper} {name}: other code, run the {tier} tier again"


@pytest.mark.parametrize("tier", TIERS)
def test_every_experiment_is_in_the_reference_with_enough_runs(tier):
    """At the papers' budgets, an experiment may be left out if its paper's README says so."""
    table = read(REFERENCE / f"{tier}.csv")
    runs = table.groupby(["paper", "experiment"])["run"].nunique()
    for paper in Suite().papers.values():
        not_run = (
            (paper.path.parent / "README.md")
            .read_text()
            .partition("Not run in full:")[2]
            .partition("\n\n")[0]
        )
        for experiment in paper.experiments(tier):
            if tier == "paper" and f"`{experiment.name}`" in not_run:
                assert (paper.name, experiment.name) not in runs.index
            else:
                assert runs[paper.name, experiment.name] >= (2 if tier == "smoke" else 3)


def test_the_readmes_show_the_reference():
    for path, text in generated(REFERENCE).items():
        assert path.read_text() == text, f"{path.name} of {path.parent.name}: run `make readme`"
