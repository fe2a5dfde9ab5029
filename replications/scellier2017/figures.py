"""Figures of Scellier & Bengio 2017."""

import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.plots import Drawn, alignment_by_layer, error_curves


def learning_curves(drawn: Drawn) -> Figure:
    """Fig. 3, one hidden layer: training and validation error, log scale."""
    figure, axis = plt.subplots(figsize=(5.4, 3.8), layout="constrained")
    error_curves(drawn, axis)
    if drawn.on_the_papers_data:
        value = drawn.paper.declared["claims"]["validation_error_as_described"]["value"]
        axis.axhspan(value["low"], value["high"], color="0.9", zorder=0, label="the paper")
    axis.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    sns.despine(figure)
    return figure


def alignment(drawn: Drawn) -> Figure:
    """The update against the true gradient at the fixed point, per layer."""
    return alignment_by_layer(drawn)
