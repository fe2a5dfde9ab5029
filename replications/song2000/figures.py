"""Figures of Song, Miller & Abbott 2000."""

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import COLUMN, PAGE, Drawn, plain_log_ticks

BINS = np.linspace(0, 1, 21)


def regulation(drawn: Drawn) -> Figure:
    """Output rates over time and by input rate, and the final weights."""
    runs = drawn.arrays["rates"]
    rates = runs[0]["input_rates"]
    seconds = drawn.experiments[0].resolved["budget"]["seconds"]
    parts = runs[0]["rate_course"].shape[1]
    figure, (course, output, weights) = plt.subplots(1, 3, figsize=(PAGE, 2.2))
    time = (np.arange(parts) + 0.5) * seconds / parts
    for at, (rate, color) in enumerate(
        zip(rates, sns.color_palette("flare", len(rates)), strict=True)
    ):
        label = f"inputs at {rate:g} Hz"
        mean = np.mean([run["rate_course"][at] for run in runs], axis=0)
        course.plot(time, mean, color=color, lw=1.2, label=label)
        share = np.mean([np.histogram(run["weights"][at], BINS)[0] for run in runs], axis=0)
        weights.stairs(share / len(runs[0]["weights"][at]), BINS, color=color, lw=1.3, label=label)
    for name, label, marker in (("first_rates", "before learning", "s"),
                                ("output_rates", "last fifth", "o")):  # fmt: skip
        mean = np.mean([run[name] for run in runs], axis=0)
        output.plot(rates, mean, marker=marker, ms=4, lw=1, label=label)
    course.set(xlabel="time (s)", ylabel="output rate (Hz)", yscale="log")
    output.set(xlabel="input rate (Hz)", ylabel="output rate (Hz)", yscale="log")
    weights.set(xlabel="weight, of the largest", ylabel="share of the synapses", yscale="log")
    for axis in (course, output):
        plain_log_ticks(axis.yaxis)
    output.legend()
    weights.legend()
    return figure


def correlation(drawn: Drawn) -> Figure:
    """The final weights of correlated and of other inputs."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.3))
    runs = drawn.arrays["correlated"]
    for label, chosen in (("correlated", True), ("others", False)):
        values = np.concatenate([run["weights"][0][run["correlated"] == chosen] for run in runs])
        axis.stairs(np.histogram(values, BINS)[0] / len(values), BINS, lw=1.5, label=label)
    axis.set(xlabel="weight, of the largest", ylabel="share of the synapses")
    axis.legend()
    return figure
