"""What the project promises of its stored scores: worse than this, and it is no replication.

Means over runs after the last step, read from results/reference/.
"""

import pytest

from replications.core.base.provenance import REFERENCE
from replications.core.report.tables import read_table
from replications.core.report.tolerances import means


def mean(tier, paper, experiment, metric, layer=""):
    """The mean over runs of one score after its last step."""
    table = means(read_table(REFERENCE / f"{tier}.csv"))
    return float(table.loc[paper, experiment, metric, layer])


AT_MOST = [
    ("paper", "scellier2017", "mnist_1h", "train_error", 0.1),
    ("paper", "scellier2017", "mnist_1h_released", "train_error", 0.1),
    ("paper", "scellier2017", "mnist_1h_released", "test_error", 3.4),
    ("paper", "scellier2017", "mnist_1h_best", "test_error", 2.3),
    ("paper", "scellier2017", "mnist_2h_alternating", "test_error", 2.8),
    ("paper", "scellier2017", "mnist_3h_alternating", "test_error", 4.0),
    ("paper", "lee2015", "mnist_continuous", "test_error", 2.4),
    ("standard", "scellier2017", "mnist_1h", "test_error", 5.0),
    ("standard", "scellier2017", "mnist_1h_released", "test_error", 5.0),
    ("standard", "lee2015", "mnist_continuous", "test_error", 5.0),
    ("standard", "lee2015", "mnist_backpropagation", "test_error", 5.0),
]


@pytest.mark.parametrize(("tier", "paper", "experiment", "metric", "ceiling"), AT_MOST)
def test_errors_in_percent_are_at_most(tier, paper, experiment, metric, ceiling):
    assert 0 <= mean(tier, paper, experiment, metric) <= ceiling + 1e-9  # a mean of decimals


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_estimate_of_equilibrium_propagation_nears_the_gradient_as_theory_says(depth):
    for side, order, off in (("one-sided", 1, 0.1), ("symmetric", 2, 0.2)):
        layer = f"{side}, {depth} hidden"
        found = mean("paper", "scellier2017", "gradient_estimate", "order", layer)
        assert found == pytest.approx(order, abs=off)
    assert mean("paper", "scellier2017", "gradient_estimate", "cosine", "lowest") >= 0.99


def test_target_propagation_is_within_half_a_point_of_back_propagation():
    errors = [
        mean("paper", "lee2015", name, "test_error")
        for name in ("mnist_continuous", "mnist_backpropagation")
    ]
    assert abs(errors[0] - errors[1]) <= 0.5


def test_generate_is_30_nats_above_ancestral_sampling():
    generate, ancestral = (
        mean("paper", "bengio2015", "deep_generative_model", "parzen", sampler)
        for sampler in ("generate", "ancestral")
    )
    assert generate - ancestral >= 30


@pytest.mark.parametrize("side", ["potentiation", "depression"])
@pytest.mark.parametrize("tier", ["standard", "paper"])
def test_simulated_stdp_is_exponential_on_both_sides(tier, side):
    assert mean(tier, "bengio2015", "stdp_spread", "r2_exponential", side) >= 0.95


def test_generate_reaches_200_nats():
    assert mean("paper", "bengio2015", "deep_generative_model", "parzen", "generate") >= 200
