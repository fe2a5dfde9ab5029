"""GeneRec (O'Reilly 1996) in a layered network, for classification.

The settling is that of contrastive Hebbian learning (Xie & Seung 2003), with weights back that are
the transposed weights, gamma times as strong.
"""

from __future__ import annotations

from torch import Tensor

from replications.core.learn.learning import Batch, Monitor, Updates, percent_wrong
from replications.xie2003.rule import ContrastiveHebbian


class GeneRec(ContrastiveHebbian):
    """dW_k = gamma^{k-L} x_{k-1}' (x+_k - x_k), a mean over the batch.

    x is the state of the first phase, which is free; x+ that of the second, from there, with the
    outputs clamped to the targets (GENEREC's first rule in `simulation.py`). gamma^{k-L} makes up
    for feedback that is weaker, as in contrastive Hebbian learning, whose updates are these to the
    order of gamma.
    """

    def phases(self, batch: Batch) -> tuple[list[Tensor], list[Tensor]]:
        """[x_1, ..., x_L] clamped, and free, where it starts."""
        drive, start = self.begun(batch.inputs)
        free = self.settled(drive, start, clamped=False)
        return self.settled(drive, [*free[:-1], batch.targets], clamped=True), free

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        clamped, free = self.phases(batch)
        top, updates = self.network.depth, {}
        for k, below in enumerate([batch.inputs, *free[:-1]], start=1):
            scale = self.settings.gamma ** (k - top) / len(batch.labels)
            change = scale * (clamped[k - 1] - free[k - 1])
            updates |= {f"W{k}": below.T @ change, f"b{k}": change.sum(0)}
        return updates, {"train_error": percent_wrong(free[-1], batch.labels)}
