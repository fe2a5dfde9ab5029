"""Feedback that shares the signs of the weights (Liao, Leibo & Poggio 2016, arXiv 1510.05067).

In a network h_i = phi(h_{i-1} W_i + b_i) errors go down by e_{i-1} = (e_i F_i) phi'(a_{i-1}), where
back-propagation has W_i' for F_i. Here F_i has the signs of W_i', as they are at each step, but not
its magnitudes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.learning import ErrorFeedback
from replications.core.learn.networks import FeedForward
from replications.core.learn.noise import random_tensor
from replications.lillicrap2016.rule import FeedbackAlignment


def signs(network: FeedForward, i: int) -> Tensor:
    """sign(W_i'), (n_i, n_{i-1})."""
    return network.parameters[f"W{i}"].T.sign()


class UniformSigns(ErrorFeedback):
    """uSF: F_i = m_i sign(W_i'), one magnitude for all.

    m_i is 1, as in the paper (recalled), or, `scaled`, the root mean square of W_i before training,
    nearly as an independent library has it, since |e_i F_i| grows with the width of layer i.
    `state` holds "m2", ..., "mL".
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(ErrorFeedback.Settings):
        """`scaled`: whether the magnitude is that of the weights as they start."""

        scaled: bool

    settings: Settings

    def initialise(self, examples: int) -> None:
        for i in range(2, self.network.depth + 1):
            weights = self.network.parameters[f"W{i}"]
            start = weights.square().mean().sqrt()
            self.state[f"m{i}"] = start if self.settings.scaled else torch.ones_like(start)

    def feedback(self, i: int) -> Tensor:
        return self.state[f"m{i}"] * signs(self.network, i)


class FixedMagnitudes(FeedbackAlignment):
    """frSF: F_i = |B_i| sign(W_i'), B_i drawn once."""

    def feedback(self, i: int) -> Tensor:
        return self.state[f"B{i}"].abs() * signs(self.network, i)


class RedrawnMagnitudes(FeedbackAlignment):
    """brSF: F_i = |B_i| sign(W_i'), B_i drawn anew for every batch."""

    def initialise(self, examples: int) -> None:
        """Nothing is kept."""

    def feedback(self, i: int) -> Tensor:
        of_weights = signs(self.network, i)
        return self.drawn(*of_weights.shape).abs() * of_weights


class PartialConcordance(FixedMagnitudes):
    """F_i = S_i |B_i| sign(W_i'): S_i is 1 with probability `concordance`, else -1, drawn once.

    At 1 this is frSF; at 1/2 the signs of feedback tell nothing of the weights'. `state` also
    holds "S2", ..., "SL", (n_i, n_{i-1}).
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(FixedMagnitudes.Settings):
        """`concordance`: the probability that feedback has the sign of its weight."""

        concordance: float

    settings: Settings

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        for i in range(2, self.network.depth + 1):
            feedback = self.state[f"B{i}"]
            uniform = random_tensor(torch.rand, feedback.shape, self.generator, feedback)
            same = uniform < self.settings.concordance
            self.state[f"S{i}"] = 2 * same.to(feedback.dtype) - 1

    def feedback(self, i: int) -> Tensor:
        return self.state[f"S{i}"] * super().feedback(i)
