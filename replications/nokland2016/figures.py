"""Figures of Nøkland 2016."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import COLUMN, Drawn, alignment_by_layer, error_curves, panels


def learning_curves(drawn: Drawn) -> Figure:
    """Errors of two wide hidden layers (left) and of seven narrow ones (right)."""
    return panels(drawn, {"two hidden layers": ("wide",), "seven hidden layers": ("narrow",)})


def alignment(drawn: Drawn) -> Figure:
    """The updates against the gradient of the same cost, per layer."""
    return alignment_by_layer(drawn)


def rank(drawn: Drawn) -> Figure:
    """Errors by the rank of the feedback."""
    figure, axis = plt.subplots(figsize=(COLUMN, 3.2))
    error_curves(drawn, axis, list(drawn.arrays))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=1)
    return figure
