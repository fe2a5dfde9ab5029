"""Feedback alignment (Lillicrap, Cownden, Tweed & Akerman 2014/2016, arXiv 1411.0247)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from replications.core.learn.choices import Choice
from replications.core.learn.learning import ErrorFeedback
from replications.core.learn.networks import initialisation_of


class FeedbackAlignment(ErrorFeedback):
    """Errors go down by fixed random weights, which the forward weights come to match.

        e_{i-1} = (e_i B_i) phi'(a_{i-1})

    where back-propagation has W_i' (the paper's Δh = B e). `state` holds "B2", ..., "BL",
    (n_i, n_{i-1}), which are drawn once.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(ErrorFeedback.Settings):
        """`feedback`: an initialisation, as of a network's weights, that B_i is drawn from."""

        feedback: Choice

    settings: Settings

    def initialise(self, examples: int) -> None:
        for i in range(2, self.network.depth + 1):
            below, above = self.network.parameters[f"W{i}"].shape
            self.state[f"B{i}"] = self.drawn(above, below)

    def drawn(self, fan_in: int, fan_out: int) -> Tensor:
        """A feedback matrix, (fan_in, fan_out), for errors of fan_in units."""
        like = self.network.parameters["W1"]
        initial = initialisation_of(self.settings.feedback, "settings.feedback")
        return initial(fan_in, fan_out, generator=self.generator, dtype=like.dtype).to(like.device)

    def feedback(self, i: int) -> Tensor:
        return self.state[f"B{i}"]
