"""Plasticity by spike timing as the learning signal of equilibrium propagation.

The update of Bengio et al. 2017 (Neural Computation 29(3):555-577, abstract): presynaptic rate
times the rate of change of the postsynaptic rate, while the network moves away from its free fixed
point. The weights are symmetric, so that W_k is shared by two directed synapses,

    forward:  ∫ s_{k-1} ds_k,      backward:  ∫ ds_{k-1} s_k,      both over the second phase.

Their sum is the contrast of equilibrium propagation, whatever the path (Scellier & Bengio 2017);
one of them alone depends on the path. Integrals are sums over the steps of Euler's method,
presynaptic rate before, rate of change over the step: a cause comes before its effect. x does not
move, which makes every one of these rules exact for W_1. Biases learn by the contrast.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from replications.core.learn.learning import Batch, Monitor, Updates
from replications.scellier2017.network import Clamped, HopfieldNetwork, States
from replications.scellier2017.rule import (
    SIGNS,
    EquilibriumPropagation,
    Phases,
    Relaxation,
    check_nudging,
)
from replications.scellier2017.solvers import Phase, trajectory


class DifferentialHebbian(EquilibriumPropagation):
    """Both directed synapses, at every step t of the second phase:

        dW_k = (1/beta) sum_t [s_{k-1}(t)' Δs_k(t) + Δs_{k-1}(t)' s_k(t)], mean over the batch.

    The contrast less (1/beta) sum_t Δs_{k-1}' Δs_k, which vanishes with the step (derived).
    Settings are those of equilibrium propagation, with Euler's method; ValueError for another
    solver, whose layers do not move at the same time.
    """

    solvers = ("euler",)
    FORWARD, BACKWARD = 1.0, 1.0  # what the two directed synapses contribute to dW

    def contrasted(self, clamped: Clamped, batch: Batch, free: States, beta: float) -> Updates:
        """The update for one beta, or the mean of those for beta and -beta."""
        signs = (1, -1) if self.settings.nudging == "symmetric" else (1,)
        paths = {sign: self.path(clamped, batch, free, sign * beta) for sign in signs}
        changes = [
            integral(batch.inputs, paths[sign], self.FORWARD, self.BACKWARD, scale=sign / beta)
            for sign in signs
        ]
        return mean(changes)

    def path(self, clamped: Clamped, batch: Batch, free: States, beta: float) -> Sequence[States]:
        """The states at the start of the second phase and after each of its K steps."""
        phase = Phase(clamped, free, 2 * self.settings.cost_scale * beta, batch.targets)
        return trajectory(phase, self.solver, steps=self.settings.second_steps)


class ForwardSynapses(DifferentialHebbian):
    """The forward synapse alone: dW_k = (1/beta) sum_t s_{k-1}(t)' Δs_k(t).

    Feedback has the same weights, but is not plastic by itself.
    """

    FORWARD, BACKWARD = 1.0, 0.0


class PairWindow(DifferentialHebbian):
    """The forward synapse, by pairs of spikes that both lie within the second phase:

        dW_k = (1/beta) sum_t [s_{k-1}(t)' Δs_k(t) - Δs_{k-1}(t)' s_k(t)].

    For Poisson spikes and the window W(u) = A sign(u) exp(-|u|/τ), u = t_post - t_pre, the expected
    change is A τ² times this integral where rates change little within τ (derived: inside the
    phase 2 A τ² ∫ s_{k-1} ds_k, less A τ² times the contrast for the pairs that its ends cut).
    """

    FORWARD, BACKWARD = 1.0, -1.0


class SpikingEquilibriumPropagation(Relaxation):
    """Units that see each other's Poisson spikes, and learn from spikes and potentials.

    z_k ~ Poisson(λ s_k) / λ in every step and for every image, λ = `spikes_per_step` of a unit at
    its bound (a group of neurons, where that is more than one neuron fires); potentials follow

        s_k <- clip(s_k + ε (z_{k-1} W_k + b_k + z_{k+1} W'_{k+1} - s_k - beta dC/ds_k), 0, 1).

    In the second phase a spike adds the change of the potential of the neuron that it reaches, at
    both directed synapses: dW_k = (1/beta) sum_t [z_{k-1}(t)' Δs_k(t) + Δs_{k-1}(t)' z_k(t)].
    A spike moves the potential itself, by ε W z. Between the bounds each step therefore adds

        (1/beta) ε W_ij (s_i + s_j) / λ   (W_1: s_i = x_i alone)

    to the mean of dW_ij, whatever the error (derived); betas of both signs cancel it. `nudging` and
    settings as in equilibrium propagation; every free phase starts at rest. Class scores are mean
    outputs over the second half of the free phase. Computed on the CPU in float64, where spikes are
    drawn: which there are must not hang on the last bit of a rate.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(Phases):
        """The `step_size` ε of Euler's method, λ = `spikes_per_step`, and of equilibrium
        propagation `beta` and `nudging`. A free phase takes all its steps, from rest. Raises
        ValueError for an unknown nudging, a beta of 0, or no spikes.
        """

        step_size: float
        spikes_per_step: float
        beta: float
        nudging: str
        tolerance: ClassVar[float] = 0
        persistent: ClassVar[bool] = False

        def __post_init__(self) -> None:
            check_nudging(self.nudging, self.beta)
            if self.spikes_per_step <= 0:
                raise ValueError(
                    f"settings.spikes_per_step is {self.spikes_per_step}: give more than 0"
                )

        @property
        def solver(self) -> dict[str, dict[str, float]]:
            """Euler's method."""
            return {"euler": {"step_size": self.step_size}}

    settings: Settings

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        own, network = self.network.parameters, precise(self.network)
        inputs, targets = (tensor.cpu().double() for tensor in (batch.inputs, batch.targets))
        batch = replace(batch, inputs=inputs, targets=targets, labels=batch.labels.cpu())
        free, outputs = self.free_phase(network, batch.inputs)
        signs, beta = SIGNS[self.settings.nudging], self.settings.beta
        if self.settings.nudging == "random_sign":
            signs = (signs[int(torch.randint(2, (), generator=self.generator))],)
        updates = mean([self.learned(network, batch, free, sign * beta) for sign in signs])
        return {n: u.to(own[n]) for n, u in updates.items()}, self.monitor(outputs, batch, 0)

    def estimate(self, batch: Batch) -> Updates:
        """The update of one batch, after a free phase of its own."""
        return self.updates(batch)[0]

    def predict(self, inputs: Tensor) -> Tensor:
        """Mean outputs over the second half of a free phase from rest, (N, C)."""
        return self.free_phase(precise(self.network), inputs.cpu().double())[1].to(inputs)

    def free_phase(self, network: HopfieldNetwork, inputs: Tensor) -> tuple[States, Tensor]:
        """The states after a free phase from rest, and the mean outputs over its second half."""
        states, steps = network.rest(len(inputs)), self.settings.free_steps
        total, half = torch.zeros_like(states[-1]), steps // 2
        for step in range(steps):
            _, states = self.step(network, inputs, states)
            if step >= half:
                total += states[-1]
        return states, total / (steps - half)

    def learned(self, network: HopfieldNetwork, batch: Batch, free: States, beta: float) -> Updates:
        """dW and db of a second phase from the free states, mean over the batch."""
        scale, before = 1 / (beta * len(batch.labels)), free
        updates = {name: torch.zeros_like(p) for name, p in network.parameters.items()}
        for _ in range(self.settings.second_steps):
            spikes, after = self.step(network, batch.inputs, before, beta, batch.targets)
            changes = [b - a for a, b in zip(before, after, strict=True)]
            for k, change in enumerate(changes, start=1):
                updates[f"W{k}"].addmm_(spikes[k - 1].T, change, alpha=scale)
                updates[f"b{k}"].add_(change.sum(0), alpha=scale)
                if k > 1:
                    updates[f"W{k}"].addmm_(changes[k - 2].T, spikes[k], alpha=scale)
            before = after
        return updates

    def step(
        self, network: HopfieldNetwork, inputs: Tensor, states: States, beta: float = 0.0,
        targets: Tensor | None = None,
    ) -> tuple[States, States]:  # fmt: skip
        """The spikes [z_0, z_1, ...], (B, n_k), at these states, and the states after them."""
        spikes = self.spikes([inputs, *states])
        weights, biases, top = network.weights, network.biases, len(states) - 1
        forces = []
        for k, state in enumerate(states):
            force = torch.addmm(biases[k], spikes[k], weights[k]) - state
            if k < top:
                force.addmm_(spikes[k + 2], weights[k + 1].T)
            forces.append(force)
        if targets is not None:
            forces[-1] += 2 * self.settings.cost_scale * beta * (targets - states[-1])
        return spikes, [
            torch.add(state, force, alpha=self.settings.step_size).clamp_(0, 1)
            for state, force in zip(states, forces, strict=True)
        ]

    def spikes(self, rates: Sequence[Tensor]) -> Sequence[Tensor]:
        """Poisson(λ s) / λ for the rates s of each layer, (B, n_k), between 0 and 1.

        By thinning: all units together spike at λ, and each spike is kept with chance s (Lewis &
        Shedler 1979). What is drawn does not depend on the rates.
        """
        chance = torch.cat(list(rates), dim=1)
        drawn = chance.new_tensor(self.settings.spikes_per_step * chance.numel())
        drawn = int(torch.poisson(drawn, generator=self.generator))
        unit = torch.randint(chance.numel(), (drawn,), generator=self.generator)
        at = torch.rand(drawn, dtype=chance.dtype, generator=self.generator)
        kept = unit[at < chance.flatten()[unit]]
        counts = torch.bincount(kept, minlength=chance.numel()).view_as(chance).to(chance)
        return (counts / self.settings.spikes_per_step).split([r.shape[1] for r in rates], dim=1)


def precise(network: HopfieldNetwork) -> HopfieldNetwork:
    """The same network on the CPU, in float64."""
    twin = copy(network)
    twin.parameters = {name: p.cpu().double() for name, p in network.parameters.items()}
    return twin


def integral(
    inputs: Tensor, path: Sequence[States], forward: float, backward: float, *, scale: float
) -> Updates:
    """scale · sum_t [forward s_{k-1}(t)' Δs_k(t) + backward Δs_{k-1}(t)' s_k(t)], and Δs_k summed.

    Means over the batch, by parameter; x, (B, n_0), stays, so that Δs_0 is zero.
    """
    scale = scale / len(inputs)
    first = path[-1][0] - path[0][0]
    updates: Updates = {"W1": scale * forward * inputs.T @ first, "b1": scale * first.sum(0)}
    layers = list(zip(*path, strict=True))  # each layer's states, (K + 1) of (B, n_k)
    before = [torch.cat(layer[:-1]) for layer in layers]  # (K B, n_k)
    change = [torch.cat(layer[1:]) - b for layer, b in zip(layers, before, strict=True)]
    for k in range(1, len(layers)):
        correlation = forward * before[k - 1].T @ change[k]
        correlation.addmm_(change[k - 1].T, before[k], alpha=backward)
        updates[f"W{k + 1}"] = scale * correlation
        updates[f"b{k + 1}"] = scale * (path[-1][k] - path[0][k]).sum(0)
    return updates


def mean(updates: Sequence[Updates]) -> Updates:
    """The mean of several updates, by parameter."""
    return {name: sum(u[name] for u in updates) / len(updates) for name in updates[0]}
