"""Tables of the pages."""

import pandas as pd

from replications.core.declare.papers import suite
from replications.core.report.readme import league_table, scored
from replications.core.report.tables import COLUMNS, as_csv


def table(*rows):
    return pd.DataFrame(rows, columns=["paper", "experiment", "value"])


def test_an_experiment_has_the_scores_of_the_first_tier_that_has_any():
    """And what is stored of one that a tier does not have any more is passed over."""
    found = scored(suite().paper("league"), {
        "paper": table(("league", "backpropagation_fashion_2", 1.0), ("lee2015", "x", 8.0)),
        "standard": table(("league", "backpropagation_mnist_2", 2.0),
                          ("league", "backpropagation_mnist_2", 3.0),
                          ("league", "backpropagation_fashion_5", 4.0),
                          ("league", "backpropagation_fashion_2", 5.0)),
    })  # fmt: skip
    assert [(e.tier, e.name, [*rows["value"]]) for e, rows in found] == [
        ("standard", "backpropagation_mnist_2", [2.0, 3.0]),
        ("paper", "backpropagation_fashion_2", [1.0]),
    ]


def test_a_field_of_the_league_is_shown_in_the_largest_tier_that_has_all_its_rules(tmp_path):
    league = suite().paper("league")
    (tmp_path / "league").mkdir()
    run = {"paper": ["mnist_2"], "standard": ["mnist_2", "mnist_5"]}
    for tier, error in (("paper", 1.5), ("standard", 9.5)):
        names = [e.name for e in league.experiments(tier) if e.name.endswith(tuple(run[tier]))]
        if tier == "paper":
            names.append("feedback_alignment_mnist_5")  # alone in its field
        rows = [
            dict.fromkeys(COLUMNS, "") | {"paper": "league", "experiment": name, "run": index}
            | {"step": 1, "metric": metric, "value": value}
            for name in names
            for index in range(3)
            for metric, value in (("test_error", error), ("multiply_adds", 1e6))
        ]  # fmt: skip
        (tmp_path / f"{tier}.csv").write_text(as_csv(pd.DataFrame(rows, columns=COLUMNS)))
        costs = pd.DataFrame(columns=["rule", "net", "memory", "speed"])
        costs.to_csv(tmp_path / "league" / f"{tier}.csv", index=False)
    full, short = league_table(league, tmp_path).split("Standard tier, 3% of the budget.")
    assert full.startswith("Paper tier, full budget.")
    assert full.count("### ") == short.count("### ") == 1
    assert "### MNIST, 2 hidden layers" in full and "1.5" in full and "9.5" not in full
    assert "### MNIST, 5 hidden layers" in short and "9.5" in short and "1.5 " not in short
