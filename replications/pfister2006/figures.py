"""Figures of Pfister & Gerstner 2006, with the voltage-based rule of Clopath et al. 2010."""

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import COLUMN, PAGE, Drawn
from replications.pfister2006 import measurements
from replications.pfister2006.protocols import PROTOCOLS
from replications.pfister2006.simulation import CURVE, JOINT

SHOWN = {  # the columns of the first figure: (experiment, candidate)
    "pair rule, all to all": ("pair", "all to all"),
    "pair rule, nearest": ("pair", "nearest"),
    "triplet rule, all to all": ("triplet", "all to all"),
    "triplet rule, nearest": ("triplet", "nearest"),
    "voltage-based rule": ("voltage", "as released"),
}
STYLES = {"fitted": "-", "published": "--"}


def frequency(drawn: Drawn) -> Figure:
    """Measurements and rules by rate: a column per rule, a row per protocol."""
    protocols = ("60 pairings", "15 trains of 5")
    figure, axes = plt.subplots(
        len(protocols), len(SHOWN), figsize=(PAGE, 3.2), sharex=True, sharey=True,
    )  # fmt: skip
    colors = sns.color_palette()[: len(measurements.LAGS)]
    for axis, title in zip(axes[0], SHOWN, strict=True):
        axis.set_title(title)
    for row, protocol in zip(axes, protocols, strict=True):
        row[0].set_ylabel(f"{protocol}\nrelative change")
        for axis, (experiment, candidate) in zip(row, SHOWN.values(), strict=True):
            arrays = drawn.arrays[experiment][0]
            for side, (lag, color) in enumerate(zip(measurements.LAGS, colors, strict=True)):
                axis.errorbar(
                    measurements.RATES, measurements.CHANGE[side], measurements.ERROR[side],
                    fmt="o", ms=3.5, capsize=2, color=color, label=f"measured, {lag:+.0f} ms",
                )  # fmt: skip
                for which, style in STYLES.items():
                    name = JOINT.join(("curve", candidate, which, protocol))
                    if name in arrays:
                        axis.plot(CURVE, arrays[name][side], style, color=color, lw=1.3,
                                  label=f"{which}, {lag:+.0f} ms")  # fmt: skip
            axis.axhline(0, color="0.6", lw=0.6)
            axis.set(ylim=(-0.7, 1.1))
    for axis in axes[-1]:
        axis.set_xlabel("rate of the pairs (Hz)")
    handles, labels = axes[0, -1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


def errors(drawn: Drawn) -> Figure:
    """E of every candidate: a line per candidate and set of parameters, a mark per protocol."""
    rows = drawn.scores[drawn.scores["metric"] == "fit_error"]
    parts = rows["part"].str.rsplit(", ", n=2, expand=True)
    table = rows.assign(
        rule=rows["experiment"].map(drawn.label) + ", " + parts[0] + ", " + parts[1],
        protocol=parts[2],
    )
    figure, axis = plt.subplots(figsize=(PAGE, 3.6))
    sns.stripplot(
        table, x="value", y="rule", hue="protocol", hue_order=list(PROTOCOLS), jitter=False,
        size=5, ax=axis,
    )  # fmt: skip
    axis.axvline(1, color="0.6", lw=0.8, ls=":")
    axis.set(xscale="log", xlim=(0.08, 12), xlabel="E (squared standard errors)", ylabel="")
    axis.grid(axis="y", lw=0.4)
    axis.legend(title=None, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def window(drawn: Drawn) -> Figure:
    """The window as measured and as each rule has it."""
    figure, axis = plt.subplots(figsize=(COLUMN, 2.5))
    arrays = drawn.arrays["window"][0]
    lags, measured = arrays["lags"], arrays["measured"]
    gap = np.searchsorted(lags, 0)  # no line across the jump at 0
    for color, (name, values) in zip(
        ["0.2", *sns.color_palette()],
        [("measured", measured)] + [(n, v) for n, v in arrays.items() if n.startswith("window")],
        strict=False,
    ):
        label = name.split(JOINT)[-1]
        line = {"lw": 3, "alpha": 0.4} if label == "measured" else {"lw": 1.2}
        for part in (slice(gap), slice(gap, None)):
            axis.plot(lags[part], values[part], color=color, **line,
                      label=label if part.stop else None)  # fmt: skip
    axis.axhline(0, color="0.6", lw=0.6)
    axis.set(xlabel="postsynaptic less presynaptic spike (ms)", ylabel="relative change")
    axis.legend()
    return figure
