"""Scores of the simulations."""

from __future__ import annotations

import numpy as np

from replications.core.base.scores import Score

Arrays = dict[str, np.ndarray]
OUTPUTS = {"squared_error": "linear", "sigmoid_cross_entropy": "sigmoid"}
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
        cost, weights, _ = name.split(", ")
        part = f"{OUTPUTS[cost]}, {weights}"
        mean = {what: arrays[f"{cost}, {weights}, {what}"].mean(1)
                for what in ("cosine", "norm ratio", "error", "plain ratio")}  # fmt: skip
        scores.append(Score("order_of_error", order(gammas, mean["error"]), part))
        scores.append(Score("order_without_factor", order(gammas, mean["plain ratio"]), part))
        for g, gamma in enumerate(gammas):
            at = f"{part}, {gamma:g}"
            scores.append(Score("cosine", mean["cosine"][g], at))
            scores.append(Score("norm_ratio", mean["norm ratio"][g], at))
    return scores


def contrasts(arrays: Arrays) -> list[Score]:
    """share_negative, percent of the examples whose contrast is below zero, by start and gain.

    Below -1e-9: where both phases end in one state, rounding decides the sign.
    """
    return [
        Score("share_negative", 100 * (arrays[start][g] < -1e-9).mean(), f"{start}, {gain:g}")
        for start in ("from the clamped state", "from anew")
        for g, gain in enumerate(arrays["gains"])
    ]
