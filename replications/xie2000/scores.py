"""Scores of the simulations: what the drift of the weights was regressed on, and two rules."""

from __future__ import annotations

import numpy as np

from replications.core.base.scores import Score
from replications.xie2000.simulation import JOINT

COEFFICIENTS = ("rate_coefficient", "covariance_coefficient", "change_coefficient")


def drift(arrays: dict[str, np.ndarray]) -> list[Score]:
    """Coefficients of the regression, over their scales, and r2_regression.

    rate_coefficient, covariance_coefficient, change_coefficient: for slow rates the first two are
    one. The part is "<window>, <f> Hz".
    """
    scores = []
    for name, values in arrays.items():
        kind, *parts = name.split(JOINT)
        found = {}
        if kind == "coefficients":
            found = dict(zip(COEFFICIENTS, values, strict=True))
        elif kind == "r2":
            found = {"r2_regression": values[0]}
        scores += [Score(metric, value, ", ".join(parts)) for metric, value in found.items()]
    return scores


def differential_rule(arrays: dict[str, np.ndarray]) -> list[Score]:
    """relative_error of all pairs of spikes, where presynaptic activity times change is right."""
    pairs, differential = arrays["pairs"], arrays["differential"]
    apart = np.linalg.norm(pairs - differential) / np.linalg.norm(differential)
    return [Score("relative_error", apart)]
