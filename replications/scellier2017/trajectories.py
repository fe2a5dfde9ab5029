"""What is measured along trajectories: the energy, the STDP integral, and updates step by step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from replications.core.learn.learning import Updates
from replications.scellier2017.estimates import relative_error
from replications.scellier2017.network import States
from replications.scellier2017.rule import contrast
from replications.scellier2017.settled import Settled, cost
from replications.scellier2017.solvers import Euler, Phase, trajectory


def total_energy(case: Settled, path: list[States], beta: float) -> Tensor:
    """F = E + beta C at every time of every example, (T, B)."""
    energies = [case.network.energy(case.inputs, s) + beta * cost(s, case.targets) for s in path]
    return torch.stack(energies)


def descent(
    case: Settled, start: States, beta: float, *, step_size: float, steps: int
) -> dict[str, Tensor]:
    """F along Euler's method against dF/dt = -|ds/dt|^2.

    "error": the sum over steps and examples of |dF/dt + |ds/dt|^2| over that of |ds/dt|^2;
    "largest_rise" of F in a step. Means over the examples at each time, (steps + 1,): "energy",
    F less F(0), and "dissipated", minus the time integral of |ds/dt|^2.
    """
    phase = Phase(case.clamped, start, beta, case.targets)
    path = trajectory(phase, Euler(step_size=step_size), steps=steps)
    energy = total_energy(case, path, beta)
    rate = energy.diff(dim=0) / step_size  # (steps, B)
    states = torch.stack([torch.cat(s, dim=1) for s in path])  # (steps + 1, B, N)
    power = states.diff(dim=0).square().sum(2) / step_size**2  # |ds/dt|^2, (steps, B)
    dissipated = torch.cat([torch.zeros(1), -step_size * power.mean(1).cumsum(0)])
    return {
        "error": (rate + power).abs().sum() / power.sum(),
        "largest_rise": energy.diff(dim=0).max(),
        "energy": (energy - energy[0]).mean(1),
        "dissipated": dissipated,
    }


def stdp_integral(path: list[States], rule: str) -> list[Tensor]:
    """Sum over steps of rho_i d(rho_j) + rho_j d(rho_i), by layer pair: (T - 1, n_{k-1}, n_k).

    Cumulative, mean over the batch. rho is taken at the "left" end of a step or, by the
    "midpoint" rule, halfway; rho(s) = s, as states stay in [0, 1].
    """
    sums = []
    for k in range(1, len(path[0])):
        terms = []
        for before, after in pairwise(path):
            (i, j), (i_after, j_after) = before[k - 1 : k + 1], after[k - 1 : k + 1]
            di, dj = i_after - i, j_after - j
            at_i, at_j = (i + di / 2, j + dj / 2) if rule == "midpoint" else (i, j)
            terms.append((at_i.T @ dj + di.T @ at_j) / len(i))
        sums.append(torch.stack(terms).cumsum(0))
    return sums


def inner_contrast(inputs: Tensor, path: list[States]) -> list[Tensor]:
    """What the integral comes to: correlations at the end less those at the start, W_2 to W_n."""
    update = contrast(inputs, path[0], path[-1], 1.0)
    return [update[f"W{k}"] for k in range(2, len(path[0]) + 1)]


def stdp_error(inputs: Tensor, path: list[States], rule: str) -> float:
    """Relative error of the integral over the whole path against the contrast, all synapses."""
    integral = torch.cat([sums[-1].flatten() for sums in stdp_integral(path, rule)])
    return relative_error(integral, torch.cat([c.flatten() for c in inner_contrast(inputs, path)]))


def processes(updates: Sequence[Updates]) -> dict[str, Tensor]:
    """Each layer of weights' updates over the steps, (T, synapses)."""
    weights = [name for name in updates[0] if name[0] == "W"]
    return {name: torch.stack([u[name] for u in updates]).flatten(1) for name in weights}


def updates_by_step(inputs: Tensor, path: list[States], beta: float) -> list[Updates]:
    """Delta(beta, t) = (correlations at s_{t+1} - correlations at s_t) / beta, for each t."""
    return [contrast(inputs, before, after, beta) for before, after in pairwise(path)]


def activity_derivatives(path: list[States], beta: float, step_size: float) -> Tensor:
    """-(1/beta) ds/dt over each step of the nudged phase, (T - 1, B, N)."""
    states = torch.stack([torch.cat(s, dim=1) for s in path])
    return -states.diff(dim=0) / (beta * step_size)


def process_error(ours: Tensor, theirs: Tensor) -> Tensor:
    """sqrt(sum_t (n - d)^2 / max(sum_t n^2, sum_t d^2)) of each synapse (Ernoult et al. 2019).

    Processes of shape (T, ...), out (...); 0 where both are zero throughout.
    """
    largest = torch.maximum(ours.square().sum(0), theirs.square().sum(0))
    squares = (ours - theirs).square().sum(0)
    return torch.where(largest > 0, squares / largest, 0.0).sqrt()
