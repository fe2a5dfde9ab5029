"""The two figures of the front page, drawn from the stored reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from io import StringIO

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.compare import VERDICTS, Comparison, counted
from replications.core.report.findings import Row
from replications.core.report.plots import PAGE, STYLE, Color
from replications.core.report.statistics import t_interval

# From what holds to what does not, and then what says nothing yet.
VERDICT_COLORS: dict[str, Color] = {
    "reproduced": "#0173b2",
    "partial": "#56b4e9",
    "open": "#ece133",
    "not reproduced": "#de8f05",
    "no paper value": "#949494",
    "not comparable": "#bcbcbc",
    "not run": "#e4e4e4",
}


def front_figures(comparisons: Sequence[Comparison], rows: Sequence[Row]) -> dict[str, str]:
    """File name -> SVG, of both."""
    table = verdicts(comparisons).rename(index={c.paper: c.paper_label for c in comparisons})
    lines = (f"{r.panel}: {r.label}: {r.ours.tolist()}, the paper {r.theirs}" for r in rows)
    return {
        "verdicts.svg": svg(partial(draw_verdicts, table), table.to_csv()),
        "findings.svg": svg(partial(draw_rows, rows), "\n".join(lines)),
    }


def svg(draw: Callable[[], Figure], data: str) -> str:
    """A figure as SVG, the same whenever it is drawn; `data` is what it shows, as its description.

    A test compares that description with today's reference.
    """
    text = StringIO()
    with plt.style.context([STYLE, {"svg.fonttype": "path"}]):  # a reader may lack the font
        figure = draw()
        figure.savefig(text, format="svg", bbox_inches="tight",
                       metadata={"Date": None, "Description": data})  # fmt: skip
    plt.close(figure)
    return text.getvalue()


def draw_rows(rows: Sequence[Row]) -> Figure:
    """A panel a title: every run, the mean with its 95% t-interval, and the paper's value."""
    panels = list(dict.fromkeys(row.panel for row in rows))
    figure, axes = plt.subplots(1, len(panels), figsize=(PAGE, 2.1))
    for axis, title in zip(np.atleast_1d(axes), panels, strict=True):
        own = [row for row in rows if row.panel == title]
        for y, row in enumerate(own):
            draw_row(axis, y, row)
        axis.set_yticks(range(len(own)), [row.label for row in own])
        axis.set(title=title, xlabel=own[0].axis, ylim=(len(own) - 0.5, -0.5))
        axis.margins(x=0.08)
    handles, labels = np.atleast_1d(axes)[0].get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(
        unique.values(), unique.keys(), frameon=False, loc="outside lower center", ncols=3
    )
    sns.despine(figure)
    return figure


def draw_row(axis: plt.Axes, y: int, row: Row) -> None:
    """One line of a panel, at height `y`."""
    ours, theirs = VERDICT_COLORS["reproduced"], VERDICT_COLORS["not reproduced"]
    if row.theirs:
        low, high = row.theirs
        if low == high:
            axis.plot([low, low], [y - 0.36, y + 0.36], color=theirs, lw=1.6, label="the paper")
        else:
            axis.fill_betweenx([y - 0.36, y + 0.36], low, high, color=theirs, alpha=0.35, lw=0,
                               label="the paper")  # fmt: skip
    low, high = t_interval(row.ours)
    axis.plot(row.ours, np.full(len(row.ours), y), "|", color=ours, ms=6, mew=0.6, label="our runs")
    axis.plot([low, high], [y, y], color=ours, lw=0.8)
    axis.plot(row.ours.mean(), y, "o", color=ours, ms=3.5, label="our mean, 95% t-interval")


def verdicts(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Papers (rows) by verdicts (columns, those that occur): how many claims."""
    names = list(dict.fromkeys(c.paper for c in comparisons))
    counts = {name: counted([c for c in comparisons if c.paper == name]) for name in names}
    table = pd.DataFrame.from_dict(counts, orient="index").reindex(columns=list(VERDICTS))
    return table.dropna(axis="columns", how="all").fillna(0).astype(int)


def draw_verdicts(table: pd.DataFrame) -> Figure:
    """A bar a paper: the share of its claims by verdict, with their number in it."""
    figure, axis = plt.subplots(figsize=(PAGE, 2.6))
    total = table.sum(axis=1)
    left = pd.Series(0.0, index=table.index)
    for verdict, counts in table.items():
        share = 100 * counts / total
        bars = axis.barh(table.index, share, left=left, color=VERDICT_COLORS[str(verdict)],
                         edgecolor="white", height=0.75, label=verdict)  # fmt: skip
        shade = "white" if verdict == "reproduced" else "black"
        numbers = [str(n) if n else "" for n in counts]
        axis.bar_label(bars, numbers, label_type="center", fontsize=6.5, color=shade)
        left += share
    axis.set_yticks(range(len(table)), [f"{n} ({total[n]} claims)" for n in table.index])
    axis.set(xlabel="share of the claims (%)", xlim=(0, 100))
    axis.invert_yaxis()
    figure.legend(frameon=False, loc="outside upper center", ncols=len(table.columns))
    sns.despine(figure, left=True)
    axis.tick_params(left=False)
    return figure
