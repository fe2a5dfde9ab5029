"""Features of a denoising auto-encoder, by targets or by gradients, and a classifier on them.

    h = sigmoid(x W_1 + b_1),   y = sigmoid(h D + d),   z = h W_2 + b_2 with a softmax

The auto-encoder reads x + e, e ~ N(0, noise^2), and is to give x; the classifier reads the h of
the clean x, and what it learns stays in its own weights. (The paper's text was not to be had:
Sec. 2.4 and 3.4 as recalled.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.learning import (
    Batch,
    LearningRule,
    Monitor,
    Updates,
    classification_monitor,
)
from replications.core.learn.networks import FeedForward, glorot_uniform
from replications.core.learn.noise import noisy


class AutoEncoder(LearningRule):
    """By target propagation: the hidden layer's target comes by the encoder itself.

        t = h - (f(y) - h) = 2 h - f(y)

    with f the encoder, an inverse of the decoder, as the difference's own correction makes it:
    h + f(x) - f(y). D descends |y - x|^2, W_1 descends |f(x + e) - t|^2, summed over units, a mean
    over the batch. `parameters`: "D", (n_1, n_0), and "d", (n_0,). Raises ValueError for a network
    with more than one hidden layer.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(LearningRule.Settings):
        """`noise`: the standard deviation of e."""

        noise: float

    settings: Settings
    network: FeedForward

    def initialise(self, examples: int) -> None:
        if self.network.depth != 2:
            raise ValueError("network.layers: the auto-encoder has one hidden layer")
        like = self.network.parameters["W1"]
        below, above = like.shape
        decoder = glorot_uniform(above, below, generator=self.generator, dtype=like.dtype)
        self.parameters = {"D": decoder.to(like.device), "d": like.new_zeros(below)}

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        x = batch.inputs
        corrupted = noisy(x, self.settings.noise, self.generator)
        h = self.network.layer(1, corrupted)  # (B, n_1)
        y = torch.addmm(self.parameters["d"], h, self.parameters["D"]).sigmoid()  # (B, n_0)
        down = (x - y) * y * (1 - y) * (2 / len(x))  # minus the derivative by y's input
        back = self.back(h, y, down)
        features, z = self.network.activities(x)[1:]
        cost, error = self.network.top_cost(z, batch.targets)
        updates = {
            "D": h.T @ down, "d": down.sum(0),
            "W1": corrupted.T @ back, "b1": back.sum(0),
            "W2": -features.T @ error, "b2": -error.sum(0),
        }  # fmt: skip
        return updates, classification_monitor(z, cost, batch)

    def predict(self, inputs: Tensor) -> Tensor:
        return self.network.activities(inputs)[-1]

    def back(self, h: Tensor, y: Tensor, down: Tensor) -> Tensor:
        """What h's input, (B, n_1), is to descend, given the decoder's `down`, (B, n_0)."""
        target = 2 * h - self.network.layer(1, y)
        return (target - h) * self.network.slope(1, h) * (2 / len(h))


class AutoEncoderByGradients(AutoEncoder):
    """The twin: the gradient of |y - x|^2 by W_1 and b_1, too."""

    def back(self, h: Tensor, y: Tensor, down: Tensor) -> Tensor:
        return (down @ self.parameters["D"].T) * self.network.slope(1, h)
