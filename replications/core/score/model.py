"""Scores a generative model: Parzen likelihood of samplers and anchors, and inference."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from replications.core.datasets import Images, load
from replications.core.runs import Run
from replications.core.score.parzen import anchors, parzen
from replications.core.score.rows import assign, curves, row, snapshots, write
from replications.core.train.minibatch import generator
from replications.core.train.model import build

SHOWN = 100  # samples kept for the figure
DIGITS_SHOWN = 10  # single test images whose inference is kept for the figure


def likelihoods(run: Run, images: Images, samples: dict[str, Tensor], step: int) -> list[dict]:
    """Rows of the Parzen likelihood of each set of samples; the layer names the set."""
    evaluation = run.experiment.resolved["evaluation"]
    rows = []
    for name, drawn in samples.items():
        estimate = parzen(
            drawn, images.validation.inputs, images.test.inputs, sigmas=evaluation["sigmas"]
        )
        rows += [row(metric, value, layer=name, step=step) for metric, value in estimate.items()]
    return rows


def inference(model, inputs: Tensor, iterations: int) -> np.ndarray:
    """log p(x, h) of each image, (iterations + 1, N), from the feed-forward start on."""
    states = model.trace(inputs, alpha=model.alpha, iterations=iterations)
    return torch.stack([model.log_joint(inputs, h1, h2) for h1, h2 in states]).cpu().numpy()


def inference_rows(traces: np.ndarray, step: int) -> list[dict]:
    """Mean log p(x, h) before and after inference, and the share of images for which it rose."""
    before, after = traces[0], traces[-1]
    return [
        row("log_joint", float(before.mean()), layer="before inference", step=step),
        row("log_joint", float(after.mean()), layer="after inference", step=step),
        row("log_joint_rises", 100 * float((after > before).mean()), step=step),
    ]


@torch.no_grad()
def score(run: Run) -> None:
    """Write scores.json, and arrays.npz: samples of each sampler, log p(x, h) over inference."""
    images = load(run.experiment.data, run.data).to(run.device)
    evaluation = run.experiment.resolved["evaluation"]
    step = run.experiment.resolved["budget"]["epochs"]
    model = build(run)
    assign(model.parameters | model.buffers, snapshots(run)[step])
    samples = {}
    for name in evaluation["samplers"]:
        samples[name] = getattr(model, name)(evaluation["samples"], generator(run, "evaluation"))
    compared = samples | anchors(
        images.train.inputs, evaluation["samples"], seed=run.seed("evaluation")
    )
    traces = inference(model, images.test.inputs, evaluation["inference_iterations"])
    rows = curves(run) + likelihoods(run, images, compared, step) + inference_rows(traces, step)
    np.savez(
        run.directory / "arrays.npz",
        **{f"samples_{name}": drawn[:SHOWN].cpu().numpy() for name, drawn in samples.items()},
        log_joint_mean=traces.mean(1),
        log_joint_se=traces.std(1, ddof=1) / math.sqrt(traces.shape[1]),
        log_joint_single=traces[:, :DIGITS_SHOWN],
    )
    write(run, rows)
