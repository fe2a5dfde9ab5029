"""Bourdoukan & Denève 2015: spiking networks that learn a linear dynamical system, ẋ = A x + c.

Networks of one decoder, under conditions that differ in what they learn by and start from, are
given the same commands, and what they have learned is tested on others, without feedback of the
error and without plasticity. The equations are in `network.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import pi

import numpy as np
import torch
from torch import Generator, Tensor

from replications.bourdoukan2015.measures import (
    balance,
    currents,
    eigenvalues,
    irregularity,
    learned_dynamics,
    relative,
)
from replications.bourdoukan2015.network import Population, System, optimal_fast

Arrays = dict[str, np.ndarray]
JOINT = " | "  # between the parts of an array's name
UNTRAINED, LEARNED = "untrained", "learned"  # the latter condition's first test is the former
CONDITION = {"start", "fast", "slow", "feedback"}
COURSE = 10  # tests while learning, after numbers of epochs that grow by a factor
SHOWN = 1.0  # s of the test that are kept for figures


def learning(
    *,
    generator: Generator,
    dynamics: Sequence[Sequence[float]],
    command: Mapping[str, float],
    conditions: Mapping[str, Mapping],
    neurons: int,
    length: float,
    leak: float,
    regularisation: float,
    beta: float,
    dt: float,
    test_seconds: int,
    epochs: int,
) -> Arrays:
    """Networks that learn A = `dynamics` for `epochs` of one second, and tests on the way.

    `command`: amplitude and smoothing of `System`. `conditions`: name -> start (see
    `Population.start`), η_fast as `fast`, η_slow as `slow`, K as `feedback`. F_i: `neurons` evenly
    spaced directions, from a random one on, of this `length`. With P tests, "checkpoints", (P,),
    are the epochs before them; "dynamics" is A; "target", (ticks, J), is x in the SHOWN seconds.
    Of every condition, "<what> | <condition>": "learning_error", (epochs,), with feedback;
    "decoding_error", "fast_distance", "slow_distance" and "dynamics_distance", (P,), relative to x,
    the optimal weights and A; "rule_distance", (P,), of the fast weights from −F Fᵀ;
    "eigenvalues", (P, J, 2); and of the first and last test "balance", "output_rate" (Hz),
    "irregularity", (2,), "estimate", (2, ticks, J), "spikes", (2, ticks), and "currents",
    (2, 2, ticks), into the first neuron. Raises ValueError for conditions that are not as
    described, and for other than two dimensions.
    """
    check(conditions, dynamics)
    drawn = {"dtype": torch.float64, "device": generator.device}
    system = System(torch.tensor(dynamics, **drawn), **command, dt=dt)
    turns = torch.arange(neurons, **drawn) / neurons + torch.rand(1, generator=generator, **drawn)
    decoder = length * torch.stack([torch.cos(2 * pi * turns), torch.sin(2 * pi * turns)], dim=1)
    population = Population(decoder, leak, regularisation, beta)
    test = system.draw(test_seconds, generator)
    rates = {
        key: torch.tensor([float(c[key]) for c in conditions.values()], **drawn)
        for key in ("fast", "slow", "feedback")
    }
    fast, slow = population.start(conditions, system.dynamics)
    networks = population.networks(fast, slow, rates["feedback"], dt)
    checkpoints = sorted({0, *np.geomspace(1, epochs, COURSE).round().astype(int).tolist()})
    kept, errors = [(fast, slow)], []
    for epoch in range(1, epochs + 1):
        commands, target = system.draw(1.0, generator)
        error, _ = networks.run(
            commands, target, fast_rates=rates["fast"], slow_rates=rates["slow"]
        )
        errors.append(relative_errors(error, target))
        if epoch in checkpoints:
            kept.append((networks.fast.clone(), networks.slow.clone()))
    arrays = tested(list(conditions), kept, population, system, test)
    for name, course in zip(conditions, torch.stack(errors, dim=1), strict=True):
        arrays[f"learning_error{JOINT}{name}"] = course.contiguous().cpu().numpy()
    return arrays | {
        "checkpoints": np.array(checkpoints),
        "dynamics": np.array(dynamics, dtype=float),
    }


def check(conditions: Mapping[str, Mapping], dynamics: Sequence[Sequence[float]]) -> None:
    """Raises ValueError for settings that `learning` does not know."""
    if len(dynamics) != 2:
        raise ValueError(f"dynamics has {len(dynamics)} rows: give 2, F_i lie on a circle")
    if LEARNED not in conditions:
        raise ValueError(f"conditions has no {LEARNED!r}: its first test is that without training")
    for name, condition in conditions.items():
        if set(condition) != CONDITION:
            raise ValueError(
                f"condition {name!r}: give {', '.join(sorted(CONDITION))}, not "
                f"{', '.join(condition)}"
            )
        if condition["start"] not in ("unlearned", "optimal"):
            raise ValueError(f"condition {name!r} starts unlearned or optimal")


def relative_errors(errors: Tensor, target: Tensor) -> Tensor:
    """√(Σ_t ‖e‖² / Σ_t ‖x‖²) of each network, ``(R,)``; errors ``(T, R, J)``, target ``(T, J)``."""
    return (errors.square().sum(dim=(0, 2)) / target.square().sum()).sqrt()


def tested(
    names: list[str], kept: list[tuple[Tensor, Tensor]], population: Population, system: System,
    test: tuple[Tensor, Tensor],
) -> Arrays:  # fmt: skip
    """What `learning` returns of its tests; P pairs of fast and slow weights are `kept`."""
    commands, target = test
    fast, slow = (torch.stack(weights) for weights in zip(*kept, strict=True))  # (P, R, N, N)
    shape, silent = fast.shape[:2], torch.zeros(fast.shape[:2].numel()).to(target)
    networks = population.networks(fast.flatten(0, 1), slow.flatten(0, 1), silent, system.dt)
    errors, spikes = networks.run(commands, target, fast_rates=silent, slow_rates=silent)
    best_fast, best_slow = population.optimal(system.dynamics)
    dynamics = learned_dynamics(slow, population.decoder, population.leak)
    measured = {
        "decoding_error": relative_errors(errors, target).view(shape),
        "fast_distance": relative(fast, best_fast),
        "rule_distance": relative(fast, optimal_fast(population.decoder, 0.0)),
        "slow_distance": relative(slow, best_slow),
        "dynamics_distance": relative(dynamics, system.dynamics),
        "eigenvalues": eigenvalues(dynamics),
    }
    shown = round(SHOWN / system.dt)
    arrays = {"target": target[:shown].cpu().numpy()}
    estimates = (target[:, None] - errors).unflatten(1, shape)  # (T, P, R, J)
    spikes = spikes.unflatten(1, shape)
    for at, name in enumerate(names):
        arrays |= {
            f"{k}{JOINT}{name}": v[:, at].contiguous().cpu().numpy() for k, v in measured.items()
        }
        ends = [
            ended(spikes[:, p, at], fast[p, at], slow[p, at], commands, population, system.dt)
            for p in (0, -1)
        ]
        arrays |= {f"{key}{JOINT}{name}": np.stack([end[key] for end in ends]) for key in ends[0]}
        ticks = estimates[:shown, [0, -1], at].transpose(0, 1)
        arrays[f"estimate{JOINT}{name}"] = ticks.contiguous().cpu().numpy()
    return arrays


def ended(
    spikes: Tensor, fast: Tensor, slow: Tensor, commands: Tensor, population: Population, dt: float
) -> Arrays:
    """Activity of one network in one test: spikes ``(T,)``, commands ``(T, J)``, weights."""
    shown = round(SHOWN / dt)
    excitation, inhibition = currents(
        spikes, fast, slow, commands @ population.decoder.T, leak=population.leak, dt=dt
    )
    fired = spikes.cpu().numpy()
    return {
        "balance": np.float64(balance(excitation, inhibition)),
        "output_rate": np.float64((fired >= 0).mean() / dt / len(fast)),
        "irregularity": np.float64(irregularity(fired, len(fast))),
        "spikes": fired[:shown].astype(np.int16),
        "currents": np.stack([excitation[:shown, 0], inhibition[:shown, 0]]),
    }
