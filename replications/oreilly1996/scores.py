"""Scores of the simulations."""

from __future__ import annotations

import numpy as np

from replications.core.base.scores import Score
from replications.oreilly1996.simulation import GENEREC, RULES

Arrays = dict[str, np.ndarray]


def chosen(arrays: Arrays, rule: str) -> tuple[int, slice]:
    """Which rate is best for the first half of the networks, and the other half, to be measured.

    Best is the least mean of epochs, where not to reach the criterion counts as the limit; then the
    most patterns right.
    """
    epochs = np.minimum(arrays[f"{rule}, epochs"], arrays["epochs"][0])
    half = epochs.shape[1] // 2
    tried, right = epochs[:, :half].mean(1), arrays[f"{rule}, right"][:, :half].mean(1)
    return int(np.lexsort((-right, tried))[0]), slice(half, None)


def learning(arrays: Arrays) -> list[Score]:
    """By rule, of the networks that did not choose its rate.

    epochs_to_criterion, their median, the limit where it is not reached; reached, the percent that
    reach it; patterns_right, percent, at the end; and rate_chosen.
    """
    scores = []
    for rule in RULES:
        best, others = chosen(arrays, rule)
        epochs = arrays[f"{rule}, epochs"][best, others]
        right = arrays[f"{rule}, right"][best, others]
        scores += [
            Score("epochs_to_criterion", min(np.median(epochs), arrays["epochs"][0]), rule),
            Score("reached", 100 * np.isfinite(epochs).mean(), rule),
            Score("patterns_right", 100 * right.mean(), rule),
            Score("rate_chosen", arrays["rates"][best], rule),
        ]
    return scores


def approximation(arrays: Arrays) -> list[Score]:
    """angle to recurrent back-propagation's update, degrees, a mean, by rule and gain."""
    return [
        Score("angle", angle, f"{rule}, {gain:g}")
        for rule in GENEREC
        for gain, angle in zip(arrays["gains"], arrays[rule].mean(1), strict=True)
    ]
