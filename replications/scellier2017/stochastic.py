"""The stochastic version: Langevin dynamics, and the estimate from stationary distributions.

    du = -dF/du dt + sqrt(2 T) dB      has the stationary density  exp(-F / T) / Z,

and (E_beta[dF/dtheta] - E_0[dF/dtheta]) / beta tends to dJ/dtheta, J = E_0[C], as beta -> 0
(the paper's appendix). Potentials u are not kept in [0, 1] here: rho(u) = clip(u, 0, 1), with
rho' = 1 on [0, 1] and 0 outside, where only the leak and the nudging act.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from replications.scellier2017.network import Clamped, States
from replications.scellier2017.settled import Settled


def langevin(
    clamped: Clamped,
    potentials: States,
    noise: States,
    beta: float,
    targets: Tensor,
    *,
    step_size: float,
) -> States:
    """One Euler-Maruyama step: u - epsilon dF/du + noise; noise is sqrt(2 T epsilon) N(0, 1).

    -dF/du = rho'(u) pressure(rho(u)) - u, at the outputs with beta (d - u).
    """
    activities = [u.clamp(0, 1) for u in potentials]
    forces = [
        ((u >= 0) & (u <= 1)) * clamped.pressure(k, activities) - u
        for k, u in enumerate(potentials)
    ]
    forces[-1] = forces[-1] + beta * (targets - potentials[-1])
    return [u + step_size * f + n for u, f, n in zip(potentials, forces, noise, strict=True)]


def correlations(inputs: Tensor, states: States) -> Tensor:
    """-dE/dtheta of each example, (B, P): rho_i rho_j of neighbours, then rho_i, by layer."""
    layers = [inputs, *(s.clamp(0, 1) for s in states)]
    parts = []
    for below, above in pairwise(layers):
        parts += [(below[:, :, None] * above[:, None, :]).flatten(1), above]
    return torch.cat(parts, dim=1)


def stationary_estimates(
    case: Settled, *, beta: float, temperatures: Sequence[float], chains: int, step_size: float,
    burn_in: int, steps: int, generator: torch.Generator,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The estimate of each chain, (temperatures, chains, P), and the deterministic one, (P,).

    `case` has one example. Nudged less free correlations over beta, mean over `steps` steps after
    `burn_in` from the fixed points of F. A free chain and its nudged one share their noise, which
    cancels in part; chains are independent, so that their spread gives the Monte Carlo error.
    """
    fixed = case.free, case.nudged(beta)
    exact = (correlations(case.inputs, fixed[1]) - correlations(case.inputs, fixed[0]))[0] / beta
    count = len(temperatures) * chains
    inputs, targets = case.inputs.expand(count, -1), case.targets.expand(count, -1)
    clamped = Clamped(case.network, inputs)
    free, nudged = ([s.expand(count, -1) for s in states] for states in fixed)
    scale = (2 * step_size * torch.tensor(temperatures, dtype=torch.float64)).sqrt()
    scale = scale.repeat_interleave(chains)[:, None]  # (count, 1)
    total = torch.zeros(count, len(exact), dtype=torch.float64)
    for step in range(burn_in + steps):
        noise = [
            scale * torch.randn(u.shape, generator=generator, dtype=torch.float64) for u in free
        ]
        free = langevin(clamped, free, noise, 0.0, targets, step_size=step_size)
        nudged = langevin(clamped, nudged, noise, beta, targets, step_size=step_size)
        if step >= burn_in:
            total += correlations(inputs, nudged) - correlations(inputs, free)
    return (total / (beta * steps)).unflatten(0, (len(temperatures), chains)), exact
