"""Equilibrium propagation (Scellier & Bengio 2017, arXiv 1602.05179), with its network.

Equation numbers are those of the paper. Layers are s_0 = x (clamped), s_1 ... s_n; s_n is the
output y. The hard sigmoid is rho(s) = clip(s, 0, 1); states are kept in [0, 1],
so that rho(s) = s and rho'(s) = 1 wherever the dynamics go.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from replications.core.learning import Batch, LearningRule, Monitor, Updates
from replications.core.networks import glorot_uniform


class HopfieldNetwork:
    """Layers with symmetric weights between neighbours, and the energy

        E = sum_k |s_k|^2 / 2 - sum_k s_{k-1} W_k s_k - sum_k b_k s_k.

    `parameters`: "W1", (n_0, n_1), "b1", (n_1,), and so on; Glorot-uniform weights, zero biases.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int],
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.sizes = list(layers[1:])
        self.parameters: dict[str, Tensor] = {}
        for k, (below, above) in enumerate(pairwise(layers), start=1):
            weights = glorot_uniform(below, above, generator=generator, dtype=dtype)
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

    def drive(self, inputs: Tensor) -> Tensor:
        """x W_1 + b_1, (B, n_1): constant while x is clamped, so computed once a batch."""
        return torch.addmm(self.biases[0], inputs, self.weights[0])

    def pressure(self, k: int, drive: Tensor, states: list[Tensor], out: Tensor | None = None):
        """What the neighbours of a layer tell it: s_{k-1} W_k + b_k + s_{k+1} W'_{k+1}, (B, n_k).

        Minus dE/ds_k is this less s_k, as rho' = 1. The index counts from 0 for s_1.
        """
        top = len(states) - 1
        if k == 0:
            if top == 0:
                return drive if out is None else out.copy_(drive)
            return torch.addmm(drive, states[1], self.weights[1].T, out=out)  # (B, n_1)
        below = torch.addmm(self.biases[k], states[k - 1], self.weights[k], out=out)  # (B, n_k)
        return below if k == top else below.addmm_(states[k + 1], self.weights[k + 1].T)

    def energy(self, inputs: Tensor, states: list[Tensor]) -> Tensor:
        """E of each state, (B,)."""
        energy = sum(
            s.square().sum(1) / 2 - s @ b for s, b in zip(states, self.biases, strict=True)
        )
        for below, weights, above in zip([inputs, *states], self.weights, states, strict=False):
            energy = energy - ((below @ weights) * above).sum(1)
        return energy


class EquilibriumPropagation(LearningRule):
    """Contrast of a free and a weakly clamped fixed point (Eq. 10):

        dW_k = (1/beta) (s_{k-1}' s_k at u^beta - s_{k-1}' s_k at u^0), mean over the batch.

    Settings: `step_size` epsilon; `free_steps` T and `nudged_steps` K of Euler's method; `beta`,
    its sign drawn anew for each batch (Sec. 5.2); `cost_scale` c in C = c |y - d|^2 (1/2 in the
    paper, 1 in the released code); `settling_steps` from rest for an image without a particle.

    `state` holds the persistent particles: each training example's free fixed point, where its
    next free phase starts (Sec. 5.2).
    """

    def __init__(
        self,
        *,
        network: HopfieldNetwork,
        examples: int,
        generator: torch.Generator,
        step_size: float,
        free_steps: int,
        nudged_steps: int,
        beta: float,
        cost_scale: float,
        settling_steps: int,
    ) -> None:
        super().__init__(network=network, examples=examples, generator=generator)
        self.step_size = step_size
        self.free_steps, self.nudged_steps = free_steps, nudged_steps
        self.beta, self.cost_scale = beta, cost_scale
        self.settling_steps = settling_steps
        self.state = {f"particles{k}": s for k, s in enumerate(network.rest(examples), start=1)}

    def settle(
        self,
        network: HopfieldNetwork,
        drive: Tensor,
        start: list[Tensor],
        steps: int,
        beta: float = 0.0,
        targets: Tensor | None = None,
    ) -> list[Tensor]:
        """`steps` of s <- clip(s - epsilon dF/ds, 0, 1), F = E + beta C, all layers
        at once (Eq. 43).

        Returns new states; `start` is left as it was.
        """
        states = [s.clone() for s in start]
        pressures = [torch.empty_like(s) for s in states]
        pull = 2 * self.cost_scale * beta  # -beta dC/dy = 2 c beta (d - y)
        for _ in range(steps):
            for k, pressure in enumerate(pressures):
                network.pressure(k, drive, states, out=pressure)
            if beta:
                pressures[-1].add_(targets - states[-1], alpha=pull)
            for state, pressure in zip(states, pressures, strict=True):
                state.lerp_(pressure, self.step_size).clamp_(0, 1)  # s + eps (pressure - s)
        return states

    def updates(self, network: HopfieldNetwork, batch: Batch) -> tuple[Updates, Monitor]:
        drive = network.drive(batch.inputs)
        particles = list(self.state.values())
        free = self.settle(network, drive, [p[batch.rows] for p in particles], self.free_steps)
        for particle, state in zip(particles, free, strict=True):
            particle[batch.rows] = state
        beta = self.beta * self.random_sign()
        nudged = self.settle(network, drive, free, self.nudged_steps, beta, batch.targets)
        outputs = free[-1]
        monitor = {
            "train_error": 100 * (outputs.argmax(1) != batch.labels).float().mean(),
            "train_cost": self.cost_scale * (outputs - batch.targets).square().sum(1).mean(),
        }
        return contrast(batch.inputs, free, nudged, beta), monitor

    def random_sign(self) -> int:
        """+1 or -1 with equal probability."""
        return 2 * int(torch.randint(2, (), generator=self.generator)) - 1

    def predict(self, network: HopfieldNetwork, inputs: Tensor) -> Tensor:
        """The output layer at the free fixed point, (N, C), settled from rest."""
        return self.free_states(network, inputs)[-1]

    def free_states(self, network: HopfieldNetwork, inputs: Tensor) -> list[Tensor]:
        """The free fixed point of each image, after `settling_steps` from rest."""
        drive = network.drive(inputs)
        return self.settle(network, drive, network.rest(len(inputs)), self.settling_steps)

    def estimate(self, network: HopfieldNetwork, batch: Batch) -> Updates:
        """The update of a batch whose particles are at their fixed points, with beta > 0."""
        drive = network.drive(batch.inputs)
        free = self.free_states(network, batch.inputs)
        nudged = self.settle(network, drive, free, self.nudged_steps, self.beta, batch.targets)
        return contrast(batch.inputs, free, nudged, self.beta)

    def gradient(self, network: HopfieldNetwork, batch: Batch) -> Updates:
        """dJ/dtheta of J = mean C(s*), by implicit differentiation at the free fixed point s*.

        With s* = clip(pressure(s*)), the adjoint solves l = m (dC/ds + W l), where m is 1 for
        units strictly inside (0, 1); then dJ/dW_k = s_{k-1}' l_k + l_{k-1}' s_k. It is found by
        the same relaxation as s* (recurrent back-propagation: Almeida 1987, Pineda 1987).
        """
        free = self.free_states(network, batch.inputs)
        inside = [((s > 0) & (s < 1)).to(s.dtype) for s in free]
        error = 2 * self.cost_scale * (free[-1] - batch.targets) / len(batch.labels)
        adjoint = [torch.zeros_like(s) for s in free]
        no_drive = torch.zeros_like(free[0])
        for _ in range(self.settling_steps):
            pressures = [
                network.pressure(k, no_drive, adjoint) - (network.biases[k] if k else 0)
                for k in range(len(free))
            ]
            pressures[-1] = pressures[-1] + error
            for a, pressure, m in zip(adjoint, pressures, inside, strict=True):
                a.lerp_(pressure * m, self.step_size)
        gradients: Updates = {"W1": batch.inputs.T @ adjoint[0], "b1": adjoint[0].sum(0)}
        for k in range(1, len(free)):
            gradients[f"W{k + 1}"] = free[k - 1].T @ adjoint[k] + adjoint[k - 1].T @ free[k]
            gradients[f"b{k + 1}"] = adjoint[k].sum(0)
        return gradients


def contrast(inputs: Tensor, free: list[Tensor], nudged: list[Tensor], beta: float) -> Updates:
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
