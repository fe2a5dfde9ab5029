"""Figure of Xie & Seung 2000."""

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import COLUMN, PAGE, Drawn
from replications.xie2000.simulation import JOINT

SHOWN = "2 Hz"  # of the left panel


def drift(drawn: Drawn) -> Figure:
    """Measured against predicted drift, and both coefficients by frequency."""
    runs = drawn.arrays["drift"]
    windows = [n.split(JOINT)[1] for n in runs[0] if n.startswith("r2") and n.endswith(SHOWN)]
    frequencies = runs[0]["frequencies"]
    figure, (scatter, change, rate) = plt.subplots(1, 3, figsize=(PAGE, 2.3))
    for color, window in zip(sns.color_palette(), windows, strict=False):
        at = f"{window}{JOINT}{SHOWN}"
        scatter.plot(
            runs[0][f"predicted{JOINT}{at}"], runs[0][f"drift{JOINT}{at}"], ".", ms=1, alpha=0.3,
            color=color, zorder=1 if window == "nearest" else 2, rasterized=True,
        )  # fmt: skip
        scatter.plot([], [], "o", ms=4, color=color, label=window)
        labels = [f"{window}{JOINT}{f:g} Hz" for f in frequencies]
        for panel, axis in ((0, rate), (2, change)):
            found = np.array(
                [[r[f"coefficients{JOINT}{at}"][panel] for at in labels] for r in runs]
            )
            axis.plot(frequencies, found.T, "o", ms=4, color=color)
            if window != "nearest":
                expected = [runs[0][f"exact{JOINT}{at}"][panel] for at in labels]
                axis.plot(frequencies, expected, "-", lw=1, color=color)
    limits = scatter.get_xlim()
    scatter.plot(limits, limits, "k-", lw=0.8)
    scatter.set(xlabel="predicted drift (1/s)", ylabel="measured drift (1/s)", title=SHOWN)
    scatter.legend()
    for axis, label in ((change, "pre × d(post)/dt"), (rate, "mean pre × mean post")):
        axis.axhline(0, color="0.6", lw=0.6)
        axis.set(
            xscale="log", xlabel="frequency of the rates (Hz)", title=f"coefficient of {label}"
        )
        axis.set_xticks(frequencies, [f"{f:g}" for f in frequencies])
        axis.minorticks_off()
    return figure


def differential_rule(drawn: Drawn) -> Figure:
    """The change of each synapse by either rule."""
    figure, axis = plt.subplots(figsize=(COLUMN, 3))
    for run in drawn.arrays["differential_rule"]:
        axis.plot(run["differential"], run["pairs"], "o", ms=3, alpha=0.5, color="C0")
    limits = axis.get_xlim()
    axis.plot(limits, limits, "k-", lw=0.8)
    axis.set(xlabel="∫ pre × d(post)", ylabel="all pairs of spikes", title="change of a weight")
    return figure
