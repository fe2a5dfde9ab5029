"""Ways to the minima of F = E + beta C over the states, one interface for all: `sweep(phase)`.

A solver moves every layer of a `Phase` once, in place. `Euler` is the paper's; `Alternate` sets
layers to their exact minimisers. `settle` sweeps a number of times, or until nothing moves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from replications.core.learn.choices import chosen
from replications.scellier2017.network import Clamped, States


class Phase:
    """The states of a batch on their way to a minimum of F = E + beta C, C = c |y - d|^2.

    `pull` is 2 c beta: 0 in the free phase, above -1 where F is to be convex in y; infinite, it
    clamps the outputs to their `targets`, (B, n_n). `start` is copied. `states` are the layers,
    [(B, n_1), ...], views of one tensor `whole`, (B, N): what is done to all units is one call.
    """

    def __init__(
        self, clamped: Clamped, start: States, pull: float = 0.0, targets: Tensor | None = None
    ) -> None:
        sizes, bounded = clamped.network.sizes, clamped.network.bounded_layers
        self.clamped, self.targets = clamped, targets
        self.whole = torch.cat(list(start), dim=1)
        self.goal = torch.empty_like(self.whole)  # where a sweep takes the states, or part of it
        self.states, self.goals = (t.split(sizes, dim=1) for t in (self.whole, self.goal))
        self.bounded = self.whole[:, : sum(sizes[:bounded])]
        self.moving = range(len(sizes))  # the layers that are not clamped
        self.pull = pull
        if math.isinf(pull):
            self.moving, self.pull = range(len(sizes) - 1), 0.0
            self.states[-1].copy_(targets)
            self.goals[-1].copy_(targets)

    def press(self, k: int) -> Tensor:
        """goals[k] <- the neighbours' pressure on a layer, with 2 c beta d at the outputs."""
        pressure = self.clamped.pressure(k, self.states, out=self.goals[k])
        if self.pull and k == self.moving[-1]:
            pressure.add_(self.targets, alpha=self.pull)
        return pressure

    def place(self, k: int) -> None:
        """states[k] <- goals[k], within its bounds."""
        if k < self.clamped.network.bounded_layers:
            torch.clamp(self.goals[k], 0, 1, out=self.states[k])
        else:
            self.states[k].copy_(self.goals[k])

    def confine(self) -> None:
        """All states <- their nearest values within the bounds."""
        self.bounded.clamp_(0, 1)

    def snapshot(self) -> list[Tensor]:
        """A copy of the layers as they are."""
        return list(self.whole.clone().split(self.clamped.network.sizes, dim=1))


class Adjoint(Phase):
    """Recurrent back-propagation (Almeida 1987, Pineda 1987), by the solvers of the states.

    The fixed point l of l = m (W l + e) is H^-1 e among the units inside their bounds, where m is
    1 and H = d2E/ds2; e is dC/ds at the outputs, (B, n_n), 0 elsewhere. It starts at zero.
    """

    def __init__(self, clamped: Clamped, free: States, error: Tensor) -> None:
        super().__init__(clamped.linear(), [torch.zeros_like(s) for s in free])
        self.error = error
        self.mask = clamped.network.inside(free).to(error.dtype)
        self.masks = self.mask.split(clamped.network.sizes, dim=1)

    def press(self, k: int) -> Tensor:
        """goals[k] <- the neighbours' l by their weights, with e at the outputs."""
        pressure = self.clamped.pressure(k, self.states, out=self.goals[k])
        return pressure.add_(self.error) if k == self.moving[-1] else pressure

    def place(self, k: int) -> None:
        """states[k] <- m goals[k]."""
        torch.mul(self.goals[k], self.masks[k], out=self.states[k])

    def confine(self) -> None:
        """All states <- m times themselves."""
        self.whole.mul_(self.mask)


class Solver(Protocol):
    """A way to settle: `sweep` updates every layer of a phase once."""

    def sweep(self, phase: Phase) -> None:
        """One iteration, in place."""

    def check(self, pull: float) -> None:
        """Raise ValueError if a phase of that `pull`, 2 c beta, has no minimum by this solver."""


class Euler:
    """s <- clip(s - epsilon dF/ds, 0, 1), all layers at once (Eq. 43), epsilon = `step_size`."""

    def __init__(self, *, step_size: float) -> None:
        self.step_size = step_size

    def check(self, pull: float) -> None:
        """Any will do: between the bounds there always is a minimum."""

    def sweep(self, phase: Phase) -> None:
        """One step of all layers from the same states."""
        for k in phase.moving:
            phase.press(k)
        if phase.pull:  # -beta dC/dy = 2 c beta (d - y): press has added the d
            phase.goals[-1].sub_(phase.states[-1], alpha=phase.pull)
        phase.whole.lerp_(phase.goal, self.step_size)  # s + epsilon (goal - s)
        phase.confine()


class Alternate:
    """Every other layer, then those between, each set to its exact minimiser of F.

    Given its neighbours, F is quadratic in a layer: clip(pressure), and at the outputs
    clip((pressure + 2 c beta d) / (1 + 2 c beta)), for 2 c beta > -1. Layers of one parity do not
    see each other. After the code of Scellier et al. 2023 (arXiv 2312.15103), which begins with the
    odd layers and sets nudged outputs to clip(pressure + beta (d - y)): the fixed points are equal.
    """

    def check(self, pull: float) -> None:
        """Raise ValueError if 2 c beta <= -1."""
        if pull <= -1:
            raise ValueError(
                f"2 c beta is {pull}: F has no minimum over the outputs by themselves; "
                "choose beta > -1 / (2 c), or the euler solver"
            )

    def sweep(self, phase: Phase) -> None:
        """One sweep: s_2, s_4 ..., then s_1, s_3 ... Raises ValueError if 2 c beta <= -1."""
        self.check(phase.pull)
        for first in (1, 0):
            for k in phase.moving[first::2]:
                goal = phase.press(k)
                if phase.pull and k == phase.moving[-1]:
                    goal.div_(1 + phase.pull)
                phase.place(k)


SOLVERS = {"euler": Euler, "alternate": Alternate}


def solver_of(declared: Mapping[str, Mapping], known: Sequence[str]) -> Solver:
    """The solver that a YAML file declares, such as {euler: {step_size: 0.5}}.

    Raises ValueError for a name that is not among the `known`, and for other options than its own.
    """
    return chosen(declared, {name: SOLVERS[name] for name in known}, "settings.solver")()


def settle(phase: Phase, solver: Solver, *, steps: int, tolerance: float = 0) -> int:
    """Sweep `steps` times, or fewer: until no unit of the batch moves by more than `tolerance`.

    A tolerance of 0 never stops. With another, what an image ends at depends in its last digits on
    the batch that it settles in. Returns the number of sweeps.
    """
    before = torch.empty_like(phase.whole) if tolerance else None
    for done in range(1, steps + 1):
        if tolerance:
            before.copy_(phase.whole)
        solver.sweep(phase)
        if tolerance and before.sub_(phase.whole).abs_().max() <= tolerance:
            return done
    return steps


def trajectory(phase: Phase, solver: Solver, *, steps: int) -> list[States]:
    """The states as they are, and after each of `steps` sweeps."""
    path = [phase.snapshot()]
    for _ in range(steps):
        solver.sweep(phase)
        path.append(phase.snapshot())
    return path
