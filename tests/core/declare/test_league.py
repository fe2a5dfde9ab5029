"""The league's rows, made into experiments and searches."""

from types import SimpleNamespace

import pytest

from replications.core.base.provenance import ROOT
from replications.core.declare.league import (
    by_field,
    by_net,
    entered,
    open_fields,
    rows_of,
    searches_of,
)
from replications.core.declare.papers import Claim, with_rules
from replications.core.declare.schema import DeclarationError

LEAGUE = {
    "network": {"feed_forward": {"units": "tanh"}},
    "training": {"batch": 64, "optimiser": {"adam": {}}},
    "evaluation": {"alignment": {"images": 10}},
    "unsaid": {"protocol": "ours"},
    "fields": {
        "mnist_1": {"label": "MNIST, 1 hidden", "net": "one", "data": "mnist", "layers": [4, 3, 2],
                    "tiers": {"smoke": {"data": "digits", "layers": [9, 3, 2],
                                        "budget": {"epochs": 1}},
                              "paper": {"budget": {"epochs": 9}}}},
        "mnist_2": {"label": "MNIST, 2 hidden", "net": "two", "data": "mnist",
                    "layers": [4, 3, 3, 2], "tiers": {"paper": {"budget": {"epochs": 9}}}},
        "fashion_1": {"label": "Fashion, 1 hidden", "net": "one", "data": "fashion_mnist",
                      "layers": [4, 3, 2], "tiers": {"paper": {"budget": {"epochs": 9}}}},
    },
    "search": {"seed": 7, "fields": ["mnist_1", "mnist_2"],
               "stages": [{"trials": 5, "rate_scale": 1, "budget": {"epochs": 1}}]},
}  # fmt: skip
ROWS = {
    "plain": {
        "label": "plain", "minutes": 1, "learning_rule": "backpropagation",
        "settings": {"a": 1, "b": 2},
        "training": {"learning_rates": {"*": 0.1}}, "drawn": [{"set": ["settings/a"]}],
        "nets": {"two": {"settings": {"b": 3}, "training": {"learning_rates": {"*": 0.2}}}},
    },
    "other": {
        "label": "other", "minutes": 3, "learning_rule": "toy.other", "settings": {},
        "network": {"toy.net": {"kind": 1}}, "drawn": [{"set": ["x"]}],
        "training": {"learning_rates": {"*": 1.0}, "optimiser": {"sgd": {"momentum": 0}}},
        "nets": {"two": {"absent": "too deep"}}, "unsaid": {"units": "others"},
    },
}  # fmt: skip


def test_every_row_is_in_every_field_but_where_it_cannot_run():
    assert [*entered(LEAGUE, ROWS)] == ["plain_mnist_1", "other_mnist_1", "plain_mnist_2",
                                        "plain_fashion_1", "other_fashion_1"]  # fmt: skip


def test_a_field_may_name_its_rules_and_then_is_no_open_one():
    few = {**LEAGUE["fields"]["fashion_1"], "rules": ["other"]}
    league = LEAGUE | {"fields": LEAGUE["fields"] | {"wide": few}}
    assert [*entered(league, ROWS)][-2:] == ["other_fashion_1", "other_wide"]
    assert [*open_fields(league)] == [*LEAGUE["fields"]]
    league["fields"]["wide"] = few | {"rules": ["other", "nobody"]}
    with pytest.raises(DeclarationError, match="field wide: no row nobody"):
        entered(league, ROWS)


def test_an_experiment_has_the_protocol_and_what_its_row_says():
    found = entered(LEAGUE, ROWS)
    assert found["plain_mnist_1"] == {
        "label": "plain, MNIST, 1 hidden", "minutes": 1, "learning_rule": "backpropagation",
        "network": {"feed_forward": {"units": "tanh", "layers": [4, 3, 2]}}, "data": "mnist",
        "settings": {"a": 1, "b": 2},
        "training": {"batch": 64, "optimiser": {"adam": {}}, "learning_rates": {"*": 0.1}},
        "evaluation": {"alignment": {"images": 10}}, "unsaid": {"protocol": "ours"},
        "tiers": {"smoke": {"data": "digits", "budget": {"epochs": 1},
                            "network": {"feed_forward": {"layers": [9, 3, 2]}}},
                  "paper": {"budget": {"epochs": 9}}},
    }  # fmt: skip
    assert found["plain_fashion_1"]["data"] == "fashion_mnist"


def test_what_a_net_needs_alone_stands_in_its_fields():
    one, two = (entered(LEAGUE, ROWS)[f"plain_mnist_{n}"] for n in (1, 2))
    assert (one["settings"], two["settings"]) == ({"a": 1, "b": 2}, {"a": 1, "b": 3})
    rates = [e["training"]["learning_rates"]["*"] for e in (one, two)]
    assert rates == [0.1, 0.2]


def test_a_row_may_have_a_network_and_an_optimiser_of_its_own():
    other = entered(LEAGUE, ROWS)["other_mnist_1"]
    assert other["network"] == {"toy.net": {"kind": 1, "layers": [4, 3, 2]}}
    assert other["training"]["optimiser"] == {"sgd": {"momentum": 0}}
    assert other["unsaid"] == {"protocol": "ours", "units": "others"}


def test_every_row_is_searched_for_alike_once_a_net():
    found = dict(searches_of(LEAGUE, ROWS))
    assert [*found] == ["plain_mnist_1", "other_mnist_1", "plain_mnist_2"]
    for name, search in found.items():
        assert (search["experiment"], search["seed"]) == (name, 7)
        assert search["spaces"][0]["draws"] == search["stages"][0]["trials"] == 5


def test_a_field_without_experiments_in_a_tier_is_none():
    """A job for it would name no experiment, and so run all of them."""
    names = ["plain_mnist_2", "plain_mnist_1", "other_mnist_1"]
    found = by_field(LEAGUE, [SimpleNamespace(name=name) for name in names])
    assert {field: [e.name for e in entered] for field, entered in found.items()} == {
        "mnist_1": ["plain_mnist_1", "other_mnist_1"], "mnist_2": ["plain_mnist_2"]}  # fmt: skip


def test_a_net_has_its_rows_in_the_first_field_that_they_are_in():
    names = ["plain_fashion_1", "plain_mnist_1", "other_fashion_1", "plain_mnist_2"]
    experiments = [SimpleNamespace(name=name) for name in names]
    found = {net: {row: e.name for row, e in rows.items()}
             for net, rows in by_net(LEAGUE, experiments).items()}  # fmt: skip
    assert found == {"one": {"plain": "plain_mnist_1", "other": "other_fashion_1"},
                     "two": {"plain": "plain_mnist_2"}}  # fmt: skip


ROW = """\
mine:
  label: mine
  family: mine
  minutes: 1
  learning_rule: backpropagation
  settings: {}
  training: {learning_rates: {"*": 0.1}}
  drawn: [{set: ["training/learning_rates/*"], start: 0.1, low: 0.01, high: 1.0, log: true}]
  phases: forward
  answers: {}
"""


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "replications"
    for folder in ("first", "second"):
        (root / folder).mkdir(parents=True)
    (root / "second" / "league.yaml").write_text(ROW)
    rows_of.cache_clear()
    yield root
    rows_of.cache_clear()


def test_a_folder_enters_its_rows(root):
    assert [*rows_of(root)] == ["mine"]


def test_two_rows_of_one_name_are_told(root):
    (root / "first" / "league.yaml").write_text(ROW)
    with pytest.raises(DeclarationError, match=r"second/league.yaml: mine: another folder has"):
        rows_of(root)


def test_a_row_with_more_constants_than_the_search_allows_is_told(root):
    more = ", ".join(["{set: [a], start: 1.0, low: 0.5, high: 2.0, log: true}"] * 3)
    text = ROW.replace("drawn: [", f"drawn: [{more}, ")
    (root / "second" / "league.yaml").write_text(text)
    with pytest.raises(DeclarationError, match=r"mine.drawn: .* is too long"):
        rows_of(root)


def test_a_correlation_over_rules_is_of_a_field_that_there_is():
    path = ROOT / "replications/league/paper.yaml"
    claims = {"c": {"correlates": {"field": "wide", "metric": "cosine", "with": "test_error"}}}
    found = with_rules(path, claims, {"wide": ["a_wide", "b_wide", "c_wide"]})
    assert Claim("league", "c", found["c"], ()).scores == [
        {"experiment": name, "metric": "test_error"} for name in ("a_wide", "b_wide", "c_wide")
    ]
    with pytest.raises(DeclarationError, match=r"claims.c.correlates.field: 'wide' has 2 rules"):
        with_rules(path, claims, {"wide": ["a_wide", "b_wide"]})
    with pytest.raises(DeclarationError, match=r"claims.c.correlates.field: .* known are deep"):
        with_rules(path, claims, {"deep": []})
    with pytest.raises(DeclarationError, match="none, as this is no league"):
        with_rules(path, claims, {})
