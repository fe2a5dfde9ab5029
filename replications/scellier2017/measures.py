"""Free fixed points from rest, by epoch: their errors, and outputs that no nudging reaches."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Generator, Tensor

from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.learning import EVALUATION_BATCH, percent_wrong
from replications.core.score.learning_rule import probed
from replications.core.score.rows import assign
from replications.scellier2017.network import Clamped
from replications.scellier2017.rule import EquilibriumPropagation

QUANTILES = (0.05, 0.5, 0.95)


def reach(
    rule: EquilibriumPropagation,
    images: Images,
    kept: Mapping[int, Mapping[str, Tensor]],
    generator: Generator,
    *,
    count: int,
) -> tuple[list[Score], dict[str, Tensor]]:
    """Of the first `count` validation images, settled from rest, after every epoch that was kept:

    "resting_error", percent, and "dead_outputs": how many outputs of a hard sigmoid stay at the
    same bound in both phases whatever the image and its target. The pressure on output k at the
    free fixed point is p = s_{n-1} W_n + b_n. While the layer below stays, nudging adds at most
    2 c beta to it, or takes as much away, so that k is dead where

        p <= -2 c beta for all images (y = 0),   or   p >= 1 + 2 c beta for all (y = 1).

    At y = 0 its weights then learn nothing, at y = 1 its bias. Arrays: "epochs", (E,); "pressure",
    (E, C, 3), the QUANTILES of p over the images; "bounds", (2,), those that p is compared with.
    """
    tensors = rule.tensors
    pull = 2 * rule.settings.cost_scale * abs(rule.settings.beta)
    batch, scores, found = probed(images, count), [], []
    for epoch, parameters in kept.items():
        assign(tensors, dict(parameters))
        outputs, pressure = settled(rule, batch.inputs)
        low, high = pressure.amin(0), pressure.amax(0)  # (C,)
        dead = int(((high <= -pull) | (low >= 1 + pull)).sum())
        wrong = float(percent_wrong(outputs, batch.labels))
        scores += [
            Score("resting_error", wrong, step=epoch),
            Score("dead_outputs", dead, step=epoch),
        ]
        found.append(pressure.quantile(pressure.new_tensor(QUANTILES), dim=0).T)  # (C, 3)
    return scores, {
        "epochs": torch.tensor(list(kept)),
        "pressure": torch.stack(found),
        "bounds": torch.tensor([-pull, 1 + pull]),
    }


def settled(rule: EquilibriumPropagation, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The outputs at the free fixed points from rest, (N, C), and the pressure on them."""
    found = []
    for some in inputs.split(EVALUATION_BATCH):
        clamped = Clamped(rule.network, some)
        states = rule.free_states(clamped)
        found.append((states[-1], clamped.pressure(len(states) - 1, states)))
    outputs, pressure = zip(*found, strict=True)
    return torch.cat(outputs), torch.cat(pressure)
