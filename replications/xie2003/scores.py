"""Scores of the simulations."""

from __future__ import annotations

import numpy as np

from replications.core.base.scores import Score
from replications.xie2003.simulation import STARTS

Arrays = dict[str, np.ndarray]
WEAK = 0.05  # up to this gamma orders are fitted


def order(gammas: np.ndarray, values: np.ndarray) -> float:
    """p of values ~ gamma^p, by least squares in logarithms, over gamma up to WEAK."""
    weak = gammas <= WEAK
    return float(np.polyfit(np.log(gammas[weak]), np.log(values[weak]), 1)[0])


def feedback_strengths(arrays: Arrays) -> list[Score]:
    """By kind of output and layer, means over networks.

    cosine and norm_ratio to -gradient at every gamma, "linear, W1, 0.05"; order_of_error in gamma;
    and order_without_factor, that of the norm ratio without gamma^{k-L}, "linear, W1".
    """
    gammas, scores = arrays["gammas"], []
    for name in arrays:
        if not name.endswith(", cosine"):
            continue
        part = name.removesuffix(", cosine")
        mean = {what: arrays[f"{part}, {what}"].mean(1)
                for what in ("cosine", "norm ratio", "error", "plain ratio")}  # fmt: skip
        scores.append(Score("order_of_error", order(gammas, mean["error"]), part))
        scores.append(Score("order_without_factor", order(gammas, mean["plain ratio"]), part))
        for g, gamma in enumerate(gammas):
            at = f"{part}, {gamma:g}"
            scores.append(Score("cosine", mean["cosine"][g], at))
            scores.append(Score("norm_ratio", mean["norm ratio"][g], at))
    return scores


def share_negative(contrasts: np.ndarray) -> np.ndarray:
    """Percent of the contrasts, (G, examples), that are below zero, (G,).

    Below -1e-9: where both phases end in one state, rounding decides the sign.
    """
    return 100 * (contrasts < -1e-9).mean(1)


def contrasts(arrays: Arrays) -> list[Score]:
    """share_negative of the examples, percent, by start and gain."""
    return [
        Score("share_negative", share, f"{start}, {gain:g}")
        for start in STARTS
        for gain, share in zip(arrays["gains"], share_negative(arrays[start]), strict=True)
    ]
