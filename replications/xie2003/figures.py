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
from replications.xie2003.scores import OUTPUTS


def feedback_strengths(drawn: Drawn) -> Figure:
    """Error of the update, and its norm with and without the factor, by gamma."""
    figure, axes = plt.subplots(1, 3, figsize=(PAGE, 2.8))
    runs = drawn.arrays["feedback_strengths"]
    gammas = runs[0]["gammas"]
    layers = sorted({name.split(", ")[1] for name in runs[0] if ", " in name})
    for k, weights in enumerate(layers):
        for (cost, outputs), style in zip(OUTPUTS.items(), ("-", "--"), strict=True):
            for axis, what in zip(axes, ("error", "norm ratio", "plain ratio"), strict=True):
                values = np.mean(
                    [run[f"{cost}, {weights}, {what}"].mean(1) for run in runs], axis=0
                )
                axis.plot(gammas, values, style, color=f"C{k}", marker="o", ms=3, lw=1,
                          label=f"{weights}, {outputs}")  # fmt: skip
    for axis, label in zip(
        axes, ("|update + gradient| / |gradient|", "|update| / |gradient|", "the same, without the factor"),
        strict=True,
    ):  # fmt: skip
        axis.set(xlabel="strength of feedback γ", ylabel=label, xscale="log", yscale="log")
    plain_log_ticks(axes[1].yaxis)
    axes[0].legend(fontsize=6)
    return figure


def contrasts(drawn: Drawn) -> Figure:
    """Share of examples whose contrast is negative, by the size of the weights."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.6))
    runs = drawn.arrays["contrasts"]
    for k, start in enumerate(("from the clamped state", "from anew")):
        for run in runs:
            share = 100 * (run[start] < -1e-9).mean(1)
            axis.plot(run["gains"], share, "-o", color=f"C{k}", ms=3, lw=0.8)
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
