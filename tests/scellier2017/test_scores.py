"""Scores of the simulations, of arrays whose worst, mean and shares are known beforehand."""

import numpy as np
import pytest

from replications.scellier2017 import scores


def scored(simulation, **arrays):
    """{(metric, part): value} of planted arrays."""
    found = simulation({name: np.array(array) for name, array in arrays.items()})
    return {(s.metric, s.part): s.value for s in found}


def test_the_lowest_cosine_of_any_depth_counts():
    arrays = {"beta": [0.1, 0.05]}
    for h, cosines in ((1, [0.7, 0.9]), (2, [0.9, 0.4, 0.8])):
        arrays |= {f"one_sided_{h}": [0.2, 0.1], f"symmetric_{h}": [0.4, 0.1]}
        arrays |= {f"cosine_{h}": cosines, f"norm_ratio_{h}": cosines}
        arrays |= {f"inside_{h}": 0.8, f"kept_{h}": 0.6}
    found = scored(scores.gradient_estimate, **arrays)
    assert found["cosine", "lowest"] == 0.4 == found["cosine", "W2, 2 hidden"]
    assert found["order", "one-sided, 2 hidden"] == pytest.approx(1)
    assert found["order", "symmetric, 1 hidden"] == pytest.approx(2)
    assert found["share", "kept, 1 hidden"] == 0.6 and found["share", "inside, 2 hidden"] == 0.8


def test_the_largest_rise_at_any_step_size_counts():
    arrays = {"step_size": [0.5, 0.25]}
    for phase, rises in (("free", [-1.0, 0.2]), ("nudged", [0.3, -2.0])):
        arrays |= {f"error_{phase}": [0.2, 0.1], f"largest_rise_{phase}": rises}
    found = scored(scores.energy_descent, **arrays)
    assert found["largest_rise", "free"] == 0.2 and found["largest_rise", "nudged"] == 0.3


def test_the_largest_derivative_counts_and_the_error_is_about_the_examples_kept():
    found = scored(
        scores.nudged_cost, smooth=[1, 1, 0], derivative=[-1.0, -2.0, 0.5],
        implicit=[-1.0, -1.0, 9.0], cost=[[3.0, 3.0, 1.0], [2.0, 3.0, 2.0]],
    )  # fmt: skip
    assert found["largest_derivative", ""] == 0.5
    assert found["relative_error", "derivative"] == pytest.approx(1 / 2**0.5)
    assert found["share", "falls"] == found["share", "kept"] == pytest.approx(2 / 3)


def test_the_worst_midpoint_and_the_last_left_error_count():
    found = scored(
        scores.stdp_integral, step_size=[0.5, 0.25], left=[0.4, 0.2], midpoint=[1e-16, 3e-15]
    )
    assert found["relative_error", "midpoint"] == 3e-15
    assert found["relative_error", "left, smallest step"] == 0.2


def test_the_worst_step_counts_at_the_smallest_beta():
    found = scored(scores.recurrent_backpropagation, beta=[0.2, 0.1], inside=0.9, kept=1.0,
                   error=[[0.5, 0.2, 0.8], [0.1, 0.4, 0.3]])  # fmt: skip
    assert found["relative_error", "worst step"] == 0.4
    assert found["order", ""] == pytest.approx(1)


def test_the_largest_process_error_counts_at_the_smallest_beta():
    found = scored(
        scores.backpropagation_through_time,
        beta=[0.2, 0.1],
        process_error=[[0.9, 0.2], [0.3, 0.1]],
        inside=0.9,
        kept=1.0,
    )
    assert found["process_error", "largest"] == 0.3 == found["process_error", "W1"]
    assert found["process_error", "W2"] == 0.1 and found["order", "W2"] == pytest.approx(1)


@pytest.mark.parametrize("ratios", [[1.1, 0.8], [1.2, 0.9]])
def test_the_lowest_cosine_and_the_norm_ratio_furthest_from_1_count(ratios):
    found = scored(
        scores.feedback_gain, feedback_gain=[0.2, 0.1], error=[[0.2, 0.4], [0.1, 0.1]], inside=0.9,
        kept=1.0, cosine=[[0.1, 0.1], [0.9, 0.6]], norm_ratio=[[9.0, 9.0], ratios],
    )  # fmt: skip
    assert found["cosine", "lowest"] == 0.6 and found["cosine", "W1"] == 0.9
    assert found["norm_ratio", "furthest from 1"] == max(ratios, key=lambda r: abs(r - 1))
    assert found["order", "W2"] == pytest.approx(2)


def test_negative_objectives_are_counted_apart_in_both_kinds_of_network():
    found = scored(
        scores.clamped_limit, beta=[10.0, 20.0], limit_error=[0.2, 0.1],
        objective=[1.0, -1.0, 0.0, -1e-12], wild_objective=[-1.0, -2.0, -3.0, 1.0],
    )  # fmt: skip
    assert found["share", "negative, one mode"] == 0.25
    assert found["share", "negative, several modes"] == 0.75
    assert found["relative_error", "largest beta"] == 0.1
    assert found["order", "in 1 / beta"] == pytest.approx(1)


def test_the_largest_difference_of_the_solvers_and_their_mean_ratio_count():
    found = scored(
        scores.convergence, depth=[1, 2], euler=[40.0, 120.0], alternate=[10.0, 20.0],
        largest_difference=[3e-8, 1e-8],
    )  # fmt: skip
    assert found["largest_difference", ""] == 3e-8 and found["iterations_ratio", ""] == 5
    assert found["iterations", "euler, 2 hidden"] == 120
    assert found["order", "alternate"] == pytest.approx(1)


def test_differences_and_standard_errors_stand_by_temperature():
    found = scored(
        scores.langevin, temperature=[0.1, 0.01], difference=[0.5, 0.2],
        standard_error=[0.04, 0.01],
    )  # fmt: skip
    assert found["relative_error", "T = 0.1"] == 0.5 and found["standard_error", "T = 0.01"] == 0.01
