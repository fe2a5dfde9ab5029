"""Figures of Cornford et al. 2021."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import (
    PAGE,
    Drawn,
    by_epoch,
    curve,
    errors_beside_a_legend,
)


def learning_curves(drawn: Drawn) -> Figure:
    """Errors of all networks."""
    return errors_beside_a_legend(drawn)


def inputs(drawn: Drawn) -> Figure:
    """Mean and spread over a layer's units of what they sum, a column for each layer."""
    parts = sorted({p for p in drawn.scores["part"].dropna() if p[:-1] == "layer "})
    rows = {"input_mean": "mean", "input_deviation": "standard deviation"}
    figure, grid = plt.subplots(2, len(parts), figsize=(PAGE, 4), sharex=True, sharey="row")
    for axes, (metric, label) in zip(grid, rows.items(), strict=True):
        for axis, part in zip(axes, parts, strict=True):
            for name in drawn.arrays:
                found = drawn.of(name, metric)
                curve(axis, found[found["part"] == part], color=drawn.color(name),
                      label=drawn.label(name))  # fmt: skip
        axes[0].set_ylabel(label)
    for axis, part in zip(grid[0], parts, strict=True):
        axis.set_title(part)
        axis.axhline(0, color="0.6", lw=0.8, ls=":")
    for axis in grid[1]:
        axis.axhline(1, color="0.6", lw=0.8, ls=":")
        axis.set_yscale("log")
        by_epoch(axis)
    handles = grid[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=2)
    return figure
