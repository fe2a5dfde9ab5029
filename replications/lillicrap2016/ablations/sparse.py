"""Half of the synapses gone, forward and feedback, as in the paper."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.learning import Batch, Monitor, Updates
from replications.core.learn.noise import random_tensor
from replications.lillicrap2016.rule import FeedbackAlignment


class SparseFeedbackAlignment(FeedbackAlignment):
    """Of W_i and of B_i, i = 2 ... L, a share `kept` of the elements is there, drawn apart.

    A weight that is not there starts at 0, and stays. `state` also holds "M2", ..., "ML",
    (n_{i-1}, n_i): 1 where W_i has a weight.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(FeedbackAlignment.Settings):
        """`kept`: the probability that an element is there."""

        kept: float

    settings: Settings

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        for i in range(2, self.network.depth + 1):
            self.state[f"M{i}"] = self.there(self.network.parameters[f"W{i}"])
            self.state[f"B{i}"] *= self.there(self.state[f"B{i}"])
            self.network.parameters[f"W{i}"] *= self.state[f"M{i}"]

    def there(self, like: Tensor) -> Tensor:
        """1 with probability `kept`, else 0, of a tensor's shape."""
        uniform = random_tensor(torch.rand, like.shape, self.generator, like)
        return (uniform < self.settings.kept).to(like.dtype)

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        updates, monitor = super().updates(batch)
        masked = {f"W{i}": f"M{i}" for i in range(2, self.network.depth + 1)}
        return {
            name: update * self.state[masked[name]] if name in masked else update
            for name, update in updates.items()
        }, monitor
