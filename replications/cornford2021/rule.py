"""Gradient descent in networks with interneurons (Cornford et al. 2021), and what corrects it."""

from __future__ import annotations

from torch import enable_grad

from replications.core.learn.learning import (
    Batch,
    FeedForwardRule,
    Monitor,
    Updates,
    classification_monitor,
)
from replications.cornford2021.network import DalesFeedForward


class PlainGradient(FeedForwardRule):
    """The updates are -dC/dp of every parameter, by automatic differentiation."""

    network: DalesFeedForward

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        with enable_grad():
            gradients = self.gradient(batch)
        outputs = self.network.outputs(batch.inputs)
        cost, _ = self.network.top_cost(outputs, batch.targets)
        monitor = classification_monitor(outputs, cost, batch)
        return {name: -slope for name, slope in gradients.items()}, monitor


class CorrectedGradient(PlainGradient):
    """Interneurons learn more slowly: an interneuron's change reaches a whole layer.

        Wix: -dC/dWix / sqrt(n_i),   Wei: -dC/dWei / n_{i-1},
        alpha: -dC/dalpha / (sqrt(n_i) n_{i-1})

    for layer i, which the Fisher information matrix suggests (the paper's abstract; the factors
    are the released code's).
    """

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        updates, monitor = super().updates(batch)
        for i, (below, above) in enumerate(self.network.fans(self.network.widths), start=1):
            updates[f"Wix{i}"] /= above**0.5
            updates[f"Wei{i}"] /= below
            updates[f"alpha{i}"] /= above**0.5 * below
        return updates, monitor
