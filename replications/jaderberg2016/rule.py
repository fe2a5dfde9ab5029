"""Synthetic gradients (Jaderberg et al. 2016, arXiv 1608.05343): no layer waits for an error.

In a network h_i = phi(a_i) with cost C, a predictor M_i beside each hidden layer says, from h_i
alone, what gradient is to come back to it. The layer learns by that at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.choices import Choice
from replications.core.learn.convolutional import Convolutional
from replications.core.learn.learning import (
    Backpropagation,
    Batch,
    FeedForwardRule,
    Monitor,
    Updates,
    classification_monitor,
)


class SyntheticGradients(FeedForwardRule):
    """Layers descend predicted gradients; predictors learn from the next layer's prediction.

        g_i = M_i(h_i), which stands for dC_b/dh_i, the gradient of each image's own cost;
        e_i = (g_i / B) phi'(a_i) of the B images,   e_L = dC/dz,   dW_i = -h_{i-1}' e_i;
        M_i descends |g_i - B e_{i+1} W_{i+1}'|^2 / 2, its mean over the batch.

    The top layer alone sees C. What M_{L-1} learns from is the gradient itself; what lower ones
    learn from is made of predictions ("bootstrapped"). All updates are of the same parameters.

    M_i has `hidden` layers as the network's, normalised, of rectified units, and a linear one that
    starts at zero, so that at first no hidden layer learns. cDNI: M_i reads the one-hot label, too.
    `parameters` holds "M1.W1", ..., those of M_1, ..., M_{L-1}.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(FeedForwardRule.Settings):
        """`hidden`: widths within M_i, from its input up; `weights`: how those of M_i start;
        `conditioned`: whether M_i reads the label."""

        hidden: Sequence[int]
        weights: Choice
        conditioned: bool

    settings: Settings

    def initialise(self, examples: int) -> None:
        _, *widths, classes = self.network.widths
        labels = classes if self.settings.conditioned else 0
        self.predictors = {i: self.predictor(n + labels, n) for i, n in enumerate(widths, start=1)}
        for i, predictor in self.predictors.items():
            self.parameters |= {f"M{i}.{n}": p for n, p in predictor.network.parameters.items()}

    def predictor(self, reads: int, width: int) -> Backpropagation:
        """A network from `reads` numbers to `width`, which learns by back-propagation."""
        like = self.network.parameters["W1"]
        network = Convolutional(
            channels=reads, size=1, convolutions=(), layers=(*self.settings.hidden, width),
            normalised=True, initialisation=self.settings.weights, units="relu",
            cost="squared_error", generator=self.generator, device=like.device, dtype=like.dtype,
        )  # fmt: skip
        network.parameters[f"W{network.depth}"].zero_()
        return Backpropagation(network=network, examples=0, generator=self.generator)

    def predictions(self, activities: list[Tensor], labels: Tensor) -> dict[int, list[Tensor]]:
        """The activities of each M_i, g_i the last, from those of the network."""
        told = [labels] if self.settings.conditioned else []
        return {
            i: predictor.network.activities(torch.cat([activities[i], *told], dim=1))
            for i, predictor in self.predictors.items()
        }

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        """Those of the network, "W1", ..., and of the predictors, "M1.W1", ..."""
        network, count = self.network, len(batch.labels)
        activities = network.activities(batch.inputs)
        predicted = self.predictions(activities, batch.targets)
        cost, error = network.top_cost(activities[-1], batch.targets)
        updates: Updates = {}
        for i in range(network.depth, 0, -1):
            updates |= network.descent(i, activities, error)
            if i == 1:
                break
            weights = network.parameters[f"W{i}"]
            sent_back = network.through_weights(i, activities, error, weights.T)
            updates |= self.predictor_updates(i - 1, predicted[i - 1], count * sent_back)
            error = network.through_units(i - 1, activities, predicted[i - 1][-1] / count)
        network.update_running_statistics(activities)
        return updates, classification_monitor(activities[-1], cost, batch)

    def predictor_updates(self, i: int, predicted: list[Tensor], wanted: Tensor) -> Updates:
        """The updates of M_i, whose prediction was to be `wanted`, (B, n_i)."""
        rule = self.predictors[i]
        _, top = rule.network.top_cost(predicted[-1], wanted)
        updates: Updates = {}
        for j, error in rule.layer_errors(predicted, top):
            updates |= rule.network.descent(j, predicted, error)
        return {f"M{i}.{name}": update for name, update in updates.items()}
