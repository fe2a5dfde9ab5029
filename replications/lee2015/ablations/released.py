"""The forward updates of the released code, conti_dtp.py, which leave out two parameters."""

from __future__ import annotations

import torch

from replications.core.learn.learning import Batch, Monitor, Updates
from replications.lee2015.rule import DifferenceTargetPropagation


class ReleasedUpdates(DifferenceTargetPropagation):
    """W_{L-2} and b_{L-3} keep their initial values: W6 and b5 of the paper's network.

    Raises ValueError for a network that has no such layers.
    """

    def initialise(self, examples: int) -> None:
        if self.network.depth < 4:
            raise ValueError("network.layers: the released updates leave out those of layers that "
                             "only three hidden layers and more have")  # fmt: skip
        super().initialise(examples)

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        updates, monitor = super().updates(batch)
        left_out = (f"W{self.network.depth - 2}", f"b{self.network.depth - 3}")
        return updates | {name: torch.zeros_like(updates[name]) for name in left_out}, monitor
