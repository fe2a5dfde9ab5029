"""Figures of Diehl & Cook 2015."""

from math import ceil, isqrt

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import PAGE, Drawn, width


def receptive_fields(drawn: Drawn) -> Figure:
    """Fig. 2: the weights of each neuron as an image, of the first run of each experiment."""
    columns = len(drawn.arrays)
    figure, axes = plt.subplots(1, columns, figsize=(width(columns), 2.6), squeeze=False)
    for axis, name in zip(axes[0], drawn.arrays, strict=True):
        learnt = drawn.parameters(name)
        mean = learnt["responses"] / np.maximum(learnt["images"], 1)
        order = np.argsort(mean.argmax(axis=1), kind="stable")
        grid = mosaic(learnt["W"].T[order])
        shown = axis.imshow(grid, cmap="Greys", vmin=0, vmax=np.quantile(learnt["W"], 0.999))
        axis.set(title=drawn.label(name), xticks=[], yticks=[])
        figure.colorbar(shown, ax=axis, shrink=0.7, label="weight")
    return figure


def mosaic(rows: np.ndarray) -> np.ndarray:
    """Square images, (count, pixels), side by side in rows of about as many."""
    side, columns = isqrt(rows.shape[1]), ceil(len(rows) ** 0.5)
    lines = ceil(len(rows) / columns)
    grid = np.zeros((lines, columns, side + 1, side + 1))
    grid.reshape(-1, side + 1, side + 1)[: len(rows), :side, :side] = rows.reshape(-1, side, side)
    return grid.swapaxes(1, 2).reshape(lines * (side + 1), columns * (side + 1))


def errors(drawn: Drawn) -> Figure:
    """Validation and test error after the last epoch, with what is reported; spikes per image."""
    figure, (error, spikes) = plt.subplots(1, 2, figsize=(PAGE, 2.6), sharey=True)  # fmt: skip
    there = list(drawn.arrays)
    for axis, metrics in (
        (error, ("validation_error", "test_error")),
        (spikes, ("spikes_per_image", "presentations")),
    ):
        for color, metric in zip(sns.color_palette(), metrics, strict=False):
            for row, name in enumerate(there):
                scores = drawn.of(name, metric)
                values = scores.loc[scores["step"] == scores["step"].max(), "value"]
                label = None if row else metric.replace("_", " ")
                axis.plot(values, [row] * len(values), "o", color=color, ms=4, label=label)
    for row, name in enumerate(there if drawn.on_the_papers_data else []):
        values = reported(drawn, name)
        error.plot(values, [row] * len(values), "x", color="0.4", label=None if row else "reported")
    error.set_yticks(range(len(there)), [drawn.label(name) for name in there])
    error.set(xlabel="error (%)", xlim=(0, None))
    error.invert_yaxis()
    spikes.set(xlabel="excitatory spikes, and presentations, per image", xlim=(0, None))
    for axis in (error, spikes):
        axis.grid(axis="y", color="0.9")
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2),
                    ncols=3)  # fmt: skip
    return figure


def reported(drawn: Drawn, name: str) -> list[float]:
    """Test errors that the claims about an experiment report."""
    abouts = [c.declared for c in drawn.paper.claims if "about" in c.declared]
    return [
        claim["value"]["mean"]
        for claim in abouts
        if claim["about"]["experiment"] == name and claim["about"]["metric"] == "test_error"
    ]
