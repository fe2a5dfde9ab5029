"""The network of Scellier & Bengio 2017 (arXiv 1602.05179): symmetric weights and an energy.

Layers are s_0 = x (clamped), s_1 ... s_n; s_n is the output y. The hard sigmoid is
rho(s) = clip(s, 0, 1); states are kept in [0, 1], so that rho(s) = s and rho'(s) = 1 wherever the
dynamics go.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from replications.core.learn.choices import Choice
from replications.core.learn.networks import initialisation_of

States = Sequence[Tensor]  # [(B, n_1), ..., (B, n_n)]


def inside(states: Tensor) -> Tensor:
    """Which states lie strictly between the bounds 0 and 1, of the same shape, bool."""
    return (states > 0) & (states < 1)


class HopfieldNetwork:
    """Layers with symmetric weights between neighbours, and the energy

        E = sum_k |s_k|^2 / 2 - sum_k s_{k-1} W_k s_k - sum_k b_k s_k.

    `outputs` "hard_sigmoid", or "linear": y is not bounded. `initialisation` names that of the
    weights, with its arguments; biases start at zero. `parameters`: "W1", (n_0, n_1), "b1", (n_1,),
    and so on. Raises ValueError for other `outputs` or another initialisation.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int],
        outputs: str,
        initialisation: Choice,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if outputs not in ("hard_sigmoid", "linear"):
            raise ValueError(f"outputs are hard_sigmoid or linear, not {outputs!r}")
        initial = initialisation_of(initialisation)
        self.sizes = list(layers[1:])
        self.bounded_layers = len(self.sizes) - (outputs == "linear")
        self.parameters: dict[str, Tensor] = {}
        self.buffers: dict[str, Tensor] = {}
        for k, (below, above) in enumerate(pairwise(layers), start=1):
            weights = initial(below, above, generator=generator, dtype=dtype)
            self.parameters[f"W{k}"] = weights.to(device)
            self.parameters[f"b{k}"] = torch.zeros(above, device=device, dtype=dtype)

    @property
    def weights(self) -> list[Tensor]:
        """[W_1, ..., W_n]."""
        return [self.parameters[f"W{k}"] for k in range(1, len(self.sizes) + 1)]

    @property
    def biases(self) -> list[Tensor]:
        """[b_1, ..., b_n]."""
        return [self.parameters[f"b{k}"] for k in range(1, len(self.sizes) + 1)]

    def rest(self, count: int) -> list[Tensor]:
        """`count` states at zero: [(count, n_1), ..., (count, n_n)]."""
        return [self.weights[0].new_zeros(count, size) for size in self.sizes]

    def inside(self, states: States) -> Tensor:
        """Which units have rho' = 1 on both sides, strictly inside their bounds: (B, N), bool."""
        bounded = inside(torch.cat(list(states[: self.bounded_layers]), dim=1))
        free = [torch.ones_like(s, dtype=torch.bool) for s in states[self.bounded_layers :]]
        return torch.cat([bounded, *free], dim=1)

    def energy(self, inputs: Tensor, states: States) -> Tensor:
        """E of each state, (B,)."""
        energy = sum(
            s.square().sum(1) / 2 - s @ b for s, b in zip(states, self.biases, strict=True)
        )
        for below, weights, above in zip([inputs, *states], self.weights, states, strict=False):
            energy = energy - ((below @ weights) * above).sum(1)
        return energy


class ScaledHopfieldNetwork(HopfieldNetwork):
    """The same network, whose weights above the first, W_2 ... W_n, start `upper` times as large.

    With Glorot's bounds the pressure on the outputs starts at the order of one, about as far as
    nudging reaches, 2 c beta; see `measures.reach`.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int],
        outputs: str,
        initialisation: Choice,
        upper: float,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(
            layers=layers, outputs=outputs, initialisation=initialisation, generator=generator,
            device=device, dtype=dtype,
        )  # fmt: skip
        for weights in self.weights[1:]:
            weights.mul_(upper)


class Clamped:
    """A network with its inputs clamped to x, (B, n_0): what no step of a relaxation changes.

    x W_1 + b_1, and the transposed weights laid out for products, are computed here, once for all
    phases of a batch.
    """

    def __init__(self, network: HopfieldNetwork, inputs: Tensor) -> None:
        self.network, self.inputs = network, inputs
        self.weights, self.biases = network.weights, network.biases
        self.drive = torch.addmm(self.biases[0], inputs, self.weights[0])  # (B, n_1)
        self.feedback = [weights.T.contiguous() for weights in self.weights[1:]]

    def pressure(self, k: int, states: States, out: Tensor | None = None) -> Tensor:
        """What the neighbours of a layer tell it: s_{k-1} W_k + b_k + s_{k+1} W'_{k+1}, (B, n_k).

        Minus dE/ds_k is this less s_k, as rho' = 1. The index counts from 0 for s_1.
        """
        top = k == len(states) - 1
        if k == 0:
            if top:
                return self.drive.clone() if out is None else out.copy_(self.drive)
            return torch.addmm(self.drive, states[1], self.feedback[0], out=out)
        below = torch.addmm(self.biases[k], states[k - 1], self.weights[k], out=out)
        return below if top else below.addmm_(states[k + 1], self.feedback[k])

    def linear(self) -> Clamped:
        """The same weights without drive and biases: the pressures are W s alone."""
        twin = object.__new__(Clamped)
        twin.__dict__.update(self.__dict__)
        twin.drive = torch.zeros_like(self.drive)
        twin.biases = [torch.zeros_like(b) for b in self.biases]
        return twin
