"""Difference target propagation (Lee, Zhang, Fischer & Bengio 2015, arXiv 1412.7525), Algorithm 1.

A feed-forward network h_i = f_i(h_{i-1}) = tanh(h_{i-1} W_i + b_i) with a softmax on top, and for
its hidden layers i = 2 ... L-1 an approximate inverse g_i(h_i) = tanh(h_i V_i + c_i) of f_i.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.learning import (
    Batch,
    FeedForwardRule,
    Monitor,
    Updates,
    classification_monitor,
)
from replications.core.learn.networks import orthogonal
from replications.core.learn.noise import random_tensor


class DifferenceTargetPropagation(FeedForwardRule):
    """Every layer regresses on a target of its own; no derivative crosses more than one layer.

    Targets, from the top, with L the softmax layer and C the mean cross-entropy:
        t_{L-1} = h_{L-1} - alpha dC/dh_{L-1};   t_{i-1} = h_{i-1} - g_i(h_i) + g_i(t_i).
    Forward updates descend |f_i(h_{i-1}) - t_i|^2 and, for layer L, C itself; inverse updates
    descend |g_i(f_i(h + e)) - (h + e)|^2 with h = h_{i-1} and e ~ N(0, noise^2). Both are
    summed over units, averaged over the batch, and made in turns: a sweep of inverse updates over
    the data, then one of forward updates.

    `parameters` holds "V2", (n_2, n_1), "c2", (n_1,), up to L-1: orthogonal, zero biases.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(FeedForwardRule.Settings):
        """`alpha` multiplies the gradient of the batch's mean cost; `noise` is that of e."""

        alpha: float
        noise: float

    settings: Settings

    def initialise(self, examples: int) -> None:
        for i in range(2, self.network.depth):
            like = self.network.parameters[f"W{i}"]
            below, above = like.shape
            inverse = orthogonal(above, below, generator=self.generator, dtype=like.dtype)
            self.parameters[f"V{i}"] = inverse.to(like.device)
            self.parameters[f"c{i}"] = like.new_zeros(below)

    @property
    def sweeps(self):
        return (self.inverse_updates, self.updates)

    def inverse(self, i: int, above: Tensor) -> Tensor:
        """g_i: h_i, (B, n_i) -> h_{i-1}, (B, n_{i-1})."""
        return torch.addmm(self.parameters[f"c{i}"], above, self.parameters[f"V{i}"]).tanh_()

    def targets(self, activities: list[Tensor], gradient: Tensor):
        """{i: t_i} for the hidden layers, given dC/dh_{L-1}, (B, n_{L-1})."""
        top = self.network.depth - 1
        targets = {top: activities[top] - self.settings.alpha * gradient}
        for i in range(top, 1, -1):
            correction = activities[i - 1] - self.inverse(i, activities[i])
            targets[i - 1] = correction + self.inverse(i, targets[i])
        return targets

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        """Forward updates: "W1", "b1", ... of the whole network."""
        count, top = len(batch.labels), self.network.depth
        activities = self.network.activities(batch.inputs)
        log_p = activities[top].log_softmax(dim=1)
        error = (log_p.exp() - batch.targets) / count  # dC/dlogits, (B, C)
        updates = {f"W{top}": -activities[top - 1].T @ error, f"b{top}": -error.sum(0)}
        gradient = error @ self.network.parameters[f"W{top}"].T  # dC/dh_{L-1}
        for i, target in self.targets(activities, gradient).items():
            h = activities[i]  # (B, n_i)
            delta = (target - h) * (1 - h**2) * (2 / count)
            updates[f"W{i}"] = activities[i - 1].T @ delta
            updates[f"b{i}"] = delta.sum(0)
        return updates, classification_monitor(activities[top], log_p, batch)

    def inverse_updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        """Inverse updates: "V2", "c2", ..., "V{L-1}", "c{L-1}"."""
        activities = self.network.activities(batch.inputs)
        updates: Updates = {}
        for i in range(2, self.network.depth):
            below = activities[i - 1]  # (B, n_{i-1})
            noise = random_tensor(torch.randn, below.shape, self.generator, below)
            corrupted = below + self.settings.noise * noise
            above = self.network.layer(i, corrupted)  # (B, n_i)
            rebuilt = self.inverse(i, above)  # (B, n_{i-1})
            delta = (corrupted - rebuilt) * (1 - rebuilt**2) * (2 / len(batch.labels))
            updates[f"V{i}"] = above.T @ delta
            updates[f"c{i}"] = delta.sum(0)
        return updates, {}
