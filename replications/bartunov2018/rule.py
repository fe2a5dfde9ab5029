"""Target propagation with and without a gradient at the top (Bartunov et al. 2018, 1807.04587).

A feed-forward network h_i = f_i(h_{i-1}) of tanh units, whose output is h_L = softmax(z), and
approximate inverses g_i(h_i) = tanh(h_i V_i + c_i). Three rules, each of which makes its inverse
and its forward updates in turns or both on every batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.learn.learning import Batch, FeedForwardRule, Monitor, Updates
from replications.core.learn.networks import glorot_uniform
from replications.lee2015.rule import DifferenceTargetPropagation


class TargetPropagation(DifferenceTargetPropagation):
    """Difference target propagation (DTP); inverses start as Glorot & Bengio's.

    The top target is a step on the cost C_b of each image: t_{L-1} = h_{L-1} - alpha dC_b/dh_{L-1}.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(DifferenceTargetPropagation.Settings):
        """`parallel`: both updates on every batch, instead of a sweep of each over the data."""

        parallel: bool

    settings: Settings
    initial = staticmethod(glorot_uniform)

    @property
    def sweeps(self):
        return (self.both_updates,) if self.settings.parallel else super().sweeps

    def both_updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        """Inverse and forward updates, of the same parameters."""
        forward, monitor = self.updates(batch)
        return forward | self.inverse_updates(batch)[0], monitor

    def step(self, images: int) -> float:
        return self.settings.alpha * images  # the cost is a mean over the batch


class SimplifiedTargetPropagation(TargetPropagation):
    """SDTP: the top hidden layer's target comes by an inverse, too, from the right answer.

        t_L = the one-hot label,   t_{L-1} = h_{L-1} - g_L(h_L) + g_L(t_L)

    Inverses remove noise: they descend |g_i(f_i(h + e)) - h|^2. `parameters` holds "VL", "cL", too.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(FeedForwardRule.Settings):
        """`noise`: standard deviation of e; `parallel` as of TargetPropagation."""

        noise: float
        parallel: bool

    settings: Settings

    @property
    def inverted(self) -> range:
        return range(2, self.network.depth + 1)

    def output(self, z: Tensor, below: Tensor) -> Tensor:
        """What g_L reads of an output, (B, C): the softmax of z, (B, C); `below` is h_{L-1}."""
        return z.softmax(1)

    def top_target(self, activities: list[Tensor], wanted: Tensor) -> Tensor:
        *hidden, z = activities
        given, right = self.output(z, hidden[-1]), self.answer(wanted, hidden[-1])
        return self.target(self.network.depth, [*hidden, given], right)

    def answer(self, wanted: Tensor, below: Tensor) -> Tensor:
        """t_L, as g_L reads it, from the labels `wanted`, (B, C); `below` is h_{L-1}."""
        return wanted

    def above(self, i: int, below: Tensor) -> Tensor:
        h = super().above(i, below)
        return self.output(h, below) if i == self.network.depth else h

    def rebuilt(self, below: Tensor, corrupted: Tensor) -> Tensor:
        return below


class AuxiliaryTargetPropagation(SimplifiedTargetPropagation):
    """AO-SDTP: beside the output stands o' = tanh(h_{L-1} R), which tells more of h_{L-1}.

    R is random and never learns; the target of o' is o' itself. g_L reads (h_L, o'), and so knows
    what a class alone would not tell. `state` holds "R", (n_{L-1}, auxiliary).
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(SimplifiedTargetPropagation.Settings):
        """`auxiliary`: how many outputs o' has."""

        auxiliary: int

    settings: Settings

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        below = len(self.network.parameters[f"W{self.network.depth}"])
        self.state["R"] = self.drawn(below, self.settings.auxiliary)

    def width_read(self, i: int) -> int:
        more = self.settings.auxiliary if i == self.network.depth else 0
        return super().width_read(i) + more

    def beside(self, output: Tensor, below: Tensor) -> Tensor:
        """(output, o'), (B, C + auxiliary)."""
        return torch.cat([output, (below @ self.state["R"]).tanh()], dim=1)

    def output(self, z: Tensor, below: Tensor) -> Tensor:
        return self.beside(super().output(z, below), below)

    def answer(self, wanted: Tensor, below: Tensor) -> Tensor:
        return self.beside(wanted, below)
