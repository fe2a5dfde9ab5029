"""Networks whose units either excite or inhibit (Cornford et al. 2021), and their twin without.

All are of rectified units. Weights start as in the code released with the paper; E is of means of
exponential distributions, whose deviation is their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log, pi, sqrt

import torch
from torch import Generator, Tensor

from replications.core.learn.networks import FeedForward

EPSILON = 1e-8  # added to what divides


def exponential(shape: tuple[int, int], mean: float, generator: Generator, like: Tensor) -> Tensor:
    """W ~ E(mean), all above zero; on the CPU, of the type of `like`."""
    return torch.empty(shape, dtype=like.dtype).exponential_(1 / mean, generator=generator)


class RectifiedFeedForward(FeedForward):
    """The twin: W_1 ~ N(0, 1 / n_0), above W_i ~ N(0, 2 / n_{i-1}) (He et al. 2015); b_i = 0."""

    def __init__(
        self,
        *,
        layers: Sequence[int],
        cost: str,
        generator: Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(
            layers=layers, initialisation="zeros", units="relu", cost=cost, generator=generator,
            dtype=dtype,
        )  # fmt: skip
        started = {}
        for i, (below, above) in enumerate(self.fans(layers), start=1):
            started |= self.started(i, below, above, self.parameters[f"b{i}"], generator)
        self.parameters = {name: tensor.to(device) for name, tensor in started.items()}

    def started(
        self, i: int, below: int, above: int, biases: Tensor, generator: Generator
    ) -> dict[str, Tensor]:
        """The parameters of layer i as they start; `biases`, (n_i,), are zero."""
        weights = torch.randn(below, above, generator=generator, dtype=biases.dtype)
        return {f"W{i}": sqrt((1 if i == 1 else 2) / below) * weights, f"b{i}": biases}


class ColumnFeedForward(RectifiedFeedForward):
    """Column-EI: a unit has one sign for all that read it, a_i = (s_{i-1} h_{i-1}) W_i + b_i.

    Of n_i units ceil(n_i / (ratio + 1)) inhibit, the last; pixels excite. W_i >= 0 is for training
    to keep. With n_e that excite and n_i that inhibit among the units below, weights start as

        E(s) of those that excite, E(s n_e / n_i) of those that inhibit,
        s^-2 = (n_e + n_e^2 / n_i) (2 pi - 1) / 2 pi,

    so that excitation and inhibition balance; W_1 as E(n_0^-1/2), balanced by b_1, for pixels
    whose mean is `pixel_mean`.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int],
        ratio: int,
        pixel_mean: float,
        cost: str,
        generator: Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.ratio, self.pixel_mean = ratio, pixel_mean
        super().__init__(layers=layers, cost=cost, generator=generator, device=device, dtype=dtype)

    def counted(self, units: int) -> tuple[int, int]:
        """How many of so many units excite, and how many inhibit."""
        share = units / (self.ratio + 1)
        return floor(self.ratio * share), ceil(share)

    def started(
        self, i: int, below: int, above: int, biases: Tensor, generator: Generator
    ) -> dict[str, Tensor]:
        if i == 1:
            mean = below**-0.5
            weights = exponential((below, above), mean, generator, biases)
            return {"W1": weights, "b1": biases - below * mean * self.pixel_mean}
        excite, inhibit = self.counted(below)
        mean = ((excite + excite**2 / inhibit) * (2 * pi - 1) / (2 * pi)) ** -0.5
        of_both = [(excite, mean), (inhibit, mean * excite / inhibit)]
        parts = [exponential((units, above), m, generator, biases) for units, m in of_both]
        return {f"W{i}": torch.cat(parts), f"b{i}": biases}

    def signs(self, h: Tensor) -> Tensor:
        """1 or -1 of each hidden unit of a layer, (n_i,)."""
        excite, _ = self.counted(h.shape[1])
        signs = torch.ones_like(h[0])
        signs[excite:] = -1
        return signs

    def read(self, i: int, below: Tensor) -> Tensor:
        return below if i == 1 else below * self.signs(below)

    def slope(self, i: int, h: Tensor) -> Tensor:
        return super().slope(i, h) * self.signs(h)


class DalesFeedForward(RectifiedFeedForward):
    """DANN: units excite; beside each layer are interneurons, which inhibit it alone.

        z = h_{i-1} Wix,   c = h_{i-1} Wex - z Wei,   d = z (exp(alpha) Wei) + 1e-8,
        a_i = g c / d + b:

    inhibition subtracts and divides. Wex, Wix, Wei, g >= 0 is for training to keep. `parameters`
    of layer i: "Wex", (n_{i-1}, n_i), "Wix", (n_{i-1}, m), "Wei", (m, n_i), "alpha", (m,), "g" and
    "b", (n_i,), each with i behind it, for m = `inhibitory`[i - 1] interneurons. They start as

        Wex, Wix ~ E(s),   Wei = 1 / m,   alpha = log sqrt((2 pi - 1) / n_{i-1}),   g = 1,   b = 0,
        s^2 = 1 / (2 n_0) in the first layer, above 2 pi / (n_{i-1} (2 pi - 1)),

    so that interneurons tell the mean of their layer; a single one has the mean of Wex exactly.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int],
        inhibitory: Sequence[int],
        cost: str,
        generator: Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.inhibitory = inhibitory
        super().__init__(layers=layers, cost=cost, generator=generator, device=device, dtype=dtype)

    def started(
        self, i: int, below: int, above: int, biases: Tensor, generator: Generator
    ) -> dict[str, Tensor]:
        count = self.inhibitory[i - 1]
        mean = sqrt(1 / (2 * below) if i == 1 else 2 * pi / (below * (2 * pi - 1)))
        excite = exponential((below, above), mean, generator, biases)
        inhibit = excite.mean(1, keepdim=True)
        if count > 1:
            inhibit = exponential((below, count), mean, generator, biases)
        alpha = log(sqrt((2 * pi - 1) / below))
        return {
            f"Wex{i}": excite, f"Wix{i}": inhibit, f"Wei{i}": biases.new_ones(count, above) / count,
            f"alpha{i}": biases.new_full((count,), alpha),
            f"g{i}": torch.ones_like(biases), f"b{i}": biases,
        }  # fmt: skip

    def summed(self, i: int, below: Tensor) -> Tensor:
        kinds = ("Wex", "Wix", "Wei", "alpha", "g", "b")
        excite, inhibit, onto, alpha, g, b = (self.parameters[f"{kind}{i}"] for kind in kinds)
        z = below @ inhibit  # (B, m)
        centred = below @ excite - z @ onto  # (B, n_i)
        scale = z @ (alpha.exp()[:, None] * onto) + EPSILON  # (B, n_i)
        return g * centred / scale + b
