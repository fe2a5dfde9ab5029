"""Figures of Diehl & Cook 2015."""

from math import ceil, isqrt

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.plots import Drawn, curve, error_curves


def receptive_fields(drawn: Drawn) -> Figure:
    """Fig. 2: the weights of each neuron as an image, of the first run of each experiment."""
    there = [name for name in drawn.arrays if drawn.arrays[name]]
    figure, axes = plt.subplots(1, max(1, len(there)), figsize=(3.4 * max(1, len(there)), 3.6),
                                squeeze=False, layout="constrained")  # fmt: skip
    for axis, name in zip(axes[0], there, strict=False):
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
    """Validation error by epoch and final test error, with the paper's; spikes per image."""
    figure, (error, spikes) = plt.subplots(1, 2, figsize=(8.6, 3.6), layout="constrained")
    there = [name for name in drawn.arrays if drawn.arrays[name]]
    error_curves(drawn, error, there)
    for color, name in zip(sns.color_palette(), there, strict=False):
        rows = drawn.of(name, "spikes_per_image")
        curve(spikes, rows, color=color, label=drawn.label(name))
        for claim in drawn.paper.declared["claims"].values() if drawn.on_the_papers_data else ():
            about = claim.get("about", {})
            if about.get("experiment") == name and "full" in shares(drawn, name):
                error.axhline(claim["value"]["mean"], color=color, lw=0.8, ls=":")
    spikes.set(xlabel="epoch", ylabel="excitatory spikes per image", ylim=(0, None))
    error.set(ylabel="error (%)")
    for axis in (error, spikes):
        axis.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.18))
    sns.despine(figure)
    return figure


def shares(drawn: Drawn, name: str) -> set[str]:
    """The shares of the paper's budget at which an experiment is drawn."""
    return {e.share_text for e in drawn.experiments if e.name == name}
