"""Difference target propagation (Lee, Zhang, Fischer & Bengio 2015, arXiv 1412.7525), Algorithm 1.

A feed-forward network h_i = f_i(h_{i-1}) = phi(h_{i-1} W_i + b_i) with a softmax on top, and for
its hidden layers i = 2 ... L-1 an approximate inverse g_i(h_i) = phi(h_i V_i + c_i) of f_i. Two
rules for units that have no derivative follow: units that send their sign, and units that send a
sample.
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
from replications.core.learn.networks import UNITS, Unit, glorot_uniform, orthogonal
from replications.core.learn.noise import noisy
from replications.lee2015.network import BernoulliFeedForward, sample, signs


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

    initial = staticmethod(orthogonal)  # of the inverses

    @property
    def inverted(self) -> range:
        """The layers that have an inverse."""
        return range(2, self.network.depth)

    def initialise(self, examples: int) -> None:
        for i in self.inverted:
            below = len(self.network.parameters[f"W{i}"])
            self.parameters[f"V{i}"] = self.drawn(self.width_read(i), below)
            self.parameters[f"c{i}"] = self.parameters[f"V{i}"].new_zeros(below)

    def width_read(self, i: int) -> int:
        """How many numbers g_i reads: those of h_i."""
        return len(self.network.parameters[f"b{i}"])

    def drawn(self, fan_in: int, fan_out: int) -> Tensor:
        """Weights of an inverse as they start, (fan_in, fan_out)."""
        like = self.network.parameters["W1"]
        weights = self.initial(fan_in, fan_out, generator=self.generator, dtype=like.dtype)
        return weights.to(like.device)

    @property
    def sweeps(self):
        return (self.inverse_updates, self.updates)

    @property
    def inverse_units(self) -> Unit:
        """phi of the inverses: that of the layers."""
        return self.network.units

    def passed(self, inputs: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """What the layers 1 to L read, and [h_0, ..., h_{L-1}, z], of `inputs`, (B, n_0)."""
        activities = self.network.activities(inputs)
        below = enumerate(activities[:-1], start=1)
        return [self.network.read(i, h) for i, h in below], activities

    def coded(self, h: Tensor) -> Tensor:
        """What an inverse reads of h_i, (B, n_i): all of it."""
        return h

    def inverse(self, i: int, above: Tensor) -> Tensor:
        """g_i: h_i, (B, n_i) -> h_{i-1}, (B, n_{i-1})."""
        before = torch.addmm(self.parameters[f"c{i}"], self.coded(above), self.parameters[f"V{i}"])
        return self.inverse_units.phi(before)

    def target(self, i: int, activities: list[Tensor], above: Tensor) -> Tensor:
        """t_{i-1}, (B, n_{i-1}), from t_i, `above`."""
        correction = activities[i - 1] - self.inverse(i, activities[i])
        return correction + self.inverse(i, above)

    def top_target(self, activities: list[Tensor], wanted: Tensor) -> Tensor:
        """t_{L-1}, (B, n_{L-1}), where the output is to be `wanted`, (B, C)."""
        _, error = self.network.top_cost(activities[-1], wanted)  # dC/dz, (B, C)
        gradient = error @ self.network.parameters[f"W{self.network.depth}"].T  # dC/dh_{L-1}
        return activities[-2] - self.step(len(wanted)) * gradient

    def step(self, images: int) -> float:
        """What the gradient of the mean cost of so many images is multiplied by: alpha."""
        return self.settings.alpha

    def targets(self, activities: list[Tensor], wanted: Tensor) -> dict[int, Tensor]:
        """{i: t_i} for the hidden layers, where the output is to be `wanted`, (B, C)."""
        top = self.network.depth - 1
        targets = {top: self.top_target(activities, wanted)}
        for i in range(top, 1, -1):
            targets[i - 1] = self.target(i, activities, targets[i])
        return targets

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        """Forward updates: "W1", "b1", ... of the whole network."""
        network, count, top = self.network, len(batch.labels), self.network.depth
        read, activities = self.passed(batch.inputs)
        cost, error = network.top_cost(activities[top], batch.targets)  # dC/dz, (B, C)
        updates = {f"W{top}": -read[top - 1].T @ error, f"b{top}": -error.sum(0)}
        for i, target in self.targets(activities, batch.targets).items():
            h = activities[i]  # (B, n_i)
            delta = (target - h) * network.units.slope(h) * (2 / count)
            updates[f"W{i}"] = read[i - 1].T @ delta
            updates[f"b{i}"] = delta.sum(0)
        return updates, classification_monitor(activities[top], cost, batch)

    def noise(self) -> Tensor | float:
        """The standard deviation of e."""
        return self.settings.noise

    def above(self, i: int, below: Tensor) -> Tensor:
        """f_i: h_{i-1}, (B, n_{i-1}) -> h_i, (B, n_i)."""
        return self.network.layer(i, below)

    def rebuilt(self, below: Tensor, corrupted: Tensor) -> Tensor:
        """What g_i(f_i(h + e)) is to be, (B, n_{i-1}): h + e itself."""
        return corrupted

    def inverse_updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        """Inverse updates: "V2", "c2", ..., "V{L-1}", "c{L-1}"."""
        _, activities = self.passed(batch.inputs)
        updates: Updates = {}
        for i in self.inverted:
            below = activities[i - 1]  # (B, n_{i-1})
            corrupted = noisy(below, self.noise(), self.generator)
            above = self.above(i, corrupted)  # (B, n_i)
            given = self.inverse(i, above)  # (B, n_{i-1})
            slope = self.inverse_units.slope(given)
            delta = (self.rebuilt(below, corrupted) - given) * slope * (2 / len(batch.labels))
            updates[f"V{i}"] = self.coded(above).T @ delta
            updates[f"c{i}"] = delta.sum(0)
        return updates, {}


class FallingNoise(DifferenceTargetPropagation):
    """The noise of epoch e = 1, 2, ... is noise / (1 + e / noise_epochs), as in the released code.

    `state` holds "seen": how many images the inverse updates have seen.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(DifferenceTargetPropagation.Settings):
        """`noise_epochs`: after so many epochs the noise is half of `noise`."""

        noise_epochs: float

    settings: Settings

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        self.examples = examples
        like = self.network.parameters["W1"]
        self.state["seen"] = torch.zeros((), dtype=torch.int64, device=like.device)

    def noise(self) -> Tensor:
        epoch = 1 + self.state["seen"] // self.examples
        return self.settings.noise / (1 + epoch / self.settings.noise_epochs)

    def inverse_updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        updates = super().inverse_updates(batch)
        self.state["seen"] += len(batch.labels)
        return updates


class DiscretisedTargetPropagation(FallingNoise):
    """Hidden layers send signs to each other: f_i and g_i read sign(h), for i = 2 ... L-1.

    On a SignedFeedForward. Layer L reads h_{L-1} itself, so that the top target is as before.
    """

    def coded(self, h: Tensor) -> Tensor:
        return signs(h)


class StochasticTargetPropagation(FallingNoise):
    """Units that send samples, s_i ~ Bernoulli(h_i) with h_i = sigmoid(s_{i-1} W_i + b_i).

    The layers read samples, of noisy images in training; targets and inverses are about the h_i,
    but for the top one, whose gradient is dC/ds_{L-1}. Inverses are tanh(h_i V_i + c_i); all
    weights start as Glorot & Bengio's. As in the released code.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(FallingNoise.Settings):
        """`input_noise`: standard deviation of the images' noise in training; an answer is the
        mean of `passes` passes."""

        input_noise: float
        passes: int

    settings: Settings
    network: BernoulliFeedForward
    initial = staticmethod(glorot_uniform)
    inverse_units = UNITS["tanh"]

    def passed(self, inputs: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        images = noisy(inputs, self.settings.input_noise, self.generator)
        return self.network.sampled(images, self.generator)

    def above(self, i: int, below: Tensor) -> Tensor:
        return self.network.layer(i, sample(below, self.generator))

    def predict(self, inputs: Tensor) -> Tensor:
        return self.network.mean_answer(inputs, self.settings.passes, self.generator)
