"""What Bengio et al. 2015 measure of their model besides its samples (arXiv 1502.04156v3).

A measure is a function of the model, the images, its snapshots by epoch and a generator that
returns scores and arrays for the figures.
The model holds the last snapshot when a measure is called; what it leaves in it is overwritten.
"""

import math
from collections.abc import Mapping

import torch
from torch import Generator, Tensor

from replications.bengio2015.model import BATCH, DeepGenerativeModel
from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.noise import random_tensor
from replications.core.score.estimators.alignment import alignment
from replications.core.score.rows import assign

Snapshots = Mapping[int, Mapping[str, Tensor]]
Measured = tuple[list[Score], dict[str, Tensor]]


def inference(
    model: DeepGenerativeModel, images: Images, snapshots: Snapshots, generator: Generator, *,
    count: int, iterations: int, shown: int,
) -> Measured:  # fmt: skip
    """Fig. 4: log p(x, h) over ``iterations`` iterations of INFERENCE, of ``count`` test images.

    They are the first ones. Also the share of them for which it rose, and the mean of its term
    log p(hL) by itself.
    """
    parts = []
    for x in images.test.inputs[:count].split(BATCH):
        states = model.trace(x, alpha=model.settings.alpha, iterations=iterations)
        both = [torch.stack([model.log_joint(s), model.log_prior(s[-1])]) for s in states]
        parts.append(torch.stack(both))  # (iterations + 1, 2, BATCH)
    traces, priors = torch.cat(parts, dim=2).cpu().double().unbind(1)  # (iterations + 1, N)
    step, scores = max(snapshots), []
    for when, at in (("before inference", 0), ("after inference", -1)):
        scores.append(Score("log_joint", float(traces[at].mean()), when, step))
        scores.append(Score("log_prior", float(priors[at].mean()), when, step))
    rises = (traces[-1] > traces[0]).double().mean()
    scores.append(Score("log_joint_rises", 100 * float(rises), step=step))
    arrays = {
        "log_joint_mean": traces.mean(1),
        "log_joint_se": traces.std(1) / math.sqrt(traces.shape[1]),
        "log_joint_single": traces[:, :shown],
    }
    return scores, arrays


def target_propagation(
    model: DeepGenerativeModel, images: Images, snapshots: Snapshots, generator: Generator, *,
    count: int,
) -> Measured:  # fmt: skip
    """Eq. 12: (f_l(h_{l-1}) - f_l(g_l(h_l))) against d log p(h_{l-1}|h_l) / dh_l, by layer.

    Cosine, angle and norm ratio of the two as vectors over all of the first ``count`` validation
    images, at every snapshot, at the feed-forward states ("h1") and at the same states with the
    noise of training, x left clean ("h1 noisy"). The estimate stands for sigma^2 times the
    gradient, sigma the noise on h_l, so that is the norm ratio to expect.
    """
    x, scores = images.validation.first(count).inputs, []
    for epoch, kept in snapshots.items():
        assign(model.parameters | model.buffers, kept)
        clean = model.encode(x)
        noisy = [x, *model.corrupt(clean, generator)[1:]]
        for suffix, states in (("", clean), (" noisy", noisy)):
            for level in range(1, model.top + 1):
                up = model.up(level, states[level - 1])
                down = model.down(level, states[level])
                estimate = model.difference(level, states, up, down)
                gradient = model.gradient(level, states, up, down)
                for metric, value in alignment(estimate, -gradient).items():
                    scores.append(Score(metric, value, f"h{level}{suffix}", epoch))
    return scores, {}


def inpainting(
    model: DeepGenerativeModel, images: Images, snapshots: Snapshots, generator: Generator, *,
    count: int, rounds: int, shown: int,
) -> Measured:  # fmt: skip
    """Fig. 5: half of the pixels are replaced by noise and filled in by ``rounds`` of `restored`.

    Squared error on the missing pixels of the first ``count`` test images, for each pattern, of
    the model, of the training images' mean, and of the training image that is nearest on the
    visible pixels. The patterns are half-planes of the image, and pixels at random.
    """
    step, side = max(snapshots), math.isqrt(images.test.inputs.shape[1])
    truth, train = images.test.first(count).inputs, images.train.inputs
    noise = random_tensor(torch.rand, truth.shape, generator, truth)
    scores, arrays = [], {}
    for name, visible in patterns(side, generator).items():
        visible = visible.to(truth.device)
        start = torch.where(visible, truth, noise)
        filled = {
            "model": torch.cat([restored(model, x, visible, rounds) for x in start.split(BATCH)]),
            "mean image": train.mean(0).expand_as(truth),
            "nearest neighbour": train[nearest(truth[:, visible], train[:, visible])],
        }
        for filler, result in filled.items():
            error = (result - truth)[:, ~visible].square().mean()
            scores.append(Score("inpainting_error", float(error), f"{filler}, {name}", step))
        show = [truth, start, filled["model"], filled["nearest neighbour"]]
        arrays[f"inpainting_{name}"] = torch.stack([part[:shown] for part in show])
    return scores, arrays


def patterns(side: int, generator: Generator) -> dict[str, Tensor]:
    """Which of the side * side pixels, side even, are visible, by pattern: half in each."""
    column = (torch.arange(side * side) % side) < side // 2
    row = torch.arange(side * side) < side * side // 2
    order = torch.randperm(side * side, generator=generator, device=generator.device)
    return {
        "left visible": column,
        "right visible": ~column,
        "top visible": row,
        "bottom visible": ~row,
        "random half visible": order < side * side // 2,
    }


def restored(model: DeepGenerativeModel, x: Tensor, visible: Tensor, rounds: int) -> Tensor:
    """In-painting of (B, D) images whose ``visible`` (D,) pixels are given (Sec. 8).

    In each round INFERENCE runs with the missing pixels always those of g1(h1), so that the
    pressure on h1 is f1(x_visible, g1(h1)_missing) - f1(g1(h1)); then x takes them from g1(h1).
    The downward pull is that of GENERATE.
    """
    for _ in range(rounds):
        states = model.encode(x)
        for _ in range(model.settings.iterations):
            states[0] = torch.where(visible, x, model.down(1, states[1]))
            states = model.settle(states, model.up(1, states[0]), model.settings.generate_alpha)
        x = torch.where(visible, x, model.down(1, states[1]))
    return x


def nearest(queries: Tensor, references: Tensor) -> Tensor:
    """Index of the nearest of (M, d) references to each of (N, d) queries, in squared distance."""
    half = references.square().sum(1) / 2  # (M,)
    return torch.cat([(part @ references.T - half).argmax(1) for part in queries.split(BATCH)])
