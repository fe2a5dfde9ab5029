"""Perturbation in feed-forward networks that classify; `simulation.py` has it in a perceptron.

A network h_i = phi(a_i), a_i = h_{i-1} W_i + b_i, tries Gaussian noise and follows how the cost
answers; no error travels down. xi ~ N(0, sigma^2) throughout; C_b is the cost of image b, C its
mean over the batch.
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
from replications.core.learn.networks import FeedForward
from replications.core.learn.noise import random_tensor


def costs(network: FeedForward, z: Tensor, targets: Tensor) -> Tensor:
    """C_b, (B,), of the outputs z and the targets, (B, C)."""
    return torch.vmap(lambda one, t: network.top_cost(one[None], t[None])[0])(z, targets)


class Perturbation(FeedForwardRule):
    """What rules that try noise share."""

    @dataclass(frozen=True, kw_only=True)
    class Settings(FeedForwardRule.Settings):
        """`sigma`: the standard deviation of the noise."""

        sigma: float

    settings: Settings

    def noise(self, like: Tensor) -> Tensor:
        """xi, of the shape of `like`."""
        return self.settings.sigma * random_tensor(torch.randn, like.shape, self.generator, like)

    def monitor(self, z: Tensor, batch: Batch) -> Monitor:
        """Error and cost of the outputs z, (B, C)."""
        return classification_monitor(z, self.network.top_cost(z, batch.targets)[0], batch)


class NodePerturbation(Perturbation):
    """Every unit of every layer tries noise of its own on what it sums, for each image:

        dW_i = -(1 / sigma^2) mean_b (C_b(a + xi) - C_b(a)) h_{i-1}' xi_i,

    with h_{i-1} as without noise (Werfel, Xie & Seung 2005, for more than one layer). Its mean is
    the gradient's descent, but for terms in sigma^2.
    """

    def with_noise(self, inputs: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """[h_0, h_1, ..., z] where every a_i has its noise, and [xi_1, ..., xi_L]."""
        network, activities, tried = self.network, [inputs], []
        for i in range(1, network.depth + 1):
            summed = network.summed(i, activities[-1])
            tried.append(self.noise(summed))
            before = summed + tried[-1]
            activities.append(before if i == network.depth else network.units.phi(before))
        return activities, tried

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        still, (moved, tried) = self.network.activities(batch.inputs), self.with_noise(batch.inputs)
        before, after = (costs(self.network, h[-1], batch.targets) for h in (still, moved))
        return self.following(still, tried, after - before), self.monitor(still[-1], batch)

    def following(self, activities: list[Tensor], tried: list[Tensor], worse: Tensor) -> Updates:
        """-(1 / sigma^2) mean_b worse_b h_{i-1}' xi_i, and of the biases, from `worse`, (B,)."""
        scale = -worse[:, None] / (len(worse) * self.settings.sigma**2)
        updates: Updates = {}
        for i, xi in enumerate(tried, start=1):
            updates[f"W{i}"] = activities[i - 1].T @ (scale * xi)
            updates[f"b{i}"] = (scale * xi).sum(0)
        return updates


class Reinforce(NodePerturbation):
    """REINFORCE (Williams 1992) with units of Gaussian noise: there is no pass without it.

        dW_i = (1 / sigma^2) mean_b (r_b - mean r) h_{i-1}' xi_i,   r_b = -C_b,

    with h_{i-1} as layer i reads it, noise and all. That the mean reward of the batch counts image
    b itself makes the mean update smaller by 1 / B, and changes no direction (derived).
    """

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        activities, tried = self.with_noise(batch.inputs)
        cost = costs(self.network, activities[-1], batch.targets)
        updates = self.following(activities, tried, cost - cost.mean())
        return updates, self.monitor(activities[-1], batch)


class WeightPerturbation(Perturbation):
    """All weights and biases w try noise at once, the same for the whole batch:

    dw = -(1 / sigma^2) (C(w + xi) - C(w)) xi.
    """

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        network, held = self.network, self.network.parameters
        z = network.outputs(batch.inputs)
        tried = {name: self.noise(p) for name, p in held.items()}
        network.parameters = {name: p + tried[name] for name, p in held.items()}
        worse = network.cost(batch.inputs, batch.targets) - network.top_cost(z, batch.targets)[0]
        network.parameters = held
        scale = -worse / self.settings.sigma**2
        return {name: scale * xi for name, xi in tried.items()}, self.monitor(z, batch)
