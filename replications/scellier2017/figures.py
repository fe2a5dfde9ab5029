"""Figures of Scellier & Bengio 2017."""

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from replications.core.report.plots import (
    PAGE,
    Drawn,
    alignment_by_layer,
    by_epoch,
    curve,
    error_curves,
    plain_log_ticks,
    rules_by_epoch,
    width,
)

# Training and validation (of the third: test) error, percent, by epoch, of networks with three
# hidden layers that others trained by the authors' code and logged in public (read).
PUBLIC_LOGS = {
    "Pehlevan-Group/Supervised-Similarity-Matching, FinalNet3, run A": {
        1: (20.6, 10.4), 2: (10.0, 8.1), 386: (0.0, 2.73)
    },
    "the same, run B": {1: (22.1, 10.7), 2: (10.1, 7.7), 150: (0.03, 2.67)},
    "jgammell/equilibrium_propagation": {1: (23.3, 11.3), 2: (10.8, 9.1), 100: (0.41, 2.57)},
}  # fmt: skip
FOOT = 0.02  # %, where a log axis shows 0
SWEEP = {"marker": "o", "ms": 3, "lw": 1.4}
ERROR = "relative error"


def learning_curves(drawn: Drawn) -> Figure:
    """Fig. 3: training and validation error by the number of hidden layers, log scale."""
    figure, axes = panels(3, height=3.8)
    for axis, depth in zip(axes, ("1h", "2h", "3h"), strict=True):
        names = [name for name in drawn.arrays if name.split("_")[1] == depth]
        error_curves(drawn, axis, names)
        if drawn.on_the_papers_data:
            value = drawn.paper.declared["claims"]["generalisation_error"]["value"]
            axis.axhspan(value["low"], value["high"], color="0.9", zorder=0, label="the paper")
        legend_below(axis)
    return figure


def three_layers(drawn: Drawn) -> Figure:
    """Three hidden layers over epochs, with the public logs of others."""
    figure, axis = plt.subplots(figsize=(PAGE, 3.6))
    error_curves(drawn, axis, list(drawn.arrays))
    for name in drawn.arrays:
        resting = drawn.of(name, "resting_error").query("step > 0")
        if len(resting):
            curve(axis, resting, color=drawn.color(name), label=None, style=":")
            axis.plot([], [], ":", color="0.4", lw=1.6, label="validation, from rest")
    if drawn.on_the_papers_data:
        for marker, (source, log) in zip("^vD", PUBLIC_LOGS.items(), strict=True):
            training, held_out = zip(*log.values(), strict=True)
            axis.plot(list(log), held_out, marker, color="0.3", ms=4, label=source)
            shown = np.maximum(training, FOOT)
            axis.plot(list(log), shown, marker, color="0.3", ms=4, mfc="none")
        axis.set_xscale("log")
    axis.legend(fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def dead_outputs(drawn: Drawn) -> Figure:
    """Outputs that no nudging reaches, training error, and the pressure on each output."""
    figure, axes = panels(3, height=3.2)
    for name, runs in drawn.arrays.items():
        color, label = drawn.color(name), drawn.label(name).partition(", ")[2]
        curve(axes[0], drawn.of(name, "dead_outputs"), color=color, label=label)
        curve(axes[1], drawn.of(name, "train_error"), color=color, label=label)
        if name.endswith(("released", "halved")):
            first = runs[0]
            axes[2].plot(
                first["epochs"], first["pressure"][:, :, 1], color=color, lw=0.8, alpha=0.8
            )
            axes[2].plot([], [], color=color, label=label)
            for bound in first["bounds"]:
                axes[2].axhline(bound, color="0.4", lw=0.8, ls=":")
    axes[0].set(ylabel="dead outputs", ylim=(-0.3, 10.3))
    axes[1].set(ylabel="training error (%)", yscale="log")
    plain_log_ticks(axes[1].yaxis)
    axes[2].set(ylabel="pressure on each output")
    for axis in axes:
        by_epoch(axis)
        legend_below(axis)
    return figure


def rules(drawn: Drawn) -> Figure:
    """Learning rules on one network: errors, and the updates' cosine to -gradient, by epoch."""
    return rules_by_epoch(drawn)


def ablations(drawn: Drawn) -> Figure:
    """Errors of variants of the network with one layer, each after its last epoch."""
    figure, axis = plt.subplots(figsize=(PAGE, 3.4))
    metrics = ("train_error", "validation_error", "test_error")
    epochs = {name: drawn.of(name, "train_error")["step"].max() for name in drawn.arrays}
    for color, metric in zip(sns.color_palette(), metrics, strict=False):
        for row, (name, last) in enumerate(epochs.items()):
            scores = drawn.of(name, metric)
            values = scores.loc[scores["step"] == last, "value"]
            label = None if row else metric.replace("_", " ")
            axis.plot(values, [row] * len(values), "o", color=color, ms=4, alpha=0.7, label=label)
    labels = [f"{drawn.label(name)}, epoch {last}" for name, last in epochs.items()]
    axis.set_yticks(range(len(labels)), labels)
    axis.set(xlabel="error after the last epoch (%)", xlim=(0, None))
    axis.invert_yaxis()
    axis.grid(axis="y", color="0.9")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def other_networks(drawn: Drawn) -> Figure:
    """Errors of wider networks, with the test errors reported, and on Fashion-MNIST, by epoch."""
    fashion = [name for name in drawn.arrays if name.startswith("fashion")]
    wide = [name for name in drawn.arrays if name not in fashion]
    shown = [names for names in (wide, fashion) if names]
    figure, axes = panels(len(shown), height=3)
    for axis, names in zip(axes, shown, strict=True):
        error_curves(drawn, axis, names)
        legend_below(axis)
    if drawn.on_the_papers_data:
        for claim in drawn.paper.claims:
            if claim.declared.get("about", {}).get("experiment") in wide:
                axes[0].axhline(claim.declared["value"]["mean"], color="0.6", lw=0.8, ls=":")
    return figure


def alignment(drawn: Drawn) -> Figure:
    """The update against the true gradient at the fixed point, per layer."""
    return alignment_by_layer(drawn)


def gradient_estimate(drawn: Drawn) -> Figure:
    """Relative error of the estimate against beta, and its cosine to the gradient by layer."""
    runs, orders = simulated(drawn), drawn.of("gradient_estimate", "order")
    figure, axes = panels(2)
    for color, h in zip(sns.color_palette(), ("1", "2", "3"), strict=False):
        for style, side in (("-", "one-sided"), ("--", "symmetric")):
            order = orders.query("part == @side + ', ' + @h + ' hidden'")["value"].mean()
            label = f"{h} hidden, {side}: order {order:.2f}"
            name = f"{side.replace('-', '_')}_{h}"
            sweep(axes[0], runs, "beta", name, color=color, ls=style, label=label)
        lost = [np.maximum(1 - run[f"cosine_{h}"], 1e-16) for run in runs]
        layers = np.arange(1, len(lost[0]) + 1)
        for values in lost:
            axes[1].plot(layers, values, ".", color=color, ms=4, alpha=0.6)
        axes[1].plot(layers, np.mean(lost, axis=0), color=color, lw=1.4, label=f"{h} hidden")
    axes[0].set(xlabel="β", ylabel=ERROR, xscale="log", yscale="log")
    axes[0].set_ylim(bottom=1e-8)  # room for the legend
    axes[1].set(xlabel="layer of weights, from the input up", ylabel="1 − cosine", yscale="log")
    axes[1].set_xticks(range(1, 5), [f"W{k}" for k in range(1, 5)])
    return finished(figure, axes)


def energy_descent(drawn: Drawn) -> Figure:
    """F and the dissipated energy over time, by phase, and the error against the step."""
    runs = simulated(drawn)
    step = runs[0]["step_size"][0]
    figure, axes = panels(3)
    for axis, color, phase in zip(axes, sns.color_palette(), ("free", "nudged"), strict=False):
        energy, dissipated = (runs[0][f"{name}_{phase}"] for name in ("energy", "dissipated"))
        time = step * np.arange(len(energy))
        axis.plot(time, energy, color=color, **SWEEP, label="F − F(0)")
        axis.plot(time, dissipated, color="0.4", ls="--", label="−∫ |ds/dt|² dt")
        axis.set(title=f"{phase} phase, step {step:g}", xlabel="time (time constants)")
        sweep(axes[2], runs, "step_size", f"error_{phase}", color=color, label=f"{phase} phase")
    axes[0].set_ylabel("energy, mean over examples")
    axes[2].set(xlabel="step (time constants)", ylabel="error of dF/dt = −|ds/dt|²", xscale="log",
                yscale="log")  # fmt: skip
    return finished(figure, axes)


def nudged_cost(drawn: Drawn) -> Figure:
    """C(s^beta) against beta, and dC/dbeta at 0 by differences against the implicit derivative."""
    runs = simulated(drawn)
    first, color = runs[0], sns.color_palette()[0]
    figure, axes = panels(2)
    low, high = np.quantile(first["cost"], (0.25, 0.75), axis=1)
    axes[0].fill_between(first["beta"], low, high, color=color, alpha=0.2, lw=0,
                         label="middle half of the examples, first run")  # fmt: skip
    for number, run in enumerate(runs):
        label = None if number else "mean over examples, each run"
        axes[0].plot(run["beta"], run["cost"].mean(axis=1), color=color, lw=1, label=label)
    axes[0].axvline(0, color="0.6", lw=0.8, ls=":")
    axes[0].set(xlabel="β", ylabel="C = |y − d|² / 2 at the fixed point", ylim=(0, None))
    axes[1].axline((-1, -1), slope=1, color="0.6", lw=0.8, label="equal")
    axes[1].plot(first["implicit"], first["derivative"], ".", color=color, ms=4, label="examples")
    axes[1].set(xlabel="−∂C/∂s' H⁻¹ ∂C/∂s", ylabel="dC/dβ at 0, by differences")
    return finished(figure, axes)


def stdp_integral(drawn: Drawn) -> Figure:
    """The integral over the nudged phase towards the contrast, and both rules' errors."""
    runs = simulated(drawn)
    first = runs[0]
    figure, axes = panels(2)
    for color, integral, contrast in zip(
        sns.color_palette(), first["curve"].T, first["contrast"], strict=False
    ):
        axes[0].plot(first["time"], integral, color=color, lw=1.4)
        axes[0].axhline(contrast, color=color, ls="--", lw=1)
    axes[0].set(xlabel="time of the nudged phase (time constants)",
                ylabel="∫ ρᵢ dρⱼ + ρⱼ dρᵢ, mean over examples")  # fmt: skip
    for color, rule in zip(sns.color_palette(), ("left", "midpoint"), strict=False):
        sweep(axes[1], runs, "step_size", rule, color=color, label=f"{rule} rule")
    axes[1].set(xlabel="step (time constants)", ylabel=ERROR, xscale="log", yscale="log")
    return finished(figure, axes[1:])


def recurrent_backpropagation(drawn: Drawn) -> Figure:
    """Activity derivatives over error derivatives, and their relative error step by step."""
    runs = simulated(drawn)
    first = runs[0]
    figure, axes = panels(2)
    processes(axes[0], first["activity"], first["error_derivative"], first["beta"][0])
    axes[0].set(xlabel="step of the nudged phase", ylabel="−(1/β) ds/dt of a unit")
    axes[0].set_yscale("symlog", linthresh=1e-4)
    colors = sns.color_palette("flare", len(first["beta"]))
    for color, beta, error in zip(
        colors, first["beta"], np.mean([run["error"] for run in runs], axis=0), strict=True
    ):
        axes[1].plot(error, color=color, lw=1.4, label=f"β = {beta:g}")
    axes[1].set(xlabel="step of the nudged phase", ylabel=ERROR, yscale="log")
    return finished(figure, axes)


def backpropagation_through_time(drawn: Drawn) -> Figure:
    """Updates over gradients for some synapses of each layer, and the distance against beta."""
    runs = simulated(drawn)
    layers = [f"W{k}" for k in range(1, runs[0]["process_error"].shape[1] + 1)]
    figure, axes = panels(len(layers) + 1)
    for number, (color, name) in enumerate(zip(sns.color_palette(), layers, strict=False)):
        shown = (runs[0][f"{kind}_{name}"] for kind in ("updates", "gradients"))
        processes(axes[number], *shown, runs[0]["beta"][0])
        axes[number].set(title=name, xlabel="step t")
        errors = [{"beta": r["beta"], name: r["process_error"][:, number]} for r in runs]
        sweep(axes[-1], errors, "beta", name, color=color, label=name)
    axes[0].set_ylabel("EP's update, −gradient at T − t")
    axes[-1].set(xlabel="β", ylabel="distance of both processes", xscale="log", yscale="log")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return finished(figure, axes[-1:])


def feedback_gain(drawn: Drawn) -> Figure:
    """Error, cosine and norm ratio of contrastive Hebbian learning against the feedback gain."""
    runs = simulated(drawn)
    figure, axes = panels(3)
    shown = (("error", ERROR), ("cosine", "1 − cosine"), ("norm_ratio", "norm ratio"))
    for axis, (name, label) in zip(axes, shown, strict=True):
        values = np.stack([run[name] for run in runs])  # (runs, K, n)
        values = 1 - values if name == "cosine" else values
        gains = runs[0]["feedback_gain"]
        for k, color in zip(range(values.shape[2]), sns.color_palette(), strict=False):
            axis.plot(gains, values[:, :, k].T, ".", color=color, ms=4, alpha=0.6)
            axis.plot(gains, values[:, :, k].mean(0), color=color, lw=1.4, label=f"W{k + 1}")
        axis.set(xlabel="feedback gain γ", ylabel=label, xscale="log")
        axis.set_yscale("linear" if name == "norm_ratio" else "log")
    axes[2].axhline(1, color="0.6", lw=0.8, ls=":")
    return finished(figure, axes[:1])


def clamped_limit(drawn: Drawn) -> Figure:
    """Distance from contrastive Hebbian learning against beta, and its objective by example."""
    runs, color = simulated(drawn), sns.color_palette()
    figure, axes = panels(2)
    sweep(axes[0], runs, "beta", "limit_error", color=color[0], label="each run, mean")
    axes[0].set(xlabel="β", ylabel=ERROR, xscale="log", yscale="log")
    kinds = {"objective": "E convex", "wild_objective": "several modes"}
    for shade, (name, label) in zip(color, kinds.items(), strict=False):
        values = np.concatenate([run[name] for run in runs])
        axes[1].hist(values, bins=40, color=shade, alpha=0.6, density=True, label=label)
    axes[1].axvline(0, color="0.4", lw=0.8, ls=":")
    axes[1].set(xlabel="objective: E clamped − E free", ylabel="density over examples")
    return finished(figure, axes)


def convergence(drawn: Drawn) -> Figure:
    """Iterations to the free fixed point against depth, by solver."""
    runs = simulated(drawn)
    figure, axes = panels(1)
    names = {"euler": "all layers at once, Euler, step 1/2", "alternate": "even and odd in turn"}
    for color, (name, label) in zip(sns.color_palette(), names.items(), strict=False):
        sweep(axes[0], runs, "depth", name, color=color, label=label)
    axes[0].set(xlabel="hidden layers", ylabel="iterations, mean over examples", yscale="log")
    plain_log_ticks(axes[0].yaxis)
    return finished(figure, axes)


def langevin(drawn: Drawn) -> Figure:
    """Distance of the stochastic estimate from the deterministic one against the temperature."""
    runs = simulated(drawn)
    figure, axes = panels(1)
    color = sns.color_palette()[0]
    sweep(axes[0], runs, "temperature", "difference", color=color, label="difference")
    sweep(axes[0], runs, "temperature", "standard_error", color="0.4", ls="--",
          label="Monte Carlo standard error")  # fmt: skip
    axes[0].set(xlabel="temperature T", ylabel="relative to the estimate's norm",
                xscale="log", yscale="log")  # fmt: skip
    return finished(figure, axes)


def simulated(drawn: Drawn) -> list[dict]:
    """The arrays of every run of the figure's one experiment."""
    (runs,) = drawn.arrays.values()
    return runs


def panels(count: int, height: float = 2.5) -> tuple[Figure, np.ndarray]:
    """`count` panels side by side, `height` in inches with what stands below them."""
    figure, axes = plt.subplots(1, count, figsize=(width(count), height), squeeze=False)
    return figure, axes[0]


def sweep(axis: plt.Axes, runs: list[dict], x: str, y: str, *, color, label: str, ls="-") -> None:
    """One array against another: thin lines for single runs, a thick one for their mean."""
    for run in runs:
        axis.plot(run[x], run[y], color=color, lw=0.5, alpha=0.5, ls=ls)
    mean = np.mean([run[y] for run in runs], axis=0)
    axis.plot(runs[0][x], mean, color=color, ls=ls, label=label, **SWEEP)


def processes(axis: plt.Axes, ours: np.ndarray, theirs: np.ndarray, beta: float) -> None:
    """EP's processes as lines, those they are compared with as dots, (T, shown)."""
    for number, (one, other) in enumerate(zip(ours.T, theirs.T, strict=True)):
        color = sns.color_palette("husl", ours.shape[1])[number]
        axis.plot(one, color=color, lw=1.2, label=None if number else f"EP, β = {beta:g}")
        axis.plot(other, ".", color=color, ms=4, label=None if number else "back-propagation")


def legend_below(axis: plt.Axes) -> None:
    """A legend below a panel, where its many entries hide nothing."""
    axis.legend(fontsize=6, loc="upper center", bbox_to_anchor=(0.5, -0.2))


def finished(figure: Figure, labelled) -> Figure:
    """With legends on the panels that are labelled, ticks that do not collide, and no frames."""
    for axis in labelled:
        axis.legend(handlelength=3)
    for axis in figure.axes:
        if axis.get_xscale() == "log":
            axis.xaxis.set_minor_formatter(NullFormatter())
    return figure
