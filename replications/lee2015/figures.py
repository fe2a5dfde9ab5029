"""Figures of Lee et al. 2015."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import (
    PAGE,
    Drawn,
    alignment_by_layer,
    by_epoch,
    curve,
    error_curves,
    panels,
    width,
)


def learning_curves(drawn: Drawn) -> Figure:
    """Training cost, and training, validation and test error, of the network and its twin."""
    figure, (cost, error) = plt.subplots(1, 2, figsize=(PAGE, 2.6))
    for name in drawn.arrays:
        curve(cost, drawn.of(name, "train_cost"), color=drawn.color(name), label=drawn.label(name))
    cost.set(ylabel="training cost (nats)", yscale="log")
    by_epoch(cost)
    error_curves(drawn, error, list(drawn.arrays))
    error.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def alignment(drawn: Drawn) -> Figure:
    """The updates against the gradient of the same cost, per layer."""
    return alignment_by_layer(drawn)


def without_derivatives(drawn: Drawn) -> Figure:
    """Errors of the networks that send signs (left), and of those that send samples (right)."""
    return panels(drawn, {"signs": ("mnist_discretised", "mnist_signs"),
                          "samples": ("mnist_stochastic",)})  # fmt: skip


def other_networks(drawn: Drawn) -> Figure:
    """Errors with rectified units, on an auto-encoder's features, and on CIFAR-10."""
    return panels(drawn, {"rectified units": ("mnist_relu",), "features": ("mnist_auto_encoder",),
                          "CIFAR-10": ("cifar",)})  # fmt: skip


def likeness(drawn: Drawn) -> Figure:
    """How alike targets and activities of one class are, by layer, after the last epoch."""
    columns = len(drawn.arrays)
    figure, axes = plt.subplots(
        1, columns, figsize=(width(columns), 2.6), sharey=True, squeeze=False
    )
    for axis, name in zip(axes[0], drawn.arrays, strict=True):
        for what, style in (("targets", "-"), ("activities", "--")):
            rows = drawn.of(name, f"likeness_of_{what}")
            at = rows[rows["step"] == rows["step"].max()].groupby("part")["value"]
            layers = [part.removeprefix("layer ") for part in at.mean().index]
            axis.errorbar(layers, at.mean(), at.std(), color=drawn.color(name), ls=style,
                          marker="o", ms=4, lw=1, capsize=2, label=what)  # fmt: skip
        axis.set(title=drawn.label(name), xlabel="hidden layer", ylim=(0, 1.02))
    axes[0, 0].set_ylabel("mean cosine within a class")
    axes[0, 0].legend()
    return figure
