"""Feedback alignment (Lillicrap, Cownden, Tweed & Akerman 2014/2016, arXiv 1411.0247)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.learning import ErrorFeedback
from replications.core.learn.noise import random_tensor


class FeedbackAlignment(ErrorFeedback):
    """Errors go down by fixed random weights, which the forward weights come to match.

        e_{i-1} = (e_i B_i) phi'(a_{i-1}),   B_i ~ U(-feedback, feedback)

    where back-propagation has W_i' (the paper's Δh = B e). `state` holds "B2", ..., "BL",
    (n_i, n_{i-1}), which are drawn once.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(ErrorFeedback.Settings):
        """`feedback`: the bound of B's elements, the paper's beta."""

        feedback: float

    settings: Settings

    def initialise(self, examples: int) -> None:
        for i in range(2, self.network.depth + 1):
            like = self.network.parameters[f"W{i}"]  # (n_{i-1}, n_i)
            uniform = random_tensor(torch.rand, like.shape[::-1], self.generator, like)
            self.state[f"B{i}"] = self.settings.feedback * (2 * uniform - 1)

    def feedback(self, i: int) -> Tensor:
        return self.state[f"B{i}"]
