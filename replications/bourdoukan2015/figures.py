"""Figures of Bourdoukan & Denève 2015."""

import numpy as np
import seaborn as sns
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replications.bourdoukan2015.measures import eigenvalues
from replications.bourdoukan2015.simulation import JOINT
from replications.core.report.plots import PAGE, Drawn, plain_log_ticks

# Titles of what is shown: (condition, which test)
PANELS = {"before learning": ("learned", 0), "after learning": ("learned", -1),
          "fast rule off": ("fast rule off", -1), "optimal": ("optimal", -1)}  # fmt: skip
ZOOM = slice(2000, 4000)  # steps of the currents that are drawn
# Conditions without learned eigenvalues: nothing was learned, or weights exploded
NOT_IN_THE_PLANE = ("slow rule off", "optimal", "fast rule off, same rate")


def tracking(drawn: Drawn) -> Figure:
    """x and x̂, both dimensions, above the spikes; a column for each of PANELS."""
    run = drawn.arrays["oscillator"][0]
    dt = drawn.experiments[0].resolved["settings"]["dt"]
    figure, axes = plt.subplots(2, len(PANELS), figsize=(PAGE, 2.8), sharex=True, sharey="row")
    time = np.arange(len(run["target"])) * dt
    limit = 2 * np.abs(run["target"]).max()
    for (above, below), (title, (name, at)) in zip(axes.T, PANELS.items(), strict=True):
        estimate = run[f"estimate{JOINT}{name}"][at]
        spikes = run[f"spikes{JOINT}{name}"][at]
        for dimension, color in zip(range(2), sns.color_palette(), strict=False):
            above.plot(time, run["target"][:, dimension], color="0.75", lw=2.2)
            above.plot(time, estimate[:, dimension], color=color, lw=0.8)
        fired = np.flatnonzero(spikes >= 0)
        below.plot(time[fired], spikes[fired] + 1, "|", color="0.2", ms=3, mew=0.4)
        above.set(title=title, ylim=(-limit, limit))
        below.set(xlabel="time (s)")
    axes[0, 0].set_ylabel("x and x̂")
    axes[1, 0].set_ylabel("neuron")
    return figure


def learning_curves(drawn: Drawn) -> Figure:
    """Courses of three metrics for every condition, and the eigenvalues; a row per experiment."""
    figure, axes = plt.subplots(
        len(drawn.arrays), 4, figsize=(PAGE, 1.9 * len(drawn.arrays)), squeeze=False,
    )  # fmt: skip
    labels = {"decoding_error": "decoding error", "fast_distance": "distance of fast weights",
              "slow_distance": "distance of slow weights"}  # fmt: skip
    for row, (experiment, runs) in zip(axes, drawn.arrays.items(), strict=True):
        names = [k.split(JOINT)[1] for k in runs[0] if k.startswith("decoding_error")]
        colors = dict(zip(names, sns.color_palette(), strict=False))
        for axis, (key, label) in zip(row, labels.items(), strict=False):
            course(axis, runs, key, colors)
            axis.set(xlabel="epochs", ylabel=label)
        row[1].set_title(drawn.label(experiment), loc="left")
        plane(row[3], runs, colors)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names))
    return figure


def course(axis: Axes, runs: list[dict], key: str, colors: dict[str, tuple]) -> None:
    """One metric by epoch for every condition: the mean of the runs, and each of them faintly."""
    for name, color in colors.items():
        values = np.array([run[f"{key}{JOINT}{name}"] for run in runs])
        if values.max() == 0:  # optimal weights have no distance from themselves
            continue
        style = "--" if name == "optimal" else "-"
        axis.plot(runs[0]["checkpoints"], values.T, style, color=color, lw=0.4, alpha=0.6)
        axis.plot(runs[0]["checkpoints"], values.mean(0), style, color=color, label=name)
    axis.set(yscale="log")
    axis.set_xscale("symlog", linthresh=1)
    axis.set_xlim(0, runs[0]["checkpoints"][-1])
    axis.xaxis.set_major_formatter("{x:g}")
    plain_log_ticks(axis.yaxis)


def plane(axis: Axes, runs: list[dict], colors: dict[str, tuple]) -> None:
    """Eigenvalues of what conditions have learned, and of the system."""
    for name in (name for name in colors if name not in NOT_IN_THE_PLANE):
        found = np.concatenate([run[f"eigenvalues{JOINT}{name}"][-1] for run in runs])
        axis.plot(*found.T, "o", ms=4, mfc="none", color=colors[name])
    axis.plot(*eigenvalues(torch.from_numpy(runs[0]["dynamics"])).T, "kx", ms=7)
    axis.axhline(0, color="0.7", lw=0.6, zorder=0)
    axis.set(xlabel="real part (1/s)", ylabel="imaginary part (1/s)", title="eigenvalues")


def balance(drawn: Drawn) -> Figure:
    """Currents into the first neuron and their sum, for each of PANELS."""
    run = drawn.arrays["oscillator"][0]
    dt = drawn.experiments[0].resolved["settings"]["dt"]
    figure, axes = plt.subplots(1, len(PANELS), figsize=(PAGE, 1.8), sharex=True, sharey=True)
    blue, _, _, red, *_ = sns.color_palette()
    for axis, (title, (name, at)) in zip(axes, PANELS.items(), strict=True):
        excitation, inhibition = run[f"currents{JOINT}{name}"][at][:, ZOOM]
        time = np.arange(ZOOM.start, ZOOM.stop) * dt
        axis.plot(time, excitation, color=red, lw=1, label="excitation")
        axis.plot(time, inhibition, color=blue, lw=1, label="inhibition")
        axis.plot(time, excitation + inhibition, "k", lw=0.8, label="sum")
        axis.set(title=title, xlabel="time (s)")
    axes[0].set_ylabel("current (1/s)")
    axes[0].legend()
    return figure
