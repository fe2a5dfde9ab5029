"""Small random networks in float64, and their fixed points to the last bits.

C = |y - d|^2 / 2 for each example, as in the paper, so that the pull of a `Phase` is beta itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from replications.scellier2017.network import Clamped, HopfieldNetwork, States, inside
from replications.scellier2017.solvers import Alternate, Euler, Phase, Solver, trajectory


def random_network(
    *, layers: Sequence[int], gains: Sequence[float], generator: torch.Generator
) -> HopfieldNetwork:
    """Glorot-uniform weights times `gains`: from the input, and between all other layers.

    The biases put every unit at 1/2 if all others are: states lie about the middle of the hard
    sigmoid, where it has a derivative. The first gain says how far the input drives them from
    there; the second alone decides whether E is convex.
    """
    input_gain, gain = gains
    network = HopfieldNetwork(
        layers=layers, outputs="hard_sigmoid", initialisation={"glorot_uniform": {}},
        generator=generator, dtype=torch.float64,
    )  # fmt: skip
    for k, weights in enumerate(network.weights):
        weights.mul_(gain if k else input_gain)
    middle = [torch.full((1, n), 0.5, dtype=torch.float64) for n in layers]
    clamped = Clamped(network, middle[0])
    for k, bias in enumerate(network.biases):
        bias.add_(0.5 - clamped.pressure(k, middle[1:])[0])
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


def residual(phase: Phase) -> Tensor:
    """max |clip(s - dF/ds, 0, 1) - s| over the units of each example, (B,); 0 at a fixed point."""
    before = phase.whole.clone()
    Euler(step_size=1.0).sweep(phase)
    moved = (phase.whole - before).abs().amax(1)
    phase.whole.copy_(before)
    return moved


def relax(phase: Phase, solver: Solver, *, tolerance: float, limit: int = 100_000) -> Tensor:
    """Sweep until every `residual` is at most `tolerance`.

    Returns the sweeps that each example took, (B,). Raises RuntimeError after `limit` sweeps.
    """
    sweeps = torch.zeros(len(phase.whole), dtype=torch.int64)
    for _ in range(limit):
        far = residual(phase) > tolerance
        if not far.any():
            return sweeps
        sweeps += far
        solver.sweep(phase)
    raise RuntimeError(f"{int(far.sum())} examples have not settled after {limit} sweeps")


def active(states: States) -> Tensor:
    """Which units lie strictly inside (0, 1), where the clip has derivative 1: (B, N), bool."""
    return inside(torch.cat(list(states), dim=1))


def unchanged(reference: States, others: Iterable[States]) -> Tensor:
    """The examples with the same units inside (0, 1) in all of `others`, (B,), bool.

    Only there do derivatives at `reference` say anything of a finite change.
    """
    before = active(reference)
    kept = torch.ones(len(before), dtype=torch.bool)
    for states in others:
        kept &= (active(states) == before).all(1)
    return kept


@dataclass(frozen=True)
class Settled:
    """A random network with random examples and their free fixed points."""

    clamped: Clamped
    targets: Tensor
    free: States

    @classmethod
    def random(
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
        return cls.of(network, inputs, targets)

    @classmethod
    def of(cls, network: HopfieldNetwork, inputs: Tensor, targets: Tensor) -> Settled:
        """The free fixed points of given examples, from rest."""
        case = cls(Clamped(network, inputs), targets, network.rest(len(inputs)))
        return cls(case.clamped, targets, case.nudged(0.0))

    @property
    def network(self) -> HopfieldNetwork:
        """The network."""
        return self.clamped.network

    @property
    def inputs(self) -> Tensor:
        """x, (B, n_0)."""
        return self.clamped.inputs

    def phase(self, beta: float) -> Phase:
        """The nudged phase that starts from the free fixed points."""
        return Phase(self.clamped, self.free, beta, self.targets)

    def nudged(self, beta: float) -> States:
        """The fixed points of F, from the free ones, to the last bits of float64.

        An infinite beta clamps the outputs; a large one is multiplied with their rounding errors.
        """
        phase = self.phase(beta)
        relax(phase, Alternate(), tolerance=1e-14 * (1 + abs(phase.pull)))
        return phase.states

    def path(self, beta: float, *, step_size: float, steps: int) -> list[States]:
        """The nudged phase by Euler's method, from the free fixed points."""
        return trajectory(self.phase(beta), Euler(step_size=step_size), steps=steps)

    def only(self, kept: Tensor) -> Settled:
        """The examples that are `kept`, (B,), bool."""
        clamped = Clamped(self.network, self.inputs[kept])
        return Settled(clamped, self.targets[kept], [s[kept] for s in self.free])
