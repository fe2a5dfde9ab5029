"""Back-propagation in the continuous network, which sends signs when it answers (disc_bp2.py)."""

from __future__ import annotations

from torch import Tensor

from replications.core.learn.learning import Backpropagation, Batch, Monitor, Updates, percent_wrong
from replications.lee2015.network import signs


class SignsWhenAnswering(Backpropagation):
    """Trains by the gradient of the continuous network; its errors are those with signs.

    In an answer the layers 2 to L-1 read the signs of the layer below.
    """

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        updates, monitor = super().updates(batch)
        wrong = percent_wrong(self.predict(batch.inputs), batch.labels)
        return updates, monitor | {"train_error": wrong}

    def predict(self, inputs: Tensor) -> Tensor:
        h = self.network.layer(1, inputs)
        for i in range(2, self.network.depth):
            h = self.network.layer(i, signs(h))
        return self.network.layer(self.network.depth, h)
