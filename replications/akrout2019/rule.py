"""Feedback weights that learn to match (Akrout et al. 2019, arXiv 1904.05391), as released.

In a network h_i = phi(h_{i-1} W_i + b_i) errors go down by e_{i-1} = (e_i B_i) phi'(a_{i-1}), as in
feedback alignment, but B_i learns, too, without ever reading W_i.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.choices import Choice
from replications.core.learn.learning import Batch, ErrorFeedback, Monitor, Updates
from replications.core.learn.networks import initialisation_of
from replications.core.learn.noise import random_tensor


class LearntFeedback(ErrorFeedback):
    """`parameters` holds "B2", ..., "BL", (n_i, n_{i-1}); how they learn a subclass says."""

    @dataclass(frozen=True, kw_only=True)
    class Settings(ErrorFeedback.Settings):
        """`feedback`: an initialisation, as of a network's weights, that B_i is drawn from."""

        feedback: Choice

    settings: Settings

    def initialise(self, examples: int) -> None:
        drawn = initialisation_of(self.settings.feedback, "settings.feedback")
        for i in range(2, self.network.depth + 1):
            like = self.network.parameters[f"W{i}"]  # (n_{i-1}, n_i)
            feedback = drawn(*like.shape[::-1], generator=self.generator, dtype=like.dtype)
            self.parameters[f"B{i}"] = feedback.to(like.device)

    def feedback(self, i: int) -> Tensor:
        return self.parameters[f"B{i}"]

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        forward, monitor = super().updates(batch)
        return forward | {name: self.learnt(name, forward) for name in self.parameters}, monitor

    def learnt(self, name: str, forward: Updates) -> Tensor:
        """The update of B_i, (n_i, n_{i-1}), beside those of the network."""
        raise NotImplementedError(f"{type(self).__name__} does not say how feedback learns")


class KolenPollack(LearntFeedback):
    """dB_i = dW_i' (Kolen & Pollack 1994): both get the same, and so come to be alike.

    If both decay, B_i - W_i' shrinks by the decay at every step. The released code has none.
    """

    def learnt(self, name: str, forward: Updates) -> Tensor:
        return forward[name.replace("B", "W")].T


class WeightMirror(LearntFeedback):
    """B_i sums what noise below layer i and its outputs have in common.

        xi ~ amplitude (U(0, 1) - 1/2),   y = phi(xi W_i + b_i),   dB_i = y' xi

    over a batch of noise after every step, and, before training, over as many batches as an epoch
    has. As E[y' xi] is about B var(xi) phi'(b_i) W_i' (derived), B_i tends to a multiple of W_i'.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(LearntFeedback.Settings):
        """`amplitude` of the noise; `mirror_rate`: of B, whose learning rate is to be 1;
        `noise_batch`: vectors of noise a step."""

        amplitude: float
        mirror_rate: float
        noise_batch: int

    settings: Settings

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        for _ in range(examples // self.settings.noise_batch):
            for name, feedback in self.parameters.items():
                feedback += self.learnt(name, {})

    def learnt(self, name: str, forward: Updates) -> Tensor:
        p, i = self.network.parameters, name.removeprefix("B")
        shape = self.settings.noise_batch, len(p[f"W{i}"])
        uniform = random_tensor(torch.rand, shape, self.generator, p[f"W{i}"])
        noise = self.settings.amplitude * (uniform - 0.5)  # (M, n_{i-1})
        answer = self.network.units.phi(noise @ p[f"W{i}"] + p[f"b{i}"])  # (M, n_i)
        return self.settings.mirror_rate * answer.T @ noise
