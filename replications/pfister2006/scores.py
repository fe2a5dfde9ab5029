"""Scores of the simulations: how far the rules are from what was measured."""

from __future__ import annotations

import numpy as np

from replications.core.base.scores import Score
from replications.pfister2006 import measurements
from replications.pfister2006.fitting import squared_error
from replications.pfister2006.simulation import JOINT

Arrays = dict[str, np.ndarray]


def frequency_dependence(arrays: Arrays) -> list[Score]:
    """fit_error, the E of `fitting`, and log_fit_error: differences in powers of ten.

    The part is the candidate, with what it was fitted to.
    """
    scores = []
    for name, change in arrays.items():
        kind, *parts = name.split(JOINT)
        if kind == "change":
            e = squared_error(change, measurements.CHANGE, measurements.ERROR)
            part = ", ".join(parts)
            scores += [Score("fit_error", e, part), Score("log_fit_error", np.log10(e), part)]
    return scores


def window(arrays: Arrays) -> list[Score]:
    """window_error: root mean square distance from the measured window, over the window's own.

    The part is the candidate.
    """
    measured = arrays["measured"]
    return [
        Score("window_error", np.linalg.norm(found - measured) / np.linalg.norm(measured), part)
        for name, found in arrays.items()
        for kind, _, part in [name.partition(JOINT)]
        if kind == "window"
    ]
