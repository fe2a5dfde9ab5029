"""Scores of the simulations."""

from __future__ import annotations

import numpy as np

from replications.core.base.scores import Score
from replications.werfel2005.simulation import BASELINES, PARALLEL, RULES

Arrays = dict[str, np.ndarray]


def learning_curves(arrays: Arrays) -> list[Score]:
    """largest_deviation of the measured curve from the derived, percent, by rule."""
    return [
        Score(
            "largest_deviation",
            100 * np.abs(arrays[f"{rule}, measured"] / arrays[f"{rule}, derived"] - 1).max(),
            rule,
        )
        for rule in RULES
    ]


def speeds(arrays: Arrays) -> list[Score]:
    """slowdown, how many times slower one rule decays than another, and slowdown_derived.

    Of node perturbation to the gradient, of weight to node perturbation, and of sequential to
    parallel perturbation: part "<slower> to <faster>, M × N", for each size.
    """
    pairs = (("node", "gradient"), ("weight", "node"), ("node, sequential", "node"),
             ("weight, sequential", "weight"))  # fmt: skip
    scores = []
    for k, (outputs, inputs) in enumerate(arrays["sizes"]):
        for slower, faster in pairs:
            part = f"{slower} to {faster}, {outputs} × {inputs}"
            for metric, what in (("slowdown", "measured"), ("slowdown_derived", "derived")):
                ratio = arrays[f"{faster}, {what}"][k] / arrays[f"{slower}, {what}"][k]
                scores.append(Score(metric, ratio, part))
    return scores


def widths(arrays: Arrays) -> list[Score]:
    """slope of ln(decay) against ln(D + 2), by rule, and slope_derived by the recursion.

    D is how many numbers a rule perturbs: the outputs, or the weights. The gradient perturbs none;
    its slope is that against the outputs.
    """
    outputs, inputs = arrays["sizes"].T
    perturbed = {"gradient": outputs, "node": outputs, "weight": outputs * inputs}
    scores = []
    for rule in PARALLEL:
        for metric, what in (("slope", "measured"), ("slope_derived", "derived")):
            decay = arrays[f"{rule}, {what}"]
            slope, _ = np.polyfit(np.log(perturbed[rule] + 2), np.log(decay), 1)
            scores.append(Score(metric, slope, rule))
    return scores


def rates(arrays: Arrays) -> list[Score]:
    """error_growth: the last error over the first, by rule and share of the bound."""
    return [
        Score("error_growth", arrays[f"{rule}, measured"][k] / arrays["start"][0],
              f"{rule}, {share:.0%} of the bound")
        for rule in RULES
        for k, share in enumerate(arrays["shares"])
    ]  # fmt: skip


def small_rates(arrays: Arrays) -> list[Score]:
    """largest_deviation of a rule's curve from the gradient's, percent."""
    return [
        Score("largest_deviation", 100 * np.abs(arrays[rule] / arrays["gradient"] - 1).max(), rule)
        for rule in PARALLEL[1:]
    ]


def reinforce(arrays: Arrays) -> list[Score]:
    """exact_error, and cosine_of_samples to the gradient, by number of samples and baseline."""
    scores = []
    for baseline in BASELINES:
        scores.append(Score("exact_error", arrays[f"exact, {baseline}"][0], baseline))
        scores += [
            Score("cosine_of_samples", cosine, f"{baseline}, {count} samples")
            for count, cosine in zip(arrays["samples"], arrays[baseline], strict=True)
        ]
    return scores
