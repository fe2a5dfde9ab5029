"""Figures of Bengio et al. 2015."""

import numpy as np
import seaborn as sns
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from torchvision.utils import make_grid

from replications.bengio2015 import simulation
from replications.core.plots import Drawn


def stdp(drawn: Drawn) -> Figure:
    """Fig. 1: mean dW against mean dT, both fits, Bi & Poo's window; a panel per variant."""
    columns = len(drawn.arrays)
    figure, axes = plt.subplots(
        1, columns, figsize=(3.6 * columns, 3.4), squeeze=False, layout="constrained"
    )
    for axis, (experiment, runs) in zip(axes[0], drawn.arrays.items(), strict=True):
        rows = drawn.scores[drawn.scores["experiment"] == experiment]
        fits = rows.groupby(["layer", "metric"])["value"].mean()
        curve = runs[0]
        axis.axhline(0, color="0.8", lw=0.8, zorder=0)
        axis.axvline(0, color="0.8", lw=0.8, zorder=0)
        for side in simulation.SIDES:
            stdp_side(axis, curve, side, fits[side])
        axis.errorbar(curve["delta_t"], curve["delta_w"], curve["delta_w_se"], fmt="o", ms=2.5,
                      color="0.2", lw=0.8, zorder=3, label="simulated, mean ± s.e.")  # fmt: skip
        quality = "\n".join(
            f"{name}: {fits['potentiation', metric]:.3f} | {fits['depression', metric]:.3f}"
            for name, metric in (("exponential", "r2_exponential"), ("power law", "r2_power"))
        )
        axis.text(0.97, 0.05, f"R², ΔT > 0 | ΔT < 0\n{quality}", transform=axis.transAxes,
                  ha="right", fontsize=7)  # fmt: skip
        axis.set(title=drawn.label(experiment), xlabel="mean ΔT = post − pre (ms)")
    axes[0, 0].set_ylabel("mean ΔW (mV/ms)")
    axes[0, 0].legend(frameon=False, fontsize=7, loc="upper left")
    sns.despine(figure)
    return figure


def stdp_side(axis: plt.Axes, curve: dict, side: str, fit) -> None:
    """Both fits and the Bi & Poo window, scaled to this side's largest mean, on one side."""
    sign = simulation.SIDES[side]
    t, w = simulation.side(curve, sign)
    grid = np.linspace(t.min(), t.max(), 300)
    window = np.abs(simulation.bi_poo_window(sign * grid))
    lines = {
        "exponential fit": simulation.exponential(grid, fit["amplitude_exponential"], fit["tau"]),
        "power-law fit": simulation.power(grid, fit["amplitude_power"], fit["exponent"]),
        "Bi & Poo 1998, scaled": window * w.max() / window.max(),
    }
    for color, (label, y) in zip(sns.color_palette(), lines.items(), strict=False):
        style = "--" if label.startswith("Bi") else "-"
        shown = label if sign > 0 else None
        axis.plot(sign * grid, sign * y, color=color, lw=1.5, ls=style, label=shown)


def samples(drawn: Drawn) -> Figure:
    """Fig. 3: samples of the first run by each sampler, from the same draws."""
    ((experiment, runs),) = drawn.arrays.items()
    names = [name for name in runs[0] if name.startswith("samples_")]
    figure, axes = plt.subplots(1, len(names), figsize=(3.4 * len(names), 3.7), squeeze=False,
                                layout="constrained")  # fmt: skip
    for axis, name in zip(axes[0], names, strict=True):
        images = torch.from_numpy(runs[0][name])  # (n, D)
        side = int(images.shape[1] ** 0.5)
        grid = make_grid(images.view(-1, 1, side, side), nrow=10, padding=1, pad_value=1)
        sampler = name.removeprefix("samples_")
        nats = drawn.of(experiment, "parzen").query("layer == @sampler")["value"].mean()
        axis.imshow(grid.permute(1, 2, 0), cmap="gray", interpolation="nearest")
        axis.set(title=f"{sampler}: {nats:.0f} nats (Parzen, σ = 0.2)", xticks=[], yticks=[])
    sns.despine(figure, left=True, bottom=True)
    return figure


def inference(drawn: Drawn) -> Figure:
    """Fig. 4: log p(x, h) over inference: mean over the test images, and single ones."""
    ((_, runs),) = drawn.arrays.items()
    figure, axis = plt.subplots(figsize=(4.6, 3.4), layout="constrained")
    axis.plot(runs[0]["log_joint_single"], color="0.7", lw=0.7, ls="--")
    for index, (color, run) in enumerate(zip(sns.color_palette(), runs, strict=False)):
        mean, error = run["log_joint_mean"], run["log_joint_se"]
        axis.plot(mean, color=color, lw=1.8, label=f"run {index}, mean over test images")
        axis.fill_between(range(len(mean)), mean - error, mean + error, color=color, alpha=0.3)
    axis.plot([], [], color="0.7", lw=0.7, ls="--", label="single test images, run 0")
    axis.set(xlabel="iterations of inference", ylabel="log p(x, h) (nats, constants dropped)")
    axis.legend(frameon=False, fontsize=7)
    sns.despine(figure)
    return figure


def likelihood(drawn: Drawn) -> Figure:
    """Parzen likelihood at sigma = 0.2 of both samplers, of the anchors, and of the paper."""
    ((experiment, _),) = drawn.arrays.items()
    rows = drawn.of(experiment, "parzen")
    means = rows.groupby("layer")["value"].mean().sort_values()
    floor = min(0, means.drop("mean image").min())  # the mean image lies far below the others
    figure, axis = plt.subplots(figsize=(5.2, 2.9), layout="constrained")
    colors = [
        sns.color_palette()[0] if n in ("ancestral", "generate") else "0.75" for n in means.index
    ]
    axis.barh(means.index, means.clip(lower=floor) - floor, left=floor, color=colors)
    axis.plot(rows["value"], rows["layer"], "k.", ms=4)
    for name, mean in means.items():
        axis.text(floor, name, f" {mean:.0f}", va="center", fontsize=7)
    for name in ("generate", "ancestral") if drawn.on_the_papers_data else ():
        value = drawn.paper.declared["claims"][f"{name}_parzen"]["value"]["mean"]
        axis.plot(value, name, "D", color=sns.color_palette()[3], ms=6, zorder=3,
                  label="the paper" if name == "generate" else None)  # fmt: skip
    if drawn.on_the_papers_data:
        axis.legend(frameon=False, fontsize=7, loc="lower right")
    axis.set(xlabel="Parzen log-likelihood of the test images, σ = 0.2 (nats)")
    axis.set_xlim(floor, None)
    sns.despine(figure)
    return figure
