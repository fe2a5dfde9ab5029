"""Figures of Xie & Seung 2003."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import (
    COLUMN,
    PAGE,
    Drawn,
    alignment_by_layer,
    panels,
    plain_log_ticks,
)
from replications.xie2003.scores import share_negative
from replications.xie2003.simulation import COSTS, STARTS


def feedback_strengths(drawn: Drawn) -> Figure:
    """Error of the update, and its norm with and without the factor, by gamma."""
    figure, axes = plt.subplots(1, 3, figsize=(PAGE, 2.8))
    runs = drawn.arrays["feedback_strengths"]
    gammas = runs[0]["gammas"]
    layers = sorted({name.split(", ")[1] for name in runs[0] if ", " in name})
    labels = {
        "error": "|update + gradient| / |gradient|",
        "norm ratio": "|update| / |gradient|",
        "plain ratio": "the same, without the factor",
    }
    for axis, (what, label) in zip(axes, labels.items(), strict=True):
        for k, weights in enumerate(layers):
            for outputs, style in zip(COSTS, ("-", "--"), strict=True):
                of_runs = [run[f"{outputs}, {weights}, {what}"].mean(1) for run in runs]
                axis.plot(gammas, np.mean(of_runs, axis=0), style, color=f"C{k}", marker="o",
                          ms=3, lw=1, label=f"{weights}, {outputs}")  # fmt: skip
        axis.set(xlabel="strength of feedback γ", ylabel=label, xscale="log", yscale="log")
    plain_log_ticks(axes[1].yaxis)
    axes[0].legend(fontsize=6)
    return figure


def contrasts(drawn: Drawn) -> Figure:
    """Share of examples whose contrast is negative, by the size of the weights."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.6))
    runs = drawn.arrays["contrasts"]
    for k, start in enumerate(STARTS):
        for run in runs:
            axis.plot(run["gains"], share_negative(run[start]), "-o", color=f"C{k}", ms=3, lw=0.8)
        axis.plot([], [], color=f"C{k}", label=f"free phase {start}")
    axis.set(xlabel="gain of the weights", ylabel="contrasts below zero (%)", xscale="log")
    axis.legend()
    return figure


def learning_curves(drawn: Drawn) -> Figure:
    """Errors with one and with two hidden layers."""
    return panels(drawn, {"one hidden layer": ("one",), "two hidden layers": ("two",)})


def alignment(drawn: Drawn) -> Figure:
    """The updates against the gradient of the same cost, per layer."""
    return alignment_by_layer(drawn)
