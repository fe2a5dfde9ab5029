"""The output layer alone learns: what the hidden layer's own learning adds."""

from __future__ import annotations

import torch

from replications.core.learn.learning import Backpropagation, Batch, Monitor, Updates


class OutputLayerAlone(Backpropagation):
    """The top layer descends the gradient; all others stay as they start."""

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        updates, monitor = super().updates(batch)
        top = (f"W{self.network.depth}", f"b{self.network.depth}")
        return {n: u if n in top else torch.zeros_like(u) for n, u in updates.items()}, monitor
