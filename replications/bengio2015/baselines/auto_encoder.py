"""What two auto-encoders share: one layer with tied weights, sampled by a Markov chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Generator

from replications.bengio2015.baselines.chains import ChainSampled
from replications.bengio2015.baselines.noise import glorot


class TiedAutoEncoder(ChainSampled):
    """h = f(W x + b), and x again from W' h + c.

    `parameters`: "weight" W, (n_h, n_x), by Glorot's uniform law times GAIN, "hidden_bias" b and
    "visible_bias" c, from 0.
    """

    GAIN = 1.0

    @dataclass(frozen=True, kw_only=True)
    class Settings(ChainSampled.Settings):
        """`layers`: widths of x and h, e.g. [784, 2000]. Raises ValueError for more or fewer."""

        layers: Sequence[int]

        def __post_init__(self) -> None:
            if len(self.layers) != 2:
                raise ValueError(f"the model has two layers, x and h; got {list(self.layers)}")

    settings: Settings

    def initialise(self, generator: Generator) -> None:
        visible, hidden = self.settings.layers
        self.parameters = {
            "weight": self.GAIN * glorot((hidden, visible), generator, self.like),
            "hidden_bias": self.like.new_zeros(hidden),
            "visible_bias": self.like.new_zeros(visible),
        }
        self.buffers = {"start": self.like.new_zeros(self.settings.chains, visible)}
