"""Equilibrium propagation (Scellier & Bengio 2017, arXiv 1602.05179), and rules that it is held
against on the same network.

Equation numbers are those of the paper. All rules settle into a free fixed point s* and are held
against the gradient of J = mean C(s*), C = c |y - d|^2; they differ in how the second phase finds
their update. Contrastive Hebbian learning alone descends another objective, E(clamped) - E(free).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from replications.core.learn.learning import Batch, LearningRule, Monitor, Updates, percent_wrong
from replications.scellier2017.network import Clamped, HopfieldNetwork, States
from replications.scellier2017.solvers import Adjoint, Phase, settle, solver_of, trajectory


@dataclass(frozen=True, kw_only=True)
class Phases(LearningRule.Settings):
    """`free_steps` T and `second_steps` K of the two phases, and `settling_steps` from rest for
    images without a particle; `cost_scale` c of C = c |y - d|^2 (1/2 in the paper, 1 in the
    released code).
    """

    free_steps: int
    second_steps: int
    settling_steps: int
    cost_scale: float


class Relaxation(LearningRule):
    """A rule of two phases: settle freely, then find out how the parameters should change.

    `state` holds the persistent particles. `solvers` are those that a rule can use; ValueError is
    raised for another.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(Phases):
        """The `solver`; the `tolerance` at which the free phase ends sooner (0: never); whether it
        starts from the example's `persistent` particle, its last free state (Sec. 5.2), or from
        rest.
        """

        solver: Mapping[str, Mapping[str, float]]
        tolerance: float
        persistent: bool

    settings: Settings
    network: HopfieldNetwork
    solvers = ("euler", "alternate")

    def initialise(self, examples: int) -> None:
        self.solver = solver_of(self.settings.solver, self.solvers)
        if self.settings.persistent:
            rest = self.network.rest(examples)
            self.state = {f"particles{k}": s for k, s in enumerate(rest, start=1)}

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        clamped = Clamped(self.network, batch.inputs)
        free = self.start(clamped, batch.rows)
        sweeps = self.settle_freely(free, self.settings.free_steps)
        self.keep(free.states, batch.rows)
        updates = self.descent(clamped, batch, free.states)
        return updates, self.monitor(free.states[-1], batch, sweeps)

    def descent(self, clamped: Clamped, batch: Batch, free: States) -> Updates:
        """The second phase, from the `free` states: what to add to each parameter."""
        raise NotImplementedError

    def start(self, clamped: Clamped, rows: Tensor | slice) -> Phase:
        """The free phase of these training images: at their particles, or at rest."""
        particles = [p[rows] for p in self.state.values()]
        return Phase(clamped, particles or self.network.rest(len(clamped.inputs)))

    def settle_freely(self, phase: Phase, steps: int) -> int:
        """Settle a free phase by at most `steps` sweeps; returns their number."""
        return settle(phase, self.solver, steps=steps, tolerance=self.settings.tolerance)

    def keep(self, free: States, rows: Tensor | slice) -> None:
        """Let the particles of these training images be their free states."""
        if self.settings.persistent:
            for particle, state in zip(self.state.values(), free, strict=True):
                particle[rows] = state

    def monitor(self, outputs: Tensor, batch: Batch, sweeps: int) -> Monitor:
        """Error in percent and mean cost at the free states; sweeps, where their number varies."""
        monitor = {
            "train_error": percent_wrong(outputs, batch.labels),
            "train_cost": self.settings.cost_scale
            * (outputs - batch.targets).square().sum(1).mean(),
        }
        varies = {"free_sweeps": torch.tensor(float(sweeps))} if self.settings.tolerance else {}
        return monitor | varies

    def free_states(self, clamped: Clamped) -> States:
        """The free fixed point of each image, after at most `settling_steps` from rest."""
        phase = Phase(clamped, self.network.rest(len(clamped.inputs)))
        self.settle_freely(phase, self.settings.settling_steps)
        return phase.states

    def predict(self, inputs: Tensor) -> Tensor:
        """The output layer at the free fixed point, (N, C), settled from rest."""
        return self.free_states(Clamped(self.network, inputs))[-1]

    def estimate(self, batch: Batch) -> Updates:
        """The update of a batch whose particles are at their fixed points."""
        clamped = Clamped(self.network, batch.inputs)
        return self.descent(clamped, batch, self.free_states(clamped))

    def slope(self, outputs: Tensor, batch: Batch) -> Tensor:
        """dC/dy over the size of the batch, (B, C)."""
        return 2 * self.settings.cost_scale / len(batch.labels) * (outputs - batch.targets)

    def gradient(self, batch: Batch) -> Updates:
        """dJ/dtheta by implicit differentiation at the free states; see `solvers.Adjoint`.

        It is that of the fixed point as far as they, and the adjoint, settle in `settling_steps`.
        """
        clamped = Clamped(self.network, batch.inputs)
        free = self.free_states(clamped)
        adjoint = Adjoint(clamped, free, self.slope(free[-1], batch))
        settle(adjoint, self.solver, steps=self.settings.settling_steps)
        return correlation_change(batch.inputs, free, adjoint.states)


# By nudging: the betas of the second phases, in units of beta; of "random_sign" one of them.
SIGNS = {"one_sided": (1,), "random_sign": (1, -1), "symmetric": (1, -1)}


def check_nudging(nudging: str, beta: float) -> None:
    """Raise ValueError for another nudging than there is, and for a beta of 0."""
    if nudging not in SIGNS:
        raise ValueError(f"settings.nudging is {nudging!r}: choose {', '.join(SIGNS)}")
    if beta == 0:
        raise ValueError("settings.beta is 0, which nudges nothing: give another")


class EquilibriumPropagation(Relaxation):
    """Contrast of a free and a weakly clamped fixed point (Eq. 10):

    dW_k = (1/beta) (s_{k-1}' s_k at u^beta - s_{k-1}' s_k at u^0), mean over the batch.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(Relaxation.Settings):
        """`nudging`: "one_sided", by `beta`; "random_sign", by beta or -beta, drawn anew for each
        batch (Sec. 5.2); "symmetric", by both: the contrast of u^beta and u^-beta over 2 beta
        (Laborieux et al. 2021). Raises ValueError for another, and for a beta of 0.
        """

        beta: float
        nudging: str

        def __post_init__(self) -> None:
            check_nudging(self.nudging, self.beta)

    settings: Settings

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        for sign in SIGNS[self.settings.nudging]:
            self.solver.check(2 * self.settings.cost_scale * sign * self.settings.beta)

    def nudged(self, clamped: Clamped, batch: Batch, free: States, beta: float) -> States:
        """K sweeps of the weakly clamped phase from the free states."""
        phase = Phase(clamped, free, 2 * self.settings.cost_scale * beta, batch.targets)
        settle(phase, self.solver, steps=self.settings.second_steps)
        return phase.states

    def descent(self, clamped: Clamped, batch: Batch, free: States) -> Updates:
        sign = self.random_sign() if self.settings.nudging == "random_sign" else 1
        return self.contrasted(clamped, batch, free, sign * self.settings.beta)

    def contrasted(self, clamped: Clamped, batch: Batch, free: States, beta: float) -> Updates:
        """Eq. 10 for one beta, or its symmetric version."""
        above = self.nudged(clamped, batch, free, beta)
        if self.settings.nudging == "symmetric":
            below = self.nudged(clamped, batch, free, -beta)
            return contrast(batch.inputs, below, above, 2 * beta)
        return contrast(batch.inputs, free, above, beta)

    def random_sign(self) -> int:
        """+1 or -1 with equal probability."""
        return 2 * int(torch.randint(2, (), generator=self.generator)) - 1

    def estimate(self, batch: Batch) -> Updates:
        """The update of a batch whose particles are at their fixed points, by `beta` itself."""
        clamped = Clamped(self.network, batch.inputs)
        return self.contrasted(clamped, batch, self.free_states(clamped), self.settings.beta)


class ContrastiveHebbianLearning(Relaxation):
    """Contrast of the free fixed point and one with clamped outputs (Movellan 1991):

        dW_k = s_{k-1}' s_k at y = d  -  s_{k-1}' s_k at u^0, mean over the batch.

    The limit of beta dW_k of equilibrium propagation as beta -> infinity (Sec. 4). K sweeps of the
    clamped phase, from the free states.
    """

    def descent(self, clamped: Clamped, batch: Batch, free: States) -> Updates:
        phase = Phase(clamped, free, math.inf, batch.targets)
        settle(phase, self.solver, steps=self.settings.second_steps)
        return contrast(batch.inputs, free, phase.states, 1.0)


class RecurrentBackpropagation(Relaxation):
    """The gradient at the free fixed point, by a second network that settles into the adjoint.

    dW_k = -(s_{k-1}' l_k + l_{k-1}' s_k) with l after K sweeps of `solvers.Adjoint` from zero
    (Almeida 1987, Pineda 1987; Scellier & Bengio 2019).
    """

    def descent(self, clamped: Clamped, batch: Batch, free: States) -> Updates:
        adjoint = Adjoint(clamped, free, self.slope(free[-1], batch))
        settle(adjoint, self.solver, steps=self.settings.second_steps)
        gradient = correlation_change(batch.inputs, free, adjoint.states)
        return {name: change.neg_() for name, change in gradient.items()}


class BackpropagationThroughTime(Relaxation):
    """The gradient of mean C(s_T) through the last K of the T steps of the free phase.

    The solver is Euler's method: only there does a step have the derivative of `through_time`.
    From fixed points (`estimate`), K steps that stay there.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(Relaxation.Settings):
        """As of every relaxation. Raises ValueError for more steps back than the free phase has,
        and for a tolerance, as all of its steps are taken.
        """

        def __post_init__(self) -> None:
            if self.second_steps > self.free_steps:
                raise ValueError(
                    f"settings.second_steps is {self.second_steps}: back-propagation goes back "
                    f"through at most the {self.free_steps} of settings.free_steps"
                )
            if self.tolerance:
                raise ValueError(
                    f"settings.tolerance is {self.tolerance}: back-propagation through time takes "
                    "all its free_steps; give 0"
                )

    settings: Settings
    solvers = ("euler",)

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        clamped = Clamped(self.network, batch.inputs)
        phase = self.start(clamped, batch.rows)
        last = self.settings.second_steps
        settle(phase, self.solver, steps=self.settings.free_steps - last)
        path = trajectory(phase, self.solver, steps=last)
        self.keep(path[-1], batch.rows)
        return self.unrolled(clamped, batch, path), self.monitor(path[-1][-1], batch, 0)

    def descent(self, clamped: Clamped, batch: Batch, free: States) -> Updates:
        path = trajectory(Phase(clamped, free), self.solver, steps=self.settings.second_steps)
        return self.unrolled(clamped, batch, path)

    def unrolled(self, clamped: Clamped, batch: Batch, path: Sequence[States]) -> Updates:
        """Minus the gradient of the cost at the end of the path."""
        slope = self.slope(path[-1][-1], batch)
        steps = through_time(clamped, path, slope, step_size=self.solver.step_size)
        states, changes = (
            [torch.cat(rows) for rows in zip(*part, strict=True)]
            for part in zip(*steps, strict=True)
        )
        gradient = correlation_change(batch.inputs, states, changes)
        return {name: change.neg_() for name, change in gradient.items()}


def through_time(
    clamped: Clamped, path: Sequence[States], slope: Tensor, *, step_size: float
) -> Iterator[tuple[States, States]]:
    """Back-propagation through steps of Euler's method, from the last back to the first.

    With a_T = dL/ds_T, `slope` at the outputs, and m = 1 where a step ends inside the bounds,

        a_t = (1 - epsilon) m a_{t+1} + epsilon W (m a_{t+1}).

    Yields for each step the states it starts from and epsilon m a_{t+1}: dL/dtheta of the step is
    their `correlation_change`.
    """
    linear, network = clamped.linear(), clamped.network
    adjoint = torch.zeros_like(torch.cat(list(path[-1]), dim=1))
    adjoint[:, -slope.shape[1] :] = slope
    for after, before in pairwise(reversed(path)):
        adjoint = adjoint * network.inside(after)
        layers = (step_size * adjoint).split(network.sizes, dim=1)
        yield before, layers
        coupled = torch.cat([linear.pressure(k, layers) for k in range(len(layers))], dim=1)
        adjoint = (1 - step_size) * adjoint + coupled


def correlation_change(inputs: Tensor, states: States, changes: States) -> Updates:
    """How s_{k-1}' s_k and s_k, summed over the batch, change with the states, by parameter:

        s_{k-1}' c_k + c_{k-1}' s_k, and c_k.

    The rows of several steps may follow each other, (R B, n_k); x, (B, n_0), is the same in all.
    """
    first = changes[0].unflatten(0, (-1, len(inputs))).sum(0)  # (B, n_1)
    updates: Updates = {"W1": inputs.T @ first, "b1": first.sum(0)}
    for k in range(1, len(states)):
        correlation = states[k - 1].T @ changes[k]
        updates[f"W{k + 1}"] = correlation.addmm_(changes[k - 1].T, states[k])
        updates[f"b{k + 1}"] = changes[k].sum(0)
    return updates


def contrast(inputs: Tensor, free: States, nudged: States, beta: float) -> Updates:
    """(1 / beta B) times the nudged less the free correlations, by parameter (Eq. 10)."""
    scale = 1 / (beta * len(inputs))
    change = (nudged[0] - free[0]).mul_(scale)  # (B, n_1); x is the same in both phases
    updates: Updates = {"W1": inputs.T @ change, "b1": change.sum(0)}
    for k in range(1, len(free)):
        correlation = torch.addmm(
            nudged[k - 1].T @ nudged[k], free[k - 1].T, free[k], beta=scale, alpha=-scale
        )
        updates[f"W{k + 1}"] = correlation
        updates[f"b{k + 1}"] = (nudged[k] - free[k]).sum(0).mul_(scale)
    return updates
