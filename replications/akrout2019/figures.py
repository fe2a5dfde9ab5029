"""Figures of Akrout et al. 2019."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import PAGE, Drawn, curve, errors_beside_a_legend

# The released log, results.json (read): angle of the first image's hidden error, degrees, by epoch.
LOGGED = {
    "feedback_alignment": {1: 42.1, 10: 26.1, 20: 29.6, 50: 36.9, 100: 40.4, 200: 38.6, 400: 34.9},
    "weight_mirror": {1: 63.4, 10: 16.9, 20: 7.7, 50: 13.4, 100: 9.1, 200: 5.0, 400: 3.2},
    "kolen_pollack": {1: 19.4, 10: 12.2, 20: 8.9, 50: 5.7, 100: 4.4, 200: 3.6, 400: 3.1},
}


def angles(drawn: Drawn) -> Figure:
    """Angles of hidden errors and of feedback weights, by epoch."""
    figure, (errors, weights) = plt.subplots(1, 2, figsize=(PAGE, 2.8), sharey=True)
    for name in drawn.arrays:
        color, label = drawn.color(name), drawn.label(name)
        for axis, metric, part in ((errors, "error_angle", "layer 1"),
                                   (weights, "weight_angle", "W2")):  # fmt: skip
            rows = drawn.of(name, metric)
            curve(axis, rows[rows["part"] == part], color=color, label=label)
        if drawn.on_the_papers_data and name in LOGGED:
            errors.plot(*zip(*LOGGED[name].items(), strict=True), "x", color=color, ms=4)
    errors.set_ylabel("angle of the hidden errors (deg)")
    weights.set(ylabel="angle of the feedback (deg)", ylim=(0, 95))
    for axis in (errors, weights):  # the log has few epochs, and most change is in the first
        axis.set(xlabel="epoch")
        axis.set_xscale("symlog", linthresh=1)
        axis.set_xlim(0, None)
        axis.xaxis.set_major_formatter("{x:g}")
    figure.legend(*errors.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def learning_curves(drawn: Drawn) -> Figure:
    """Errors of all rules."""
    return errors_beside_a_legend(drawn)
