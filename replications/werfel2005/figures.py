"""Figures of Werfel, Xie & Seung 2005."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import COLUMN, PAGE, Drawn, plain_log_ticks
from replications.werfel2005.simulation import BASELINES, PARALLEL, RULES

COLORS = {rule: f"C{k}" for k, rule in enumerate(RULES)}


def learning_curves(drawn: Drawn) -> Figure:
    """Measured and derived learning curves of all rules."""
    figure, axis = plt.subplots(figsize=(COLUMN, 3))
    (experiment,) = drawn.experiments
    lifetimes = experiment.resolved["settings"]["lifetimes"]
    for rule in RULES:
        for run in drawn.arrays["learning_curves"]:
            when = lifetimes * np.linspace(0, 1, len(run[f"{rule}, steps"]))
            axis.plot(when, run[f"{rule}, measured"], color=COLORS[rule], lw=1)
            axis.plot(when, run[f"{rule}, derived"], color="0.4", lw=0.6, ls="--")
        axis.plot([], [], color=COLORS[rule], label=rule)
    axis.plot([], [], color="0.4", lw=0.6, ls="--", label="derived")
    axis.set(xlabel="lifetimes of the decay", ylabel="mean error", yscale="log")
    plain_log_ticks(axis.yaxis)
    axis.legend()
    return figure


def speeds(drawn: Drawn) -> Figure:
    """Measured and derived ratios of decay rates, by size."""
    rows = drawn.of("speeds", "slowdown")
    derived = drawn.of("speeds", "slowdown_derived").groupby("part")["value"].mean()
    parts = sorted(rows["part"].unique(), key=lambda part: RULES.index(part.split(" to ")[0]))
    figure, axis = plt.subplots(figsize=(PAGE, 0.7 + 0.22 * len(parts)))
    for y, part in enumerate(parts):
        slower = part.split(" to ")[0]
        values = rows.loc[rows["part"] == part, "value"]
        axis.plot(values, [y] * len(values), "o", color=COLORS[slower], ms=4)
        axis.plot([derived[part]] * 2, [y - 0.4, y + 0.4], color="0.4", lw=1.2)
    axis.set_yticks(range(len(parts)), parts)
    axis.set(xlabel="steps for one of the faster rule", xscale="log", ylim=(len(parts) - 0.5, -0.5))
    plain_log_ticks(axis.xaxis)
    return figure


def widths(drawn: Drawn) -> Figure:
    """Decay of the error by the number of outputs, and its slope against what is perturbed."""
    figure, axis = plt.subplots(figsize=(COLUMN, 3))
    slopes, derived = (drawn.of("widths", m).groupby("part")["value"].mean()
                       for m in ("slope", "slope_derived"))  # fmt: skip
    for rule in PARALLEL:
        for run in drawn.arrays["widths"]:
            axis.plot(run["sizes"][:, 0], run[f"{rule}, measured"], "o", color=COLORS[rule], ms=3)
        axis.plot(run["sizes"][:, 0], run[f"{rule}, derived"], color=COLORS[rule], lw=0.8,
                  label=f"{rule}: {slopes[rule]:.2f}, {derived[rule]:.2f}")  # fmt: skip
    axis.set(xlabel="outputs", ylabel="decay of the error in a step", xscale="log", yscale="log")
    plain_log_ticks(axis.xaxis)
    axis.legend()
    return figure


def rates(drawn: Drawn) -> Figure:
    """Growth of the error by the share of the largest rate."""
    figure, axis = plt.subplots(figsize=(COLUMN, 3))
    for rule in RULES:
        for run in drawn.arrays["rates"]:
            axis.plot(100 * run["shares"], run[f"{rule}, measured"] / run["start"], "o",
                      color=COLORS[rule], ms=3)  # fmt: skip
        axis.plot(100 * run["shares"], run[f"{rule}, derived"] / run["start"],
                  color=COLORS[rule], lw=0.8, label=rule)  # fmt: skip
    axis.axhline(1, color="0.6", lw=0.8, ls=":")
    axis.set(xlabel="rate (% of the largest)", ylabel="last error over the first", yscale="log")
    plain_log_ticks(axis.yaxis)
    axis.legend()
    return figure


def small_rates(drawn: Drawn) -> Figure:
    """Learning curves of three rules at the same small rate."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.6))
    for rule in PARALLEL:
        for k, run in enumerate(drawn.arrays["small_rates"]):
            axis.plot(run["steps"], run[rule], color=COLORS[rule], lw=1,
                      label=None if k else rule)  # fmt: skip
    axis.set(xlabel="step", ylabel="mean error", yscale="log")
    plain_log_ticks(axis.yaxis)
    axis.legend()
    return figure


def reinforce(drawn: Drawn) -> Figure:
    """Cosine to the gradient by the number of samples."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.6))
    runs = drawn.arrays["reinforce"]
    labels = ("no baseline", "mean reward as baseline")
    for k, (baseline, label) in enumerate(zip(BASELINES, labels, strict=True)):
        values = np.array([run[baseline] for run in runs])
        axis.plot(runs[0]["samples"], values.T, color=f"C{k}", lw=0.5, alpha=0.5)
        axis.plot(runs[0]["samples"], values.mean(0), color=f"C{k}", lw=1.6, marker="o", ms=3,
                  label=label)  # fmt: skip
    axis.set(xlabel="samples", ylabel="cosine to the gradient", xscale="log", ylim=(0, 1.02))
    axis.legend()
    return figure
