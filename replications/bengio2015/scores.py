"""Scores of the simulations: the shape of the curve of ΔW against ΔT, on each side of ΔT = 0."""

from contextlib import suppress

import numpy as np
from scipy.optimize import curve_fit
from scipy.stats import spearmanr

from replications.core.base.scores import Score

SIDES = {"potentiation": 1, "depression": -1}  # the sign of ΔT


def stdp_curve(arrays: dict[str, np.ndarray]) -> list[Score]:
    """Shape of the curve on each side of ΔT = 0; the side is the part.

    With t = |ΔT| and w = sign(ΔT) ΔW over the filled bins, unweighted least squares of w itself
    (not of its logarithm): w = amplitude exp(−t / tau) and w = amplitude t^exponent, each with
    R² = 1 − Σ(w − fit)² / Σ(w − mean)². sign_agreement: share of bins with w > 0. spearman: rank
    correlation of w with t, −1 for a strict decay. Raises ValueError where a fit does not exist
    (fewer than three bins, no convergence).
    """
    return [
        Score(metric, value, part)
        for part, sign in SIDES.items()
        for metric, value in shape(*side(arrays, sign)).items()
    ]


def rate_of_change(arrays: dict[str, np.ndarray]) -> list[Score]:
    """The same shapes, and relative_error: |ΔW − expected| / |expected| over all bins."""
    expected = arrays["expected"]
    error = np.linalg.norm(arrays["delta_w"] - expected) / np.linalg.norm(expected)
    return [*stdp_curve(arrays), Score("relative_error", error)]


def side(arrays: dict[str, np.ndarray], sign: int) -> tuple[np.ndarray, np.ndarray]:
    """One side of the curve mirrored to the first quadrant: t = |ΔT| (ms), w = sign(ΔT) ΔW."""
    on_side = sign * arrays["delta_t"] > 0  # False where NaN
    return sign * arrays["delta_t"][on_side], sign * arrays["delta_w"][on_side]


def exponential(t, amplitude, tau):
    """amplitude · exp(−t / tau), t and tau in ms."""
    return amplitude * np.exp(-t / tau)


def power(t, amplitude, exponent):
    """amplitude · t^exponent, t in ms."""
    return amplitude * t**exponent


def shape(t, w):
    """The metrics of one side; t and w have shape ``(filled bins,)``."""
    if len(t) == 0:
        raise ValueError("one side of the curve has no filled bin: add pairs or widen the window")
    (height, tau), r2_exponential = fit(exponential, t, w, start=(w.max(), t.mean()))
    (scale, exponent), r2_power = fit(power, t, w, start=(w.max() * t.min(), -1.0))
    spearman = spearmanr(t, w).statistic if len(t) > 2 else np.nan
    return {
        "amplitude_exponential": height,
        "tau": tau,
        "r2_exponential": r2_exponential,
        "amplitude_power": scale,
        "exponent": exponent,
        "r2_power": r2_power,
        "sign_agreement": np.mean(w > 0),
        "spearman": spearman,
    }


def fit(curve, t, w, *, start):
    """Unweighted least squares of curve(t, a, b) to w: ((a, b), R²), NaN where none exists."""
    best = np.nan, np.nan
    with suppress(RuntimeError):  # no convergence
        if len(t) > 2:  # two parameters pass through two points whatever the curve
            best, _ = curve_fit(curve, t, w, p0=start, maxfev=10_000)
    return best, 1 - np.sum((w - curve(t, *best)) ** 2) / np.sum((w - w.mean()) ** 2)
