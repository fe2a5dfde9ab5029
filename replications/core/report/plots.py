"""Figures: what they are drawn from, how they look, and what papers draw alike."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from safetensors.numpy import load_file

from replications.core.base.arrays import read_arrays
from replications.core.base.files import write_atomically
from replications.core.base.provenance import PACKAGE
from replications.core.declare.experiments import Experiment
from replications.core.declare.papers import Paper, suite
from replications.core.report.compare import value_range
from replications.core.report.tables import read_scores

Color = Any  # whatever matplotlib takes for a colour
COLUMN, PAGE = 8.5 / 2.54, 17 / 2.54  # inches: every figure is as wide as one of these
STYLE = Path(__file__).with_name("suite.mplstyle")
PALETTE = 10  # its colours, C0 to C9
FINAL: dict[str, Any] = {"ls": "", "marker": "D", "ms": 4, "mec": "white", "mew": 0.5}  # `final`'s


@dataclass(frozen=True)
class Drawn:
    """What a figure may read: the scores and arrays of the experiments that it declares."""

    paper: Paper
    tier: str
    scores: pd.DataFrame  # the long table, this figure's experiments only
    arrays: dict[str, list[dict[str, np.ndarray]]]  # experiment -> one dictionary per run
    runs: Path  # where the run directories are, <experiment>/<run>

    @cached_property
    def experiments(self) -> list[Experiment]:
        """The experiments that are drawn, as the tier resolves them."""
        return [e for e in self.paper.experiments(self.tier) if e.name in self.arrays]

    @property
    def on_the_papers_data(self) -> bool:
        """Whether the paper's numbers may stand in the figure: they are about the same dataset."""
        return all(e.data == e.paper_data for e in self.experiments)

    def label(self, experiment: str) -> str:
        """An experiment's label; marked if its network is smaller."""
        (drawn,) = (e for e in self.experiments if e.name == experiment)
        return f"{drawn.label} (smaller network)" if drawn.smaller else drawn.label

    def color(self, experiment: str) -> str:
        """The colour of an experiment, in every figure of its paper."""
        return colors(self.paper.name)[experiment]

    def of(self, experiment: str, metric: str) -> pd.DataFrame:
        """The rows of one metric of one experiment."""
        s = self.scores
        return s[(s["experiment"] == experiment) & (s["metric"] == metric)]

    def parameters(self, experiment: str) -> dict[str, np.ndarray]:
        """What an experiment's first run has learnt, by name; as "<epoch>/<name>" before."""
        kept = load_file(self.runs / experiment / "0" / "parameters.safetensors")
        last = max(int(name.split("/", 1)[0]) for name in kept)
        return kept | {name.split("/", 1)[1]: kept[name] for name in kept
                       if name.startswith(f"{last}/")}  # fmt: skip


@cache
def colors(paper: str) -> dict[str, str]:
    """A colour, C0 to C9, for every experiment of a paper.

    It is the one that the rule or model has in the paper whose it is; else the first that none has
    of those that stand in a figure beside it.
    """
    own = suite().paper(paper)
    found: dict[str, str] = {}
    for experiment in own.experiments("paper"):
        taken = Counter(found[other] for other in beside(own, experiment.name) if other in found)
        wish = lent(paper, experiment)
        free = min((f"C{i}" for i in range(PALETTE)), key=taken.__getitem__)
        found[experiment.name] = wish if wish and wish not in taken else free
    return found


def lent(paper: str, experiment: Experiment) -> str:
    """The colour that another paper's rule or model has there; "" for the paper's own."""
    owner = experiment.science[0].split(".")[1]
    if owner == paper or owner not in suite().names:
        return ""
    theirs = suite().paper(owner).experiments("paper")
    same = [e.name for e in theirs if e.science == experiment.science]
    return colors(owner)[same[0]] if same else ""


def beside(paper: Paper, experiment: str) -> set[str]:
    """The experiments that stand in a figure with one."""
    together = (f["experiments"] for f in paper.figures.values() if experiment in f["experiments"])
    return {name for names in together for name in names} - {experiment}


def draw_figures(
    results: Path, paper: Paper, tier: str, names: Sequence[str] | None = None
) -> None:
    """Draw every figure of a paper, or the named, into <results>/figures/<paper>/, PNG and PDF.

    `results` is results/<tier>, or a folder with its runs/ and papers/.
    """
    folder = results / "figures" / paper.name
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures(results, paper, tier, names):
        for suffix, undated in (("png", {}), ("pdf", {"CreationDate": None})):
            written = io.BytesIO()
            figure.savefig(written, format=suffix, metadata=undated)
            write_atomically(folder / f"{name}.{suffix}", written.getvalue())
        plt.close(figure)


def figures(
    results: Path, paper: Paper, tier: str, names: Sequence[str] | None = None
) -> Iterator[tuple[str, Figure]]:
    """Every figure of a paper, or the named, in the style of the suite and signed.

    Where a simulation has no run, or nothing at all has, the figure says so instead.
    """
    plt.style.use(["default", STYLE])  # none of the user's
    science = import_module(f"{PACKAGE}.{paper.name}.figures")
    kinds = {experiment.name: experiment.kind for experiment in paper.experiments(tier)}
    for name in paper.figures if names is None else names:
        wanted = [e for e in paper.figures[name]["experiments"] if e in kinds]
        drawn = drawn_of(results, paper, tier, wanted)
        lacking = [e for e in wanted if e not in drawn.arrays and kinds[e] == "simulation"]
        if drawn.arrays and not lacking:
            figure = getattr(science, name)(drawn)
            sign(figure, budget_note(drawn))
        else:
            figure = not_drawn(lacking or wanted, tier)
        yield name, figure


def not_drawn(experiments: Sequence[str], tier: str) -> Figure:
    """In a figure's place: which experiments it waits for."""
    waiting = (
        f"no run of {', '.join(experiments)} ended well" if experiments else "not in this tier"
    )
    figure = plt.figure(figsize=(COLUMN, 1))
    figure.text(0.5, 0.5, f"{tier} tier:\n{waiting}", ha="center", va="center", wrap=True)
    return figure


def sign(figure: Figure, note: str) -> None:
    """Write a note below a figure, in a line of its own."""
    line = 0.13 / figure.get_figheight()
    figure.set_layout_engine("constrained", rect=(0, line, 1, 1 - line))
    figure.text(0.995, 0.15 * line, note, ha="right", va="bottom", fontsize=6, color="0.4")


def drawn_of(results: Path, paper: Paper, tier: str, experiments: list[str]) -> Drawn:
    """The scores and arrays of those of a paper's experiments that have runs."""
    scores = read_scores(results / "papers" / paper.name / "scores.parquet")
    arrays, directory = {}, results / "runs" / paper.name
    kinds = {experiment.name: experiment.kind for experiment in paper.experiments(tier)}
    for name in experiments:
        runs = sorted(scores.loc[scores["experiment"] == name, "run"].unique())
        if runs:
            arrays[name] = [read_arrays(directory / name / str(r), kinds[name]) for r in runs]
    drawn = scores[scores["experiment"].isin(experiments)]
    return Drawn(paper, tier, drawn, arrays, directory)


def budget_note(drawn: Drawn) -> str:
    """The tier and what share of the full budget it spends, for the foot of a figure."""
    experiments = sorted(drawn.experiments, key=lambda e: e.share)
    ends = dict.fromkeys((experiments[0].share_text, experiments[-1].share_text))
    shares = " to ".join(ends).replace("to full", "to all")
    data = " and ".join(dict.fromkeys(e.data for e in drawn.experiments if e.data != "none"))
    runs = drawn.scores["run"].nunique()
    on = f" on {data}" if data else ""
    budget = "the full budget" if shares == "full" else f"{shares} of the full budget"
    reductions = [part for e in experiments for part in e.reduced_text.split(", ")[1:]]
    counted = f"{runs} run" if runs == 1 else f"{runs} runs"
    return ", ".join([f"{drawn.tier} tier{on}", counted, budget, *dict.fromkeys(reductions)])


def width(panels: int) -> float:
    """Of a figure with so many panels side by side, inches: one fits into a column."""
    return PAGE if panels > 1 else COLUMN


def curve(axis: plt.Axes, rows: pd.DataFrame, *, color: Color, label: str | None,
          style: str = "-") -> None:  # fmt: skip
    """One metric over steps: thin lines for single runs, a thick one for their mean."""
    table = rows.pivot_table(index="step", columns="run", values="value")
    single = len(table) == 1  # one step makes no line
    marks: dict[str, Any] = {"marker": "o", "ms": 3} if single else {}
    axis.plot(table.index, table, color=color, lw=0.5, alpha=0.5, ls=style, **marks)
    axis.plot(table.index, table.mean(axis=1), color=color, lw=1.6, ls=style, label=label, **marks)


def final(axis: plt.Axes, rows: pd.DataFrame, *, color: Color) -> None:
    """A metric that is measured once, after the last epoch: one mark per run."""
    axis.plot(rows["step"], rows["value"], color=color, zorder=3, clip_on=False, **FINAL)


def error_curves(drawn: Drawn, axis: plt.Axes, experiments: Sequence[str]) -> None:
    """Training error (dashed), validation error (solid) and final test error (marks), log scale.

    An experiment a colour; in a legend they stand first, then the styles, in grey.
    """
    for experiment in experiments:
        color = drawn.color(experiment)
        curve(axis, drawn.of(experiment, "validation_error"), color=color,
              label=drawn.label(experiment))  # fmt: skip
        curve(axis, drawn.of(experiment, "train_error"), color=color, label=None, style="--")
        final(axis, drawn.of(experiment, "test_error"), color=color)
    axis.plot([], [], "--", color="0.4", lw=1.6, label="training")
    axis.plot([], [], "-", color="0.4", lw=1.6, label="validation")
    axis.plot([], [], color="0.4", label="test, after the last", **FINAL)
    axis.set(ylabel="error (%)", yscale="log")
    by_epoch(axis)
    plain_log_ticks(axis.yaxis)


def errors_beside_a_legend(drawn: Drawn) -> Figure:
    """Error curves of all experiments in one panel."""
    figure, axis = plt.subplots(figsize=(PAGE, 3))
    error_curves(drawn, axis, list(drawn.arrays))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def panels(drawn: Drawn, groups: Mapping[str, tuple[str, ...]]) -> Figure:
    """Error curves, a panel for each group that has runs: experiments by how their names start."""
    found = {
        title: [name for name in drawn.arrays if name.startswith(starts)]
        for title, starts in groups.items()
    }
    found = {title: names for title, names in found.items() if names}
    figure, axes = plt.subplots(1, len(found), figsize=(PAGE, 3.6), sharey=True, squeeze=False)
    for axis, (title, names) in zip(axes[0], found.items(), strict=True):
        error_curves(drawn, axis, names)
        axis.set_title(title)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=1)
    for axis in axes[0, 1:]:
        axis.set_ylabel("")
    return figure


CHOSEN = {  # metric -> marker, and which epoch is taken
    "best_test_error": ("v", "smallest test error"),
    "test_error_chosen": ("o", "smallest validation error"),
    "test_error": ("D", "the last"),
}


def by_epoch_taken(drawn: Drawn) -> Figure:
    """Test errors by which epoch is taken, beside the numbers of the claims about them."""
    names = list(drawn.arrays)
    figure, axis = plt.subplots(figsize=(PAGE, 0.9 + 0.28 * len(names)))
    claims = {c.scores[0]["experiment"]: c for c in drawn.paper.claims
              if not c.is_predicate and c.scores[0]["metric"] in CHOSEN}  # fmt: skip
    for y, name in enumerate(names):
        color = drawn.color(name)
        for k, (metric, (marker, _)) in enumerate(CHOSEN.items()):
            values = drawn.of(name, metric)["value"]
            height = y + 0.22 * (k - 1)
            axis.plot(values, [height] * len(values), marker, color=color, ms=2.5, alpha=0.5)
            axis.plot(values.mean(), height, marker, color=color, ms=5)
        if drawn.on_the_papers_data and name in claims:
            stated, _ = value_range(claims[name])
            axis.plot([stated] * 2, [y - 0.4, y + 0.4], color="0.4", lw=1.2)
    for marker, epoch in CHOSEN.values():
        axis.plot([], [], marker, color="0.4", ms=5, label=epoch)
    for source in {c.source for c in claims.values()} if drawn.on_the_papers_data else ():
        axis.plot([], [], color="0.4", lw=1.2, label=source)
    axis.set_yticks(range(len(names)), [drawn.label(name) for name in names])
    axis.set(xlabel="test error (%)", ylim=(len(names) - 0.5, -0.5))
    axis.legend(title="epoch with", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def by_epoch(axis: plt.Axes) -> None:
    """Label the x axis, with ticks at whole epochs alone."""
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def plain_log_ticks(axis: Axis) -> None:
    """Ticks at 1, 2 and 5 of each decade of a logarithmic x or y axis, as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def pointing(drawn: Drawn, experiment: str, metric: str) -> pd.DataFrame:
    """The rows of a metric of alignment, less those of an update or a gradient of zero.

    Such a one points nowhere: its norm ratio is 0, its cosine and angle are but a convention.
    """
    keys = ["run", "part", "step"]
    ratios = drawn.of(experiment, "norm_ratio").set_index(keys)["value"]
    rows = drawn.of(experiment, metric)
    return rows[ratios.loc[pd.MultiIndex.from_frame(rows[keys])].to_numpy() != 0]


def alignment_by_layer(drawn: Drawn) -> Figure:
    """Angle and norm ratio to -gradient, by layer and epoch; a column per experiment."""
    columns = len(drawn.arrays)
    figure, axes = plt.subplots(
        2, columns, figsize=(width(columns), 4), sharex=True, sharey="row",
        squeeze=False,
    )  # fmt: skip
    for column, experiment in zip(axes.T, drawn.arrays, strict=True):
        for axis, metric in zip(column, ("angle", "norm_ratio"), strict=True):
            rows, all_rows = pointing(drawn, experiment, metric), drawn.of(experiment, metric)
            steps = sorted(all_rows["step"].unique())
            layers = sorted(all_rows["part"].unique(), key=lambda name: int(name[1:]))
            for color, step in zip(sns.color_palette("flare", len(steps)), steps, strict=True):
                at = rows[rows["step"] == step].groupby("part")["value"]
                axis.errorbar(
                    range(len(layers)), at.mean().reindex(layers), at.std().reindex(layers),
                    color=color, marker="o", ms=4, lw=1, capsize=2, label=f"epoch {step}",
                )  # fmt: skip
            axis.set_xticks(range(len(layers)), layers)
        column[0].axhline(90, color="0.6", lw=0.8, ls=":")
        column[0].set_title(drawn.label(experiment), fontsize=7 if columns < 4 else 6)
        column[0].set_ylim(0, None)
        column[1].axhline(1, color="0.6", lw=0.8, ls=":")
        column[1].set(xlabel="weights, from the input up", yscale="log")
        plain_log_ticks(column[1].yaxis)
    axes[0, 0].set_ylabel("angle to −gradient (deg)")
    axes[1, 0].set_ylabel("|update| / |gradient|")
    for axis in axes[0]:  # experiments may be of different lengths
        axis.legend()
    return figure


def rules_by_epoch(drawn: Drawn) -> Figure:
    """Learning rules on one network with two layers of weights, a colour each, by epoch.

    Training error; validation error and, marked, the last test error; the updates' cosine to
    -gradient, for either layer, where there is an update and a gradient.
    """
    figure, grid = plt.subplots(2, 2, figsize=(PAGE, 4.6))
    axes = grid.flat
    for name in drawn.arrays:
        label, color = drawn.label(name), drawn.color(name)
        curve(axes[0], drawn.of(name, "train_error"), color=color, label=label)
        curve(axes[1], drawn.of(name, "validation_error"), color=color, label=label)
        final(axes[1], drawn.of(name, "test_error"), color=color)
        cosines = pointing(drawn, name, "cosine")
        for axis, layer in zip(axes[2:], ("W1", "W2"), strict=True):
            curve(axis, cosines[cosines["part"] == layer], color=color, label=label)
    for axis, what in zip(axes, ("training", "validation"), strict=False):
        axis.set(ylabel=f"{what} error (%)", yscale="log")
        by_epoch(axis)
        plain_log_ticks(axis.yaxis)
    axes[1].set_title("marks: test error")
    for axis, layer in zip(axes[2:], ("W1", "W2"), strict=True):
        axis.set(ylabel=f"cosine to −gradient, {layer}", ylim=(None, 1.02))
        by_epoch(axis)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center",
                  ncols=3)  # fmt: skip
    return figure
