"""Figures of Bengio et al. 2015."""

import numpy as np
import seaborn as sns
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from torchvision.utils import make_grid

from replications.bengio2015 import scores
from replications.core.declare.metrics import ANCHORS, SHARED
from replications.core.learn.spiking.measured import bi_poo_window
from replications.core.report.plots import COLUMN, PAGE, Drawn, by_epoch, curve

FLOOR = -250  # nats: what lies below is drawn there
MEASURES = {
    "parzen": "Parzen, σ = 0.2",
    "parzen_chosen": "Parzen, σ chosen",
    "log_likelihood": "log p(x), AIS",
    "frechet": "Fréchet distance",
    "two_sample": "two-sample test",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
}


def stdp(drawn: Drawn) -> Figure:
    """Fig. 1: mean dW against mean dT, both fits, Bi & Poo's window; a panel per variant."""
    columns = len(drawn.arrays)
    figure, axes = plt.subplots(1, columns, figsize=(PAGE, 2.6), squeeze=False)
    for axis, (experiment, runs) in zip(axes[0], drawn.arrays.items(), strict=True):
        rows = drawn.scores[drawn.scores["experiment"] == experiment]
        fits = rows.groupby(["part", "metric"])["value"].mean()
        curve = runs[0]
        axis.axhline(0, color="0.8", lw=0.8, zorder=0)
        axis.axvline(0, color="0.8", lw=0.8, zorder=0)
        for side in scores.SIDES:
            stdp_side(axis, curve, side, fits[side])
        axis.errorbar(curve["delta_t"], curve["delta_w"], curve["delta_w_se"], fmt="o", ms=2.5,
                      color="0.2", lw=0.8, zorder=3, label="simulated, mean ± s.e.")  # fmt: skip
        if "expected" in curve:
            axis.plot(curve["delta_t"], curve["expected"], "k:", lw=1.5, label="expected")
        quality = "\n".join(
            f"R², {name}: {fits['potentiation', metric]:.3f} | {fits['depression', metric]:.3f}"
            for name, metric in (("exponential", "r2_exponential"), ("power law", "r2_power"))
        )
        axis.set_title(f"{drawn.label(experiment)}\n{quality}")
        axis.set(xlabel="mean ΔT = post − pre (ms)")
    axes[0, 0].set_ylabel("mean ΔW (mV/ms)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return figure


def companion(drawn: Drawn) -> Figure:
    """The curves of arXiv 1509.05936, drawn as Fig. 1 is."""
    return stdp(drawn)


def stdp_side(axis: plt.Axes, curve: dict, side: str, fit) -> None:
    """Both fits and the Bi & Poo window, scaled to this side's largest mean, on one side."""
    sign = scores.SIDES[side]
    t, w = scores.side(curve, sign)
    grid = np.linspace(t.min(), t.max(), 300)
    window = np.abs(bi_poo_window(sign * grid))
    lines = {
        "exponential fit": scores.exponential(grid, fit["amplitude_exponential"], fit["tau"]),
        "power-law fit": scores.power(grid, fit["amplitude_power"], fit["exponent"]),
        "Bi & Poo 1998, scaled": window * w.max() / window.max(),
    }
    for color, (label, y) in zip(sns.color_palette(), lines.items(), strict=False):
        style = "--" if label.startswith("Bi") else "-"
        shown = label if sign > 0 else None
        axis.plot(sign * grid, sign * y, color=color, lw=1.5, ls=style, label=shown)


def samples(drawn: Drawn) -> Figure:
    """Fig. 3, and the samplers of Sec. 5: samples of the first run, all from the same draws."""
    ((experiment, runs),) = drawn.arrays.items()
    return grids(drawn, {name: (experiment, runs[0][key]) for name, key in kept(runs[0]).items()})


def baselines(drawn: Drawn) -> Figure:
    """Samples of the first run of every model that the paper compares with."""
    shown = {}
    for experiment, runs in drawn.arrays.items():
        for name, key in kept(runs[0]).items():
            shown[name, experiment] = (experiment, runs[0][key])
    return grids(drawn, shown)


def kept(arrays: dict) -> dict[str, str]:
    """Sampler -> the name of its samples among a run's arrays."""
    return {n.removeprefix("samples_"): n for n in arrays if n.startswith("samples_")}


def grids(drawn: Drawn, shown: dict) -> Figure:
    """A grid of samples for each sampler, (experiment, images (n, D)) by name; four in a row."""
    rows = -(-len(shown) // 4)
    columns = min(4, len(shown))
    figure, axes = plt.subplots(rows, columns, figsize=(PAGE, 1.85 * rows), squeeze=False)
    for axis in axes.flat[len(shown) :]:
        axis.remove()
    for axis, (name, (experiment, pixels)) in zip(axes.flat, shown.items(), strict=False):
        sampler, *model = name if isinstance(name, tuple) else (name,)
        images = torch.from_numpy(pixels)  # (n, D)
        side = int(images.shape[1] ** 0.5)
        grid = make_grid(images.view(-1, 1, side, side).clamp(0, 1), 10, padding=1, pad_value=1)
        nats = drawn.of(experiment, "parzen").query("part == @sampler")["value"].mean()
        title = drawn.label(experiment) if model else sampler.replace("_", " ")
        axis.imshow(grid.permute(1, 2, 0), cmap="gray", interpolation="nearest")
        axis.set_title(f"{title}\n{nats:.0f} nats", fontsize=7)
        axis.set(xticks=[], yticks=[])
    sns.despine(figure, left=True, bottom=True)
    return figure


def inference(drawn: Drawn) -> Figure:
    """Fig. 4: log p(x, h) over inference, mean over the test images and single ones."""
    columns = len(drawn.arrays)
    figure, axes = plt.subplots(1, columns, figsize=(PAGE, 2.6), squeeze=False)
    for axis, (experiment, runs) in zip(axes[0], drawn.arrays.items(), strict=True):
        axis.plot(runs[0]["log_joint_single"], color="0.7", lw=0.7, ls="--")
        for index, (color, run) in enumerate(zip(sns.color_palette(), runs, strict=False)):
            mean, error = run["log_joint_mean"], run["log_joint_se"]
            axis.plot(mean, color=color, lw=1.8, label=f"run {index}, mean over test images")
            axis.fill_between(range(len(mean)), mean - error, mean + error, color=color, alpha=0.3)
        axis.plot([], [], color="0.7", lw=0.7, ls="--", label="single test images, run 0")
        rises = drawn.of(experiment, "log_joint_rises")["value"].mean()
        axis.set_title(f"{drawn.label(experiment)}\nrises on {rises:.0f}% of the test images")
        axis.set(xlabel="iterations of inference")
    axes[0, 0].set_ylabel("log p(x, h) (nats, constants dropped)")
    axes[0, 0].legend()
    return figure


def inpainting(drawn: Drawn) -> Figure:
    """Fig. 5: true image, its visible half with noise, filled by the model, nearest neighbour."""
    ((experiment, runs),) = drawn.arrays.items()
    names = [name for name in runs[0] if name.startswith("inpainting_")]
    errors = drawn.of(experiment, "inpainting_error").groupby("part")["value"].mean()
    rows = -(-len(names) // 2)
    figure, axes = plt.subplots(rows, 2, figsize=(PAGE, 1.75 * rows), squeeze=False)
    for axis in axes.flat[len(names) :]:
        axis.remove()
    for axis, name in zip(axes.flat, names, strict=False):
        pixels = torch.from_numpy(runs[0][name])  # (4, n, D)
        side = int(pixels.shape[2] ** 0.5)
        images = pixels.reshape(-1, 1, side, side).clamp(0, 1)
        grid = make_grid(images, pixels.shape[1], padding=1, pad_value=1)
        axis.imshow(grid.permute(1, 2, 0), cmap="gray", interpolation="nearest")
        pattern = name.removeprefix("inpainting_")
        scores = ", ".join(
            f"{filler} {errors[f'{filler}, {pattern}']:.3f}"
            for filler in ("model", "nearest neighbour", "mean image")
        )
        axis.set_title(f"{pattern}; error of a missing pixel:\n{scores}", fontsize=6)
        ticks = [(i + 0.5) * (side + 1) for i in range(4)]
        axis.set_yticks(ticks, ["image", "given", "model", "neighbour"])
        axis.set_xticks([])
    sns.despine(figure, left=True, bottom=True)
    return figure


def chains(drawn: Drawn) -> Figure:
    """Parzen likelihood of the chains' images against the steps taken, from ancestral samples."""
    ((experiment, _),) = drawn.arrays.items()
    rows = drawn.of(experiment, "chain_parzen")
    figure, axis = plt.subplots(figsize=(COLUMN, 2.6))
    for color, name in zip(sns.color_palette(), rows["part"].unique(), strict=False):
        curve(axis, rows[rows["part"] == name], color=color, label=name.replace("_", " "))
    real = drawn.of(experiment, "parzen").query("part == 'real images'")["value"].mean()
    axis.axhline(real, color="0.6", lw=0.8, ls=":", label="real training images")
    axis.set_xscale("symlog", linthresh=1)
    axis.set_xlim(0, None)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set(xlabel="steps of the chain", ylabel="Parzen log-likelihood, σ = 0.2 (nats)")
    axis.legend()
    return figure


def target_propagation(drawn: Drawn) -> Figure:
    """Eq. 12 against the true gradient by layer, through training; a column per inference."""
    columns = len(drawn.arrays)
    figure, axes = plt.subplots(
        2, columns, figsize=(PAGE, 4), sharex=True, sharey="row", squeeze=False,
    )  # fmt: skip
    for column, experiment in zip(axes.T, drawn.arrays, strict=True):
        for axis, metric in zip(column, ("cosine", "norm_ratio"), strict=True):
            rows, colors = drawn.of(experiment, metric), sns.color_palette()
            for color, name in zip(colors, sorted(rows["part"].unique()), strict=False):
                style = "--" if name.endswith("noisy") else "-"
                curve(axis, rows[rows["part"] == name], color=color, label=name, style=style)
        column[0].set(title=f"trained by {drawn.label(experiment)}")
        column[0].axhline(0, color="0.6", lw=0.8, ls=":")
        column[1].set_yscale("log")
        by_epoch(column[1])
    axes[0, 0].set_ylabel("cosine to ∂ log p / ∂h")
    axes[1, 0].set_ylabel("|estimate| / |gradient|")
    axes[0, 0].legend()
    return figure


def ablations(drawn: Drawn) -> Figure:
    """Parzen likelihood of both samplers of the model and of what is changed in it, one by one."""
    names = list(drawn.arrays)
    figure, axis = plt.subplots(figsize=(COLUMN, 0.2 * len(names) + 0.8))
    for color, sampler in zip(sns.color_palette(), ("ancestral", "generate"), strict=False):
        for place, name in enumerate(names):
            values = drawn.of(name, "parzen").query("part == @sampler")["value"]
            values = values.clip(lower=FLOOR)
            axis.plot(values, [place] * len(values), ".", color=color, ms=4, alpha=0.6)
            axis.plot(values.mean(), place, "D", color=color, ms=5,
                      label=sampler if place == 0 else None)  # fmt: skip
    axis.set_yticks(range(len(names)), [drawn.label(name) for name in names])
    axis.set(xlabel="Parzen log-likelihood (nats)")
    axis.invert_yaxis()
    axis.grid(axis="y")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def likelihood(drawn: Drawn) -> Figure:
    """Parzen likelihood at sigma = 0.2 of every sampler, of the anchors, and of the papers."""
    rows = titled(drawn).query("metric == 'parzen'")
    means = rows.groupby("name")["value"].mean().sort_values()
    floor = max(FLOOR, min(0, means.min()))
    figure, axis = plt.subplots(figsize=(PAGE, 0.17 * len(means) + 0.8))
    colors = ["0.75" if name in ANCHORS else sns.color_palette()[0] for name in means.index]
    axis.barh(means.index, means.clip(lower=floor) - floor, left=floor, color=colors)
    axis.plot(rows["value"].clip(lower=floor), rows["name"], "k.", ms=4)
    for name, mean in means.items():
        axis.text(floor, name, f" {mean:.0f}", va="center")
    for claim in drawn.paper.claims if drawn.on_the_papers_data else ():
        about = claim.declared.get("about", {"metric": None})
        if about["metric"] == "parzen":
            name = title(drawn, about["experiment"], about["part"])
            axis.plot(claim.declared["value"]["mean"], name, "D", color=sns.color_palette()[3],
                      ms=5, zorder=3, label="as published")  # fmt: skip
    handles = dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    if handles:
        axis.legend(handles.values(), handles, loc="lower right")
    axis.set(xlabel="Parzen log-likelihood of the test images, σ = 0.2 (nats)")
    axis.set_xlim(floor, None)
    return figure


def measures(drawn: Drawn) -> Figure:
    """How each measure ranks the samplers, and how the measures' orders agree (Spearman)."""
    rows = titled(drawn)
    means = rows[rows["metric"].isin(MEASURES)].pivot_table(
        index="name", columns="metric", values="value"
    )
    means = means[[m for m in MEASURES if m in means]].dropna(subset=["parzen", "frechet"])
    good = means * [1 if SHARED[m].higher_is_better else -1 for m in means.columns]
    means.columns = good.columns = [MEASURES[m] for m in means.columns]
    ranks = good.rank(ascending=False).sort_values("Parzen, σ = 0.2")
    figure, axes = plt.subplots(
        2, 1, figsize=(PAGE, 0.15 * (len(means) + len(means.columns)) + 2.6),
        height_ratios=(len(means), len(means.columns)),
    )  # fmt: skip
    heat = {"cbar": False, "annot_kws": {"fontsize": 6}, "linewidths": 0.4}
    texts = means.reindex(ranks.index).map(lambda v: f"{v:.0f}" if abs(v) >= 100 else f"{v:.3g}")
    sns.heatmap(ranks, annot=texts, fmt="", cmap="viridis_r", ax=axes[0], **heat)
    axes[0].set(title="values, coloured by rank (dark: worst)", xlabel="", ylabel="")
    agreement = good.corr(method="spearman", min_periods=4)
    sns.heatmap(agreement, annot=True, fmt=".2f", cmap="vlag", vmin=-1, vmax=1, ax=axes[1], **heat)
    axes[1].set(title="rank correlation between measures")
    for axis in axes:
        axis.tick_params(axis="x", labelrotation=40)
        plt.setp(axis.get_xticklabels(), ha="right")
    return figure


def title(drawn: Drawn, experiment: str, part: str) -> str:
    """What to call one set of images: an anchor, a sampler of the model, or another model."""
    if part in ANCHORS:
        return part
    if experiment == "deep_generative_model":
        return f"this model: {part.replace('_', ' ')}"
    sole = len(drawn.of(experiment, "parzen")["part"].unique()) == 1
    return drawn.label(experiment) + ("" if sole else f": {part.replace('_', ' ')}")


def titled(drawn: Drawn):
    """The scores with what each is about in one column, `name`."""
    pairs = drawn.scores[["experiment", "part"]].drop_duplicates()
    titles = [title(drawn, *pair) for pair in pairs.itertuples(index=False)]
    return drawn.scores.merge(pairs.assign(name=titles), on=["experiment", "part"])
