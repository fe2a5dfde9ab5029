"""Feedback weights that learn to match (Akrout et al. 2019, arXiv 1904.05391), as released.

In a network h_i = phi(h_{i-1} W_i + b_i) errors go down by e_{i-1} = (e_i B_i) phi'(a_{i-1}), as in
feedback alignment, but B_i learns, too, without ever reading W_i.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.learning import Batch, Monitor, Updates
from replications.core.learn.noise import random_tensor
from replications.lillicrap2016.rule import FeedbackAlignment


class LearntFeedback(FeedbackAlignment):
    """`parameters` holds "B2", ..., "BL", (n_i, n_{i-1}); how they learn a subclass says."""

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        self.parameters, self.state = self.state, {}

    def feedback(self, i: int) -> Tensor:
        return self.parameters[f"B{i}"]

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        forward, monitor = super().updates(batch)
        return forward | self.feedback_updates(forward), monitor

    def feedback_updates(self, forward: Updates) -> Updates:
        """The updates of "B2", ..., "BL", beside those of the network."""
        raise NotImplementedError(f"{type(self).__name__} does not say how feedback learns")


class KolenPollack(LearntFeedback):
    """dB_i = dW_i' (Kolen & Pollack 1994): both get the same, and so come to be alike.

    If both decay, B_i - W_i' shrinks by the decay at every step. The released code has none.
    """

    def feedback_updates(self, forward: Updates) -> Updates:
        return {name: forward[name.replace("B", "W")].T for name in self.parameters}


class WeightMirror(LearntFeedback):
    """B_i sums what noise below layer i and its outputs have in common.

        xi ~ amplitude (U(0, 1) - 1/2),   y = phi(xi W_i + b_i),   dB_i = mirror_rate y' xi

    over M vectors of noise after every step, and, before training, over as many as there are
    images. E[y' xi] is about M var(xi) phi'(b_i) W_i' (derived): each row of B_i tends to a
    multiple of that of W_i'.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(LearntFeedback.Settings):
        """`amplitude` of the noise; `mirror_rate` of B, whose learning rate is to be 1;
        `noise_batch`: M."""

        amplitude: float
        mirror_rate: float
        noise_batch: int

    settings: Settings

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        for _ in range(examples // self.settings.noise_batch):
            for name, update in self.feedback_updates({}).items():
                self.parameters[name] += update

    def feedback_updates(self, forward: Updates) -> Updates:
        return {f"B{i}": self.mirrored(i) for i in range(2, self.network.depth + 1)}

    def mirrored(self, i: int) -> Tensor:
        """dB_i, (n_i, n_{i-1}), of M vectors of noise."""
        weights, biases = (self.network.parameters[f"{kind}{i}"] for kind in "Wb")
        shape = self.settings.noise_batch, len(weights)
        uniform = random_tensor(torch.rand, shape, self.generator, weights)
        noise = self.settings.amplitude * (uniform - 0.5)  # (M, n_{i-1})
        answer = self.network.units.phi(noise @ weights + biases)  # (M, n_i)
        return self.settings.mirror_rate * answer.T @ noise
