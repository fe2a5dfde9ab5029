"""Figures of the league: how rules compare, and what alignment and compute have to do with it."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from replications.core.declare.league import by_field, rows_of
from replications.core.report.alignment import between_layers, halfway
from replications.core.report.plots import PAGE, Drawn, plain_log_ticks

NAMED = ("backpropagation", "feedback_alignment", "difference_target_propagation",
         "equilibrium_propagation", "node_perturbation", "output_layer")  # fmt: skip
WHEN = ("start", "half", "end")


def fields(drawn: Drawn) -> dict[str, list[str]]:
    """The experiments of each field that has runs, by the field's label."""
    league = drawn.paper.declared["league"]
    return {league["fields"][field]["label"]: [e.name for e in entered]
            for field, entered in by_field(league, drawn.experiments).items()}  # fmt: skip


def rule(drawn: Drawn, name: str) -> str:
    """What a rule is called, without its field."""
    (label,) = (label for label, names in fields(drawn).items() if name in names)
    return drawn.label(name).removesuffix(f", {label}")


def mean_error(drawn: Drawn, name: str) -> float:
    """The mean test error of an experiment, %."""
    return float(drawn.of(name, "test_error")["value"].mean())


def grid(drawn: Drawn, height: float) -> tuple[Figure, list[tuple[Axes, list[str]]]]:
    """A panel for each field, with its experiments."""
    found = fields(drawn)
    figure, axes = plt.subplots(1, len(found), figsize=(PAGE, height), sharey=True, squeeze=False)
    for axis, label in zip(axes[0], found, strict=True):
        axis.set_title(label)
    return figure, [*zip(axes[0], found.values(), strict=True)]


def errors(drawn: Drawn) -> Figure:
    """Test error of every rule, a panel for each field, in the order of the first."""
    first, *_ = fields(drawn).values()
    order = sorted(first, key=lambda n: mean_error(drawn, n), reverse=True)
    rows = {rule(drawn, name): y for y, name in enumerate(order)}
    figure, panels = grid(drawn, 0.8 + 0.2 * len(rows))
    for axis, names in panels:
        for name in names:
            values, y = drawn.of(name, "test_error")["value"], rows[rule(drawn, name)]
            axis.plot(values, [y] * len(values), "o", color="C0", ms=2.5, alpha=0.5)
            axis.plot(values.mean(), y, "|", color="C0", ms=9, mew=1.6)
        (twin,) = (n for n in names if n.startswith("backpropagation_"))
        axis.axvline(mean_error(drawn, twin), color="0.6", lw=0.8, ls=":")
        axis.set(xscale="log", xlabel="test error (%)")
        plain_log_ticks(axis.xaxis)
    panels[0][0].set_yticks([*rows.values()], [*rows])
    return figure


def cosine_at_half(drawn: Drawn, name: str) -> float:
    """Cosine to the negative gradient at half of the training, a mean over hidden weights."""
    return fmean(halfway(drawn.of(name, "cosine")).values())


def families(drawn: Drawn) -> dict[str, str]:
    """By experiment, the family that its rule says it is of."""
    league, rows = drawn.paper.declared["league"], rows_of(drawn.paper.path.parents[1])
    return {e.name: rows[e.name.removesuffix(f"_{field}")]["family"]
            for field, entered in by_field(league, drawn.experiments).items()
            for e in entered}  # fmt: skip


def rank_correlation(x: np.ndarray, y: np.ndarray, families: np.ndarray) -> float:
    """Correlation of ranks, each less the mean rank of its family: Spearman's if all are of one."""
    ranks = [stats.rankdata(values) for values in (x, y)]
    of = families[:, None] == families
    return float(np.corrcoef([r - (of * r).sum(1) / of.sum(1) for r in ranks])[0, 1])


def with_interval(x: np.ndarray, y: np.ndarray, families: np.ndarray) -> str:
    """That, and its 95% interval by drawing rules anew (bootstrap): "-0.81 (-0.93 to -0.52)"."""
    low, high = stats.bootstrap(
        (x, y, families), rank_correlation, paired=True, vectorized=False,
        method="percentile", rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return f"{rank_correlation(x, y, families):.2f} ({low:.2f} to {high:.2f})"


def alignment_predicts(drawn: Drawn) -> Figure:
    """Test error against alignment at half of the training, a dot for each rule."""
    figure, panels = grid(drawn, 3.4)
    family = families(drawn)
    known = list(dict.fromkeys(family.values()))
    for axis, names in panels:
        x = np.array([cosine_at_half(drawn, n) for n in names])
        y = np.array([mean_error(drawn, n) for n in names])
        of = np.array([known.index(family[n]) for n in names])
        for k, label in enumerate(known):
            axis.plot(x[of == k], y[of == k], "o", color=f"C{k}", ms=4, label=label)
        told = [f"all {with_interval(x, y, 0 * of)}", f"within {with_interval(x, y, of)}"]
        axis.set_title("\n".join([axis.get_title(), *told]), fontsize=7)
        axis.set(yscale="log", xlabel="cosine to −gradient")
        plain_log_ticks(axis.yaxis)
    panels[0][0].set_ylabel("test error (%)")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def compute(drawn: Drawn) -> Figure:
    """Validation error against the multiply-adds of the training so far."""
    figure, panels = grid(drawn, 3.4)
    examples = {e.name: e.resolved["budget"]["examples"] for e in drawn.experiments}
    for axis, names in panels:
        for name in sorted(names, key=lambda n: n.startswith(NAMED)):
            curve = drawn.of(name, "validation_error").groupby("step")["value"].mean()
            (each,) = drawn.of(name, "multiply_adds")["value"].unique()
            spent = curve.index.to_numpy() * examples[name] * each
            known = [k for k, n in enumerate(NAMED) if name.startswith(f"{n}_")]
            color = f"C{known[0]}" if known else "0.8"
            axis.plot(spent, curve, color=color, lw=1.4 if known else 0.8,
                      label=rule(drawn, name) if known else None)  # fmt: skip
            axis.plot(spent[-1], curve.iloc[-1], "o", color=color, ms=3)
        axis.set(xscale="log", yscale="log", xlabel="multiply-adds")
        plain_log_ticks(axis.yaxis)
    panels[0][0].set_ylabel("validation error (%)")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def layers(drawn: Drawn) -> Figure:
    """Angle to the negative gradient, a row for each rule, a column for each matrix of weights."""
    title, names = [*fields(drawn).items()][-1]
    names = sorted(names, key=lambda n: mean_error(drawn, n))
    figure, axes = plt.subplots(1, len(WHEN), figsize=(PAGE, 0.9 + 0.2 * len(names)), sharey=True)
    for axis, word, when in zip(axes, WHEN, (0, 1, -1), strict=True):
        rows = []
        for name in names:
            found = drawn.of(name, "angle")
            step = sorted(found["step"].unique())[when]
            means = found[found["step"] == step].groupby("part")["value"].mean()
            rows.append([means[part] for part in between_layers(means.index)])
        sns.heatmap(rows, ax=axis, vmin=0, vmax=90, cmap="viridis_r", annot=True, fmt=".0f",
                    annot_kws={"size": 6}, cbar=False,
                    xticklabels=[f"W{i}" for i in range(1, len(rows[0]) + 1)])  # fmt: skip
        axis.set_title(f"{title}: {word}")
    labels = [rule(drawn, n) for n in names]
    axes[0].set_yticks(np.arange(len(names)) + 0.5, labels, rotation=0)
    return figure


def by_size(drawn: Drawn, size: Callable[[list[int]], int]) -> dict[str, dict[int, str]]:
    """Of each rule that is in the last field its experiments by the size of their layers."""
    found: dict[str, dict[int, str]] = {}
    for e in drawn.experiments:
        ((_, network),) = e.resolved["network"].items()
        found.setdefault(rule(drawn, e.name), {})[size(network["layers"])] = e.name
    *_, last = fields(drawn).values()
    return {label: found[label] for label in (rule(drawn, name) for name in last)}


def errors_by_size(drawn: Drawn, size: Callable[[list[int]], int], **axes: object) -> Figure:
    """Test error of each rule by the size of its layers."""
    figure, axis = plt.subplots(figsize=(PAGE, 3.2))
    for k, (label, names) in enumerate(by_size(drawn, size).items()):
        errors = {at: drawn.of(names[at], "test_error")["value"] for at in sorted(names)}
        for at, values in errors.items():
            axis.plot([at] * len(values), values, "o", color=f"C{k}", ms=2.5, alpha=0.5)
        axis.plot([*errors], [values.mean() for values in errors.values()], color=f"C{k}", lw=1.2,
                  label=label)  # fmt: skip
    axis.set(yscale="log", ylabel="test error (%)", **axes)
    plain_log_ticks(axis.yaxis)
    axis.set_xticks([*errors], [*errors], minor=False)
    axis.minorticks_off()
    figure.legend(*axis.get_legend_handles_labels(), loc="outside right upper")
    return figure


def depth(drawn: Drawn) -> Figure:
    """Test error by the number of hidden layers."""
    return errors_by_size(drawn, lambda layers: len(layers) - 2, xlabel="hidden layers")


def width(drawn: Drawn) -> Figure:
    """Test error by the units in each hidden layer, of rules that perturb."""
    return errors_by_size(
        drawn, lambda layers: layers[1], xlabel="units in a hidden layer", xscale="log"
    )
