"""What every row of the league has to say; rows are found, not listed."""

import pytest

from replications.core.base.provenance import ROOT
from replications.core.declare.league import TWIN, net_of, open_fields, rows_of
from replications.core.declare.papers import suite

ROWS = rows_of(ROOT / "replications")
LEAGUE = suite().paper("league").declared["league"]


@pytest.mark.parametrize("name", ROWS)
def test_a_row_answers_every_objection_with_a_reason(name):
    answers = ROWS[name]["answers"]
    assert answers.keys() == LEAGUE["objections"].keys()
    assert all(len(answer["because"].split()) >= 2 for answer in answers.values())


@pytest.mark.parametrize("name", ROWS)
def test_a_row_draws_a_rate_and_at_most_two_constants_more(name):
    drawn = [path for variable in ROWS[name]["drawn"] for path in variable["set"]]
    assert any(path.startswith("training/learning_rates") for path in drawn)
    assert len(drawn) <= 3


@pytest.mark.parametrize("name", ROWS)
def test_a_row_names_nets_that_there_are(name):
    nets = {told["net"] for told in LEAGUE["fields"].values()}
    assert ROWS[name].get("nets", {}).keys() <= nets


def test_back_propagation_answers_nothing_and_is_in_every_field():
    assert all(answer["answered"] is False for answer in ROWS[TWIN]["answers"].values())
    names = {e.name for e in suite().paper("league").experiments("paper")}
    assert {f"{TWIN}_{field}" for field in LEAGUE["fields"]} <= names


def test_every_rule_is_in_every_open_field_or_says_why_not():
    names = {e.name for e in suite().paper("league").experiments("paper")}
    for field in open_fields(LEAGUE):
        for name, row in ROWS.items():
            assert (f"{name}_{field}" in names) != ("absent" in net_of(LEAGUE, row, field))


def test_every_net_is_searched_for_in_one_of_its_fields():
    fields = LEAGUE["fields"]
    searched = [fields[field]["net"] for field in LEAGUE["search"]["fields"]]
    assert sorted(searched) == sorted({told["net"] for told in fields.values()})
