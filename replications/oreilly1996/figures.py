"""Figures of O'Reilly 1996."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import COLUMN, PAGE, Drawn, plain_log_ticks
from replications.oreilly1996.scores import chosen
from replications.oreilly1996.simulation import GENEREC, RULES

TASKS = {
    "xor": "exclusive or",
    "encoder": "4-2-4",
    "digits": "100 digits",
    "family_trees": "family trees",
}


def epochs_to_criterion(drawn: Drawn) -> Figure:
    """Epochs of every measured network at its rule's rate, and their median, by task."""
    figure, axes = plt.subplots(1, len(TASKS), figsize=(PAGE, 2.6), sharey=True)
    for axis, (task, title) in zip(axes, TASKS.items(), strict=True):
        runs = drawn.arrays[task]
        limit = runs[0]["epochs"][0]
        for k, rule in enumerate(RULES):
            found = []
            for run in runs:
                best, others = chosen(run, rule)
                found.append(np.minimum(run[f"{rule}, epochs"][best, others], limit))
            epochs = np.sort(np.concatenate(found))
            heights = k + np.linspace(-0.3, 0.3, len(epochs))
            axis.plot(epochs, heights, ".", color=f"C{k}", ms=3)
            axis.plot([np.median(epochs)] * 2, [k - 0.4, k + 0.4], color="black", lw=1)
        axis.axvline(limit, color="grey", lw=0.6, ls=":")
        axis.set(title=title, xscale="log", xlabel="epochs")
        plain_log_ticks(axis.xaxis)
    axes[0].set(yticks=range(len(RULES)), yticklabels=RULES)
    axes[0].invert_yaxis()
    return figure


def rates(drawn: Drawn) -> Figure:
    """Median epochs of all networks by rate, the limit where most do not reach the criterion."""
    figure, axes = plt.subplots(1, len(TASKS), figsize=(PAGE, 2.6))
    for axis, (task, title) in zip(axes, TASKS.items(), strict=True):
        runs = drawn.arrays[task]
        for k, rule in enumerate(RULES):
            epochs = np.concatenate([run[f"{rule}, epochs"] for run in runs], axis=1)
            median = np.minimum(np.median(epochs, axis=1), runs[0]["epochs"][0])
            axis.plot(runs[0]["rates"], median, "-o", color=f"C{k}", ms=3, lw=1, label=rule)
        axis.set(title=title, xscale="log", yscale="log", xlabel="rate")
        axis.minorticks_off()
        axis.set_xticks(runs[0]["rates"], [f"{rate:g}" for rate in runs[0]["rates"]])
        plain_log_ticks(axis.yaxis)
    axes[0].set(ylabel="median epochs")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def approximation(drawn: Drawn) -> Figure:
    """Angle to recurrent back-propagation by the size of the weights."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.6))
    for rule in GENEREC:
        color = f"C{RULES.index(rule)}"
        for run in drawn.arrays["approximation"]:
            axis.plot(run["gains"], run[rule].mean(1), "-o", color=color, ms=3, lw=0.8)
        axis.plot([], [], color=color, label=rule)
    axis.set(xlabel="weights from U(−g, g): g", ylabel="angle (degrees)", xscale="log")
    axis.legend()
    return figure
