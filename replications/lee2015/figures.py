"""Figures of Lee et al. 2015."""

import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import Drawn, alignment_by_layer, by_epoch, curve, error_curves


def learning_curves(drawn: Drawn) -> Figure:
    """Training cost, and training, validation and test error, of the network and its twin."""
    figure, (cost, error) = plt.subplots(1, 2, figsize=(8.6, 3.4), layout="constrained")
    for color, experiment in zip(sns.color_palette(), drawn.arrays, strict=False):
        curve(cost, drawn.of(experiment, "train_cost"), color=color, label=drawn.label(experiment))
    cost.set(ylabel="training cost (nats)", yscale="log")
    by_epoch(cost)
    error_curves(drawn, error, list(drawn.arrays))
    error.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(figure)
    return figure


def alignment(drawn: Drawn) -> Figure:
    """The updates against the gradient of the same cost, per layer."""
    return alignment_by_layer(drawn)
