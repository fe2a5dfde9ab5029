"""Scores of the simulations, from arrays that are known."""

import numpy as np
import pytest

from replications.lillicrap2016 import scores
from replications.lillicrap2016.simulation import RULES


def by_part(found):
    return {(s.metric, s.part): s.value for s in found}


def test_linear_task():
    arrays = {rule: np.array([1.0, 0.5, 1e-9, 0.5 + k]) for k, rule in enumerate(RULES)}
    # The second angle is of the examples after the error of 0.5, the third of those after 1e-9.
    arrays |= {"examples": np.arange(4), "angle, back-propagation": np.array([80.0, 20.0, 60.0]),
               "angle, pseudo-backprop": np.array([85.0, 5.0, 61.0])}  # fmt: skip
    found = by_part(scores.linear_task(arrays))
    assert found["normalised_error", "feedback alignment"] == 1.5
    assert found["angle_to", "back-propagation, at first"] == 80
    assert found["angle_to", "pseudo-backprop"] == 5 and len(found) == 8


def test_initial_scales():
    arrays = {"scales": np.array([0.001, 0.2]), "error": np.array([0.1, 0.3]),
              "angle, back-propagation": np.array([30.0, 60.0]),
              "angle, pseudo-backprop": np.array([3.0, 50.0])}  # fmt: skip
    found = by_part(scores.initial_scales(arrays))
    assert found["angle_to", "pseudo-backprop, scale 0.001"] == 3
    assert found["normalised_error", "scale 0.2"] == 0.3 and len(found) == 6


def test_conservation():
    each = {"times": [1.0, 2.0], "drift": [1e-9, 1e-12], "error": [0.5, 0.1]}
    arrays = {
        f"{start}, {name}": np.array(values)
        for start in ("random", "zero")
        for name, values in each.items()
    }
    found = by_part(scores.conservation(arrays))
    assert found["largest_drift", "zero"] == 1e-9 and found["map_error", "random"] == 0.1


def test_nonlinear_task_tells_how_sure_the_advantage_of_depth_is():
    rng = np.random.default_rng(0)
    few, more = rng.normal(0.5, 0.1, 20), rng.normal(0.3, 0.1, 20)
    arrays = {"examples": np.array([0, 1])}
    for rule in ("back-propagation", "feedback alignment"):
        arrays |= {f"3 layers, {rule}": np.stack([few, few]),
                   f"4 layers, {rule}": np.stack([few, more])}  # fmt: skip
    found = by_part(scores.nonlinear_task(arrays))
    assert found["normalised_error", "4 layers, feedback alignment"] == pytest.approx(more.mean())
    from scipy.stats import ttest_ind

    expected = ttest_ind(few, more, equal_var=False).statistic
    assert found["depth_advantage", "back-propagation"] == pytest.approx(expected)


def test_three_neurons():
    ends = np.array([[1.0, 1.0], [2.0, 0.5], [-3.0, 1.0], [0.1, 0.1]])
    starts = np.array([[0.0, 0.4], [2.0, 2.0], [-2.0, 1.0], [0.1, 0.1]])
    arrays = {"paths": np.stack([starts, ends]), "quantity": np.array([[0.0, 1.0], [0.5, 1.0]])}
    found = by_part(scores.three_neurons(arrays))
    assert found["share_solved", "all starts"] == 50
    assert found["share_solved", "starts near 0"] == 50 and found["largest_drift", ""] == 0.5
