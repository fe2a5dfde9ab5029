"""Tables of the pages."""

import pandas as pd

from replications.core.declare.papers import suite
from replications.core.report.readme import scored


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
