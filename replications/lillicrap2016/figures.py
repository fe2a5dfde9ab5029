"""Figures of Lillicrap et al. 2016."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import (
    COLUMN,
    PAGE,
    Drawn,
    alignment_by_layer,
    errors_beside_a_legend,
)
from replications.lillicrap2016.scores import LEARNT
from replications.lillicrap2016.simulation import RULES

TO = {"back-propagation": "-", "pseudo-backprop": "--"}


def linear_task(drawn: Drawn) -> Figure:
    """Errors of four rules on the linear map, and how feedback alignment turns."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.8))
    for k, rule in enumerate(RULES):
        for run in drawn.arrays["linear_task"]:
            left.plot(run["examples"], run[rule], color=f"C{k}", lw=0.8,
                      label=rule if run is drawn.arrays["linear_task"][0] else None)  # fmt: skip
    for direction, style in TO.items():
        for run in drawn.arrays["linear_task"]:
            wrong = run["feedback alignment"][:-1] >= LEARNT  # of no error there is no direction
            right.plot(run["examples"][1:][wrong], run[f"angle, {direction}"][wrong], color="C1",
                       lw=0.8, ls=style)  # fmt: skip
        right.plot([], [], color="C1", ls=style, label=f"to {direction}")
    left.set(xlabel="examples", ylabel="normalised squared error", yscale="log", ylim=(1e-4, 2))
    right.set(xlabel="examples", ylabel="angle of the hidden update (deg)", ylim=(0, 95))
    right.axhline(90, color="0.6", lw=0.8, ls=":")
    left.legend()
    right.legend()
    return figure


def initial_scales(drawn: Drawn) -> Figure:
    """Angles after learning, by the scale of the initial weights."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.6))
    runs = drawn.arrays["initial_scales"]
    for direction, style in TO.items():
        values = np.array([run[f"angle, {direction}"] for run in runs])
        axis.errorbar(runs[0]["scales"], values.mean(0), values.std(0), color="C1", ls=style,
                      marker="o", ms=3, lw=1, capsize=2, label=f"to {direction}")  # fmt: skip
    axis.set(xlabel="scale of the initial weights", ylabel="angle of the hidden update (deg)",
             xscale="log", ylim=(0, None))  # fmt: skip
    axis.legend()
    return figure


def theory(drawn: Drawn) -> Figure:
    """What gradient flow conserves, where it ends, and the net of three neurons."""
    figure, (drift, error, plane) = plt.subplots(1, 3, figsize=(PAGE, 2.5))
    run = drawn.arrays["conservation"][0]
    for k, start in enumerate(("random", "zero")):
        drift.plot(run[f"{start}, times"], run[f"{start}, drift"], color=f"C{k}", label=start)
        error.plot(run[f"{start}, times"], run[f"{start}, error"], color=f"C{k}")
    drift.set(xlabel="time", ylabel="drift of what is conserved", yscale="log")
    error.set(xlabel="time", ylabel="relative error", yscale="log")
    drift.legend(title="start")
    paths = drawn.arrays["three_neurons"][0]["paths"]  # (K, starts, 2)
    plane.plot(paths[:, :, 0], paths[:, :, 1], color="0.6", lw=0.4)
    plane.plot(*paths[-1].T, "o", color="C1", ms=2)
    for side in (1, -1):
        w0 = side * np.linspace(0.2, 5, 200)
        plane.plot(w0, 1 / w0, color="C0", lw=0.8)
    plane.set(xlabel="w0", ylabel="w1", xlim=(-4, 4), ylim=(-4, 4))
    return figure


def nonlinear_task(drawn: Drawn) -> Figure:
    """Errors by examples of two depths and two rules."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.8))
    runs = drawn.arrays["nonlinear_task"]
    for name in runs[0]:
        if name == "examples":
            continue
        student, rule = name.split(", ")
        values = np.array([run[name].mean(1) for run in runs])
        style = "-" if student == "4 layers" else "--"
        axis.plot(runs[0]["examples"], values.mean(0), ls=style,
                  color="C0" if rule == "back-propagation" else "C1", label=name)  # fmt: skip
    axis.set(xlabel="examples", ylabel="normalised squared error", yscale="log")
    axis.legend()
    return figure


def mnist(drawn: Drawn) -> Figure:
    """Training, validation and test error on MNIST."""
    return errors_beside_a_legend(drawn)


def alignment(drawn: Drawn) -> Figure:
    """The updates against the gradient of the same cost, per layer."""
    return alignment_by_layer(drawn)
