"""Means over runs, and how far they can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """The correlation of ranks; equal values share theirs. nan where all of one are equal."""
    return float(stats.spearmanr(x, y).statistic)


def t_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """The 95% interval mean -/+ t SD / sqrt(n), t of Student's distribution with n - 1 degrees.

    For one value (nan, nan): one run says nothing of the spread.
    """
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(stats.t.ppf(0.975, n - 1)) * sd / math.sqrt(n)
    return mean - half, mean + half
