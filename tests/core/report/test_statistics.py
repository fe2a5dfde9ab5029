"""The t-interval against SciPy's, and against what it promises."""

import math

import numpy as np
import pytest
from scipy import stats

from replications.core.report.statistics import t_interval


@pytest.mark.parametrize("n", [2, 3, 5, 10, 100])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_it_is_scipys(n, scale):
    values = 3 + scale * np.random.default_rng(n).standard_normal(n)
    expected = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert t_interval(values) == pytest.approx(expected, rel=1e-9)
    assert t_interval(list(values)) == t_interval(values)


def test_by_hand():
    """Mean 2, SD 1, n = 3: the half-width is 4.3027 / sqrt(3)."""
    assert t_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-5)


@pytest.mark.parametrize("values", [[1.0], []])
def test_one_value_says_nothing_of_the_spread(values):
    assert all(math.isnan(end) for end in t_interval(values))


def test_equal_values_have_no_spread():
    assert t_interval([0.25] * 3) == (0.25, 0.25)


@pytest.mark.parametrize("n", [3, 5])
def test_95_of_100_intervals_hold_the_mean(n):
    """With 4,000 intervals the share has a standard deviation of 0.34%."""
    samples = 2 + 3 * np.random.default_rng(0).standard_normal((4000, n))
    held = [low <= 2 <= high for low, high in map(t_interval, samples)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)
