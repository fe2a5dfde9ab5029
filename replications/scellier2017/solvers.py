"""Small random networks in float64, and two ways to the fixed points of F = E + beta C.

States are lists [(B, n_1), ..., (B, n_n)] in [0, 1]; C = |y - d|^2 / 2 for each example, as in
the paper. Wherever targets are taken, beta = 0 is the free phase and asks for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from replications.scellier2017.rule import HopfieldNetwork

States = list[Tensor]


def random_network(
    *, layers: Sequence[int], gains: Sequence[float], generator: torch.Generator
) -> HopfieldNetwork:
    """Glorot-uniform weights times `gains`: from the input, and between all other layers.

    The biases put every unit at 1/2 if all others are: states lie about the middle of the hard
    sigmoid, where it has a derivative. The first gain says how far the input drives them from
    there; the second alone decides whether E is convex.
    """
    input_gain, gain = gains
    network = HopfieldNetwork(layers=layers, generator=generator, dtype=torch.float64)
    for k, weights in enumerate(network.weights):
        weights.mul_(gain if k else input_gain)
    middle = [torch.full((1, n), 0.5, dtype=torch.float64) for n in layers]
    drive = network.drive(middle[0])
    for k, bias in enumerate(network.biases):
        bias.add_(0.5 - network.pressure(k, drive, middle[1:])[0])
    return network


def random_examples(
    network: HopfieldNetwork, images: int, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Inputs uniform in [0, 1], (B, n_0), and one-hot targets of random classes, (B, n_n)."""
    below, classes = len(network.weights[0]), network.sizes[-1]
    inputs = torch.rand(images, below, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (images,), generator=generator)
    return inputs, torch.nn.functional.one_hot(labels, classes).double()


def cost(states: States, targets: Tensor) -> Tensor:
    """C = |y - d|^2 / 2 of each example, (B,)."""
    return (states[-1] - targets).square().sum(1) / 2


def force(
    network: HopfieldNetwork,
    drive: Tensor,
    states: States,
    beta: float = 0.0,
    targets: Tensor | None = None,
) -> States:
    """-dF/ds = pressure - s, at the outputs with beta (d - y)."""
    forces = [network.pressure(k, drive, states) - s for k, s in enumerate(states)]
    if beta:
        forces[-1] = forces[-1] + beta * (targets - states[-1])
    return forces


def euler(
    network: HopfieldNetwork,
    drive: Tensor,
    states: States,
    beta: float = 0.0,
    targets: Tensor | None = None,
    *,
    step_size: float,
) -> States:
    """One step of all layers at once: s <- clip(s - epsilon dF/ds, 0, 1) (Eq. 43)."""
    forces = force(network, drive, states, beta, targets)
    return [(s + step_size * f).clamp(0, 1) for s, f in zip(states, forces, strict=True)]


def trajectory(
    network: HopfieldNetwork,
    inputs: Tensor,
    start: States,
    beta: float = 0.0,
    targets: Tensor | None = None,
    *,
    step_size: float,
    steps: int,
) -> list[States]:
    """`start` and the states after each of `steps` steps of `euler`."""
    drive, path = network.drive(inputs), [start]
    for _ in range(steps):
        path.append(euler(network, drive, path[-1], beta, targets, step_size=step_size))
    return path


def alternate(
    network: HopfieldNetwork,
    drive: Tensor,
    states: States,
    beta: float = 0.0,
    targets: Tensor | None = None,
) -> States:
    """One sweep over the even, then the odd layers, each set to its exact minimiser of F.

    Given its neighbours, F is quadratic in a layer: clip(pressure), and at the outputs
    clip((pressure + beta d) / (1 + beta)), beta > -1. Layers of one parity do not see each
    other. As in the code of Scellier et al. 2023 (arXiv 2312.15103).
    """
    states = list(states)
    top = len(states) - 1
    for first in (1, 0):
        for k in range(first, len(states), 2):
            pressure = network.pressure(k, drive, states)
            if beta and k == top:
                pressure = (pressure + beta * targets) / (1 + beta)
            states[k] = pressure.clamp(0, 1)
    return states


def residual(forces: States, states: States) -> Tensor:
    """max |clip(s - dF/ds, 0, 1) - s| over the units of each example, (B,); 0 at a fixed point."""
    moves = [(s + f).clamp(0, 1) - s for s, f in zip(states, forces, strict=True)]
    return torch.cat(moves, dim=1).abs().amax(1)


def relax(
    advance: Callable[..., States],
    network: HopfieldNetwork,
    inputs: Tensor,
    start: States,
    beta: float = 0.0,
    targets: Tensor | None = None,
    *,
    tolerance: float,
    limit: int = 100_000,
) -> tuple[States, Tensor]:
    """Repeat `advance` (`euler` or `alternate`) until every residual is at most `tolerance`.

    Returns the states and the iterations that each example took, (B,). Raises RuntimeError
    after `limit` iterations.
    """
    drive, states = network.drive(inputs), start
    iterations = torch.zeros(len(inputs), dtype=torch.int64)
    for _ in range(limit):
        far = residual(force(network, drive, states, beta, targets), states) > tolerance
        if not far.any():
            return states, iterations
        iterations += far
        states = advance(network, drive, states, beta, targets)
    raise RuntimeError(f"{int(far.sum())} examples have not settled after {limit} iterations")


def fixed_point(
    network: HopfieldNetwork,
    inputs: Tensor,
    start: States | None = None,
    beta: float = 0.0,
    targets: Tensor | None = None,
) -> States:
    """The fixed point of F, from `start` or from rest, to the last bits of float64."""
    start = network.rest(len(inputs)) if start is None else start
    states, _ = relax(alternate, network, inputs, start, beta, targets, tolerance=1e-14)
    return states


def active(states: States) -> Tensor:
    """Which units lie strictly inside (0, 1), where the clip has derivative 1: (B, N), bool."""
    flat = torch.cat(states, dim=1)
    return (flat > 0) & (flat < 1)


def unchanged(reference: States, others: Iterable[States]) -> Tensor:
    """The examples with the same units inside (0, 1) in all of `others`, (B,), bool.

    Only there do derivatives at `reference` say anything of a finite change.
    """
    inside = active(reference)
    kept = torch.ones(len(inside), dtype=torch.bool)
    for states in others:
        kept &= (active(states) == inside).all(1)
    return kept


@dataclass(frozen=True)
class Settled:
    """A random network with random examples and their free fixed points."""

    network: HopfieldNetwork
    inputs: Tensor
    targets: Tensor
    free: States

    @classmethod
    def draw(
        cls,
        *,
        layers: Sequence[int],
        gains: Sequence[float],
        images: int,
        generator: torch.Generator,
    ) -> Settled:
        """See `random_network` and `random_examples`."""
        network = random_network(layers=layers, gains=gains, generator=generator)
        inputs, targets = random_examples(network, images, generator=generator)
        return cls(network, inputs, targets, fixed_point(network, inputs))

    def nudged(self, beta: float) -> States:
        """The fixed points of F, from the free ones."""
        return fixed_point(self.network, self.inputs, self.free, beta, self.targets)

    def path(self, beta: float, **settings) -> list[States]:
        """The nudged phase from the free fixed points; see `trajectory` for its settings."""
        return trajectory(self.network, self.inputs, self.free, beta, self.targets, **settings)

    def only(self, kept: Tensor) -> Settled:
        """The examples that are `kept`, (B,), bool."""
        free = [s[kept] for s in self.free]
        return Settled(self.network, self.inputs[kept], self.targets[kept], free)
