"""Back-propagation through samples: the twin of the stochastic network (sto_bp_ge.py)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from replications.core.learn.learning import (
    Backpropagation,
    Batch,
    Monitor,
    Updates,
    classification_monitor,
)
from replications.core.learn.noise import noisy
from replications.lee2015.network import BernoulliFeedForward


class GradientEstimator(Backpropagation):
    """The derivative of a sample is taken to be that of its probability.

        e_{i-1} = (e_i W_i') h_{i-1} (1 - h_{i-1}),   dW_i = -s_{i-1}' e_i

    Layer 1's update has the clean image for s_0, though the pass was that of a noisy one, as in
    the released code.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(Backpropagation.Settings):
        """As of StochasticTargetPropagation."""

        input_noise: float
        passes: int

    settings: Settings
    network: BernoulliFeedForward

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        network, inputs = self.network, batch.inputs
        images = noisy(inputs, self.settings.input_noise, self.generator)
        read, activities = network.sampled(images, self.generator)
        cost, top = network.top_cost(activities[-1], batch.targets)
        updates: Updates = {}
        for i, error in self.layer_errors(activities, top):
            updates |= network.descent(i, [inputs, *read[1:]], error)
        return updates, classification_monitor(activities[-1], cost, batch)

    def predict(self, inputs: Tensor) -> Tensor:
        return self.network.mean_answer(inputs, self.settings.passes, self.generator)
