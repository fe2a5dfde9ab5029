"""Figures of Lee et al. 2015."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import (
    PAGE,
    Drawn,
    alignment_by_layer,
    by_epoch,
    curve,
    error_curves,
)


def learning_curves(drawn: Drawn) -> Figure:
    """Training cost, and training, validation and test error, of the network and its twin."""
    figure, (cost, error) = plt.subplots(1, 2, figsize=(PAGE, 2.6))
    for name in drawn.arrays:
        curve(cost, drawn.of(name, "train_cost"), color=drawn.color(name), label=drawn.label(name))
    cost.set(ylabel="training cost (nats)", yscale="log")
    by_epoch(cost)
    error_curves(drawn, error, list(drawn.arrays))
    error.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def alignment(drawn: Drawn) -> Figure:
    """The updates against the gradient of the same cost, per layer."""
    return alignment_by_layer(drawn)
