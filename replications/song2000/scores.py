"""Scores of the simulation: rates of the output neuron, and how its weights are distributed."""

from __future__ import annotations

import numpy as np

from replications.core.base.scores import Score


def competition(arrays: dict[str, np.ndarray]) -> list[Score]:
    """Rates of the output neuron, and the distribution of its weights, for each rate of the inputs.

    output_rate; irregularity; "share" of the weights in the lowest and highest fifth of their range
    ("outer fifths"), in the middle one, and in the highest; mean_weight of all, and of correlated
    and other inputs where there are both. Where there are several rates, rate_gain, d log(output
    rate) / d log(input rate) by least squares, "before" learning and in the "last fifth". The part
    starts with the rate of the inputs.
    """
    scores = []
    common = arrays["correlated"]
    for at, rate in enumerate(arrays["input_rates"]):
        weights, name = arrays["weights"][at], f"{rate:g} Hz"
        low, middle, high = weights < 0.2, (weights >= 0.4) & (weights < 0.6), weights >= 0.8
        found = {
            ("output_rate", name): arrays["output_rates"][at],
            ("irregularity", name): arrays["irregularity"][at],
            ("share", f"{name}, outer fifths"): np.mean(low | high),
            ("share", f"{name}, middle fifth"): np.mean(middle),
            ("share", f"{name}, highest fifth"): np.mean(high),
            ("mean_weight", name): weights.mean(),
        }
        if common.any() and not common.all():
            found["mean_weight", f"{name}, correlated"] = weights[common].mean()
            found["mean_weight", f"{name}, others"] = weights[~common].mean()
        scores += [
            Score(metric, value, part)
            for (metric, part), value in found.items()
            if not np.isnan(value)  # a silent neuron has no irregularity
        ]
    if len(arrays["input_rates"]) > 1:
        for part, key in (("before", "first_rates"), ("last fifth", "output_rates")):
            if (arrays[key] > 0).all():  # nor has its rate a logarithm
                gain, _ = np.polyfit(np.log(arrays["input_rates"]), np.log(arrays[key]), 1)
                scores.append(Score("rate_gain", gain, part))
    return scores
