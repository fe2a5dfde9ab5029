"""Contrastive Hebbian learning in a layered network (Xie & Seung 2003, Neural Computation 15).

Layers x_0 = input, x_1, ..., x_L settle with feedback that is weaker by a factor gamma (Eq. 2.5),

    dx_k/dt + x_k = f_k(x_{k-1} W_k + gamma x_{k+1} W_{k+1}' + b_k),

once with the outputs clamped to the target, x_L = d, and once free. They are at rest where

    E = sum_k gamma^{k-L} (F_k(x_k) - x_{k-1} W_k x_k' - b_k x_k'),   F_k' the inverse of f_k,

is stationary (derived from Eq. 2.5), and learning makes E(clamped) - E(free) smaller (Eq. 2.8).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.learning import Batch, FeedForwardRule, Monitor, Updates, percent_wrong
from replications.core.learn.networks import UNITS, sigmoid_cross_entropy, squared_error

OUTPUTS = {squared_error: UNITS["linear"], sigmoid_cross_entropy: UNITS["sigmoid"]}  # p. 448


class ContrastiveHebbian(FeedForwardRule):
    """dW_k = gamma^{k-L} (x'_{k-1} x_k, clamped, less the same, free), a mean over the batch.

    To the order of gamma this is back-propagation (Eq. 3.16 to 3.19) in the same network without
    feedback, with linear outputs and half the squared error, or with sigmoid outputs and their
    cross-entropy (p. 448). The clamped phase comes first; the free one starts where it ends, so
    that it goes downhill from there (Sec. 4). Raises ValueError for another cost.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(FeedForwardRule.Settings):
        """`gamma`; each phase makes so many `steps` of Euler's method, of `step_size`."""

        gamma: float
        steps: int
        step_size: float

    settings: Settings

    def initialise(self, examples: int) -> None:
        if self.network.top_cost not in OUTPUTS:
            names = " or ".join(cost.__name__ for cost in OUTPUTS)
            raise ValueError(f"network.cost: contrastive Hebbian learning has {names}")
        self.outputs = OUTPUTS[self.network.top_cost]

    def phi(self, k: int, before: Tensor) -> Tensor:
        """f_k of what a layer sums, (B, n_k)."""
        units = self.outputs if k == self.network.depth else self.network.units
        return units.phi(before)

    def settled(self, drive: Tensor, states: list[Tensor], *, clamped: bool) -> list[Tensor]:
        """[x_1, ..., x_L] after a phase from there; `drive`, (B, n_1), is x_0 W_1 + b_1."""
        network, top = self.network, self.network.depth
        for _ in range(self.settings.steps):
            moved = []
            for k, x in enumerate(states, start=1):
                if clamped and k == top:
                    moved.append(x)
                    continue
                before = drive if k == 1 else network.summed(k, states[k - 2])
                if k < top:
                    back = network.parameters[f"W{k + 1}"].T
                    before = torch.addmm(before, states[k], back, alpha=self.settings.gamma)
                moved.append(x.lerp(self.phi(k, before), self.settings.step_size))
            states = moved
        return states

    def begun(self, inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The drive x_0 W_1 + b_1, and [x_1, ..., x_L] without feedback, where phases start."""
        drive = self.network.summed(1, inputs)
        states = [self.phi(1, drive)]
        for k in range(2, self.network.depth + 1):
            states.append(self.phi(k, self.network.summed(k, states[-1])))
        return drive, states

    def phases(self, batch: Batch) -> tuple[list[Tensor], list[Tensor]]:
        """[x_1, ..., x_L], clamped to the targets, and free from there."""
        drive, start = self.begun(batch.inputs)
        clamped = self.settled(drive, [*start[:-1], batch.targets], clamped=True)
        return clamped, self.settled(drive, clamped, clamped=False)

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        """And the error of the free phase, though it starts from the clamped outputs."""
        clamped, free = self.phases(batch)
        count, top = len(batch.labels), self.network.depth
        updates: Updates = {}
        for k in range(1, top + 1):
            scale = self.settings.gamma ** (k - top) / count
            below, below_free = (s[k - 2] if k > 1 else batch.inputs for s in (clamped, free))
            updates[f"W{k}"] = scale * (below.T @ clamped[k - 1] - below_free.T @ free[k - 1])
            updates[f"b{k}"] = scale * (clamped[k - 1] - free[k - 1]).sum(0)
        return updates, {"train_error": percent_wrong(free[-1], batch.labels)}

    def predict(self, inputs: Tensor) -> Tensor:
        """x_L, (N, C), where it settles free."""
        return self.settled(*self.begun(inputs), clamped=False)[-1]
