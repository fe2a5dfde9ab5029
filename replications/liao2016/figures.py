"""Figures of Liao, Leibo & Poggio 2016."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import (
    COLUMN,
    Drawn,
    alignment_by_layer,
    by_epoch_taken,
    errors_beside_a_legend,
    panels,
)


def library(drawn: Drawn) -> Figure:
    """Test errors of LeNet by which epoch is taken."""
    return by_epoch_taken(drawn)


def concordance(drawn: Drawn) -> Figure:
    """Test error by the share of signs that feedback has in common with the weights."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.8))
    shares, means = [], []
    for experiment in drawn.experiments:
        values = drawn.of(experiment.name, "test_error")["value"].to_numpy()
        if experiment.science[1] == "FeedbackAlignment":
            axis.axhline(values.mean(), color="C1", lw=1, ls="--", label=experiment.label)
            continue
        share = 100 * experiment.resolved["settings"].get("concordance", 1.0)
        axis.plot([share] * len(values), values, "o", color="C0", ms=3, alpha=0.5)
        shares.append(share)
        means.append(values.mean())
    order = np.argsort(shares)
    axis.plot(np.array(shares)[order], np.array(means)[order], "-o", color="C0", ms=5)
    axis.set(xlabel="feedback with the sign of its weight (%)", ylabel="test error (%)")
    axis.set_ylim(0, None)
    axis.legend()
    return figure


def stabilised(drawn: Drawn) -> Figure:
    """Errors of feedback of magnitude one: bare, normalised, and with updates of signs."""
    return errors_beside_a_legend(drawn)


def learning_curves(drawn: Drawn) -> Figure:
    """Errors of LeNet, bare and normalised."""
    return panels(drawn, {"bare": ("mnist",), "normalised": ("normalised",)})


def alignment(drawn: Drawn) -> Figure:
    """The updates against the gradient of the same cost, per layer."""
    return alignment_by_layer(drawn)
