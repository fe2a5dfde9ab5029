"""Xie & Seung 2000: when plasticity by spike timing is plasticity by rates and their change.

For Poisson spikes whose rates change slowly against the window of a pair-based rule (derived),

    ⟨dW/dt⟩ = (a₊τ₊ − a₋τ₋) ν_pre ν_post + (a₊τ₊² + a₋τ₋²) ν_pre dν_post/dt,

so that a window of equal areas follows the change of the postsynaptic rate alone. The paper has
the window with the opposite sign (differential anti-Hebbian), which turns the sign of both terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Generator

from replications.core.learn.spiking.differential import DifferentialHebbianRule
from replications.core.learn.spiking.pair import PairRule

Arrays = dict[str, np.ndarray]
JOINT = " | "  # between the parts of an array's name
DT = 1.0  # ms; `PairRule.changes` has the midpoint rule of the window's areas


def drift(
    *,
    generator: Generator,
    windows: Mapping[str, Mapping],
    frequencies: Sequence[float],
    rates: tuple[float, float],
    depth: float,
    neurons: int,
    seconds: int,
    trials: int,
) -> Arrays:
    """The drift of weights between two populations of Poisson neurons, regressed on their rates.

    ν(t) = mean (1 + depth sin(2π f t + phase)), Hz, with means uniform within `rates` and random
    phases, `neurons` on each side, `trials` times `seconds` long. For each window (a pair rule) and
    frequency f "<what> | <window> | <f> Hz": "drift" and "predicted", (neurons²,), 1/s, of every
    weight, predicted for slow rates; "coefficients", (3,), of the product of the mean rates, of
    their covariance and of ν_pre dν_post/dt by least squares, over `scales`; "exact", (3,), what
    they are for windows that are not short against the period, all pairs; "r2", (1,). Raises
    ValueError for a depth beyond 0 to 1.
    """
    if not 0 < depth <= 1:
        raise ValueError(f"depth is {depth}: give a number above 0, and up to 1 for rates above 0")
    rules = {name: PairRule(**given) for name, given in windows.items()}
    arrays: Arrays = {"frequencies": np.array(frequencies, dtype=float)}
    for f in frequencies:
        pre, post = (Rates.random(neurons, f, rates, depth, generator) for _ in range(2))
        measured = {name: np.zeros((neurons, neurons)) for name in rules}
        for _ in range(trials):
            before, after = (side.spikes(seconds, generator) for side in (pre, post))
            for name, rule in rules.items():
                measured[name] += rule.changes(before, after, dt=DT) / (trials * seconds)
        terms = np.stack([term.ravel() for term in pre.products(post)], axis=1)  # (weights, 3)
        for name, rule in rules.items():
            arrays |= regressed(f"{name}{JOINT}{f:g} Hz", rule, measured[name].ravel(), terms, f)
    return arrays


def differential_rule(
    *,
    generator: Generator,
    tau_plus: float,
    tau_minus: float,
    rates: tuple[float, float],
    synapses: int,
    seconds: int,
) -> Arrays:
    """ΔW of single synapses by pairs of spikes, and by presynaptic activity times change (derived):

        ∫ x (dy/dt) dt,  x and y the traces of the two neurons' spikes, tau_plus and tau_minus, ms,

    is all pairs of a window of equal areas, a₊ = τ₋ / (τ₊ + τ₋) and a₋ = τ₊ / (τ₊ + τ₋). Poisson
    trains of `seconds`, rates uniform within `rates`, Hz. "pairs" and "differential", (synapses,).
    """
    whole = tau_plus + tau_minus
    window = PairRule(
        a_plus=tau_minus / whole, a_minus=tau_plus / whole, tau_plus=tau_plus,
        tau_minus=tau_minus, pairing="all_to_all",
    )  # fmt: skip
    change = DifferentialHebbianRule(amplitude=1.0, tau_x=tau_plus, tau_y=tau_minus)
    both = [[poisson_train(rates, seconds, generator) for _ in range(2)] for _ in range(synapses)]
    return {
        "pairs": np.array([window.change(pre, post) for pre, post in both]),
        "differential": np.array([change.change(pre, post) for pre, post in both]),
    }


def poisson_train(rates: tuple[float, float], seconds: int, generator: Generator) -> np.ndarray:
    """Spike times, ms, rising, of a neuron whose rate is uniform within `rates`, Hz."""
    low, high = rates
    rate = low + (high - low) * torch.rand((), generator=generator, dtype=torch.float64)
    count = int(torch.poisson(rate * seconds, generator=generator))
    times = torch.rand(count, generator=generator, dtype=torch.float64)
    return 1000 * seconds * times.unique().numpy()


class Rates:
    """Rates ν(t) = mean (1 + depth sin(2π f t + phase)) of some neurons; means in Hz."""

    def __init__(self, mean: np.ndarray, phase: np.ndarray, frequency: float, depth: float) -> None:
        self.mean, self.phase, self.frequency, self.depth = mean, phase, frequency, depth

    @classmethod
    def random(
        cls, neurons: int, frequency: float, rates: tuple[float, float], depth: float,
        generator: Generator,
    ) -> Rates:  # fmt: skip
        """Means uniform within `rates`, phases uniform in a turn."""
        mean, phase = torch.rand(2, neurons, generator=generator, dtype=torch.float64).numpy()
        low, high = rates
        return cls(low + (high - low) * mean, 2 * np.pi * phase, frequency, depth)

    def spikes(self, seconds: int, generator: Generator) -> np.ndarray:
        """Poisson spikes on the clock, ``(neurons, ticks)`` bool."""
        t = np.arange(seconds * 1000 / DT) * DT / 1000  # s
        turn = 2 * np.pi * self.frequency * t + self.phase[:, None]
        rate = self.mean[:, None] * (1 + self.depth * np.sin(turn))  # (neurons, ticks), Hz
        chance = torch.rand(rate.shape, generator=generator, dtype=torch.float64).numpy()
        return chance < rate * DT / 1000

    def products(self, post: Rates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Time averages, each ``(post, pre)``, of what the two rates have in common.

        ν_pre ν_post in two parts, the product of the means and the covariance, Hz²; and
        ν_pre dν_post/dt, Hz³.
        """
        lag = post.phase[:, None] - self.phase
        means = np.outer(post.mean, self.mean)
        swing = means * self.depth * post.depth / 2
        angular = 2 * np.pi * self.frequency
        return means, swing * np.cos(lag), -angular * swing * np.sin(lag)


def scales(rule: PairRule) -> np.ndarray:
    """a₊τ₊ twice (s) and a₊τ₊² + a₋τ₋² (s²): what the three coefficients are given in."""
    plus, minus = rule.tau_plus / 1000, rule.tau_minus / 1000
    area, moment = rule.a_plus * plus, rule.a_plus * plus**2 + rule.a_minus * minus**2
    return np.array([area, area, moment])


def exact(rule: PairRule, frequency: float) -> np.ndarray:
    """The three coefficients over their scales at any frequency: the window's Fourier transform.

    ∫ W(s) e^{iωs} ds = a₊τ₊ / (1 − iωτ₊) − a₋τ₋ / (1 + iωτ₋): the area, ω = 0, goes with the means,
    the real part with the covariance, and the imaginary part over ω with the change.
    """
    plus, minus = rule.tau_plus / 1000, rule.tau_minus / 1000
    omega = 2 * np.pi * frequency
    ahead = rule.a_plus * plus / (1 + (omega * plus) ** 2)
    behind = rule.a_minus * minus / (1 + (omega * minus) ** 2)
    area = rule.a_plus * plus - rule.a_minus * minus
    return np.array([area, ahead - behind, ahead * plus + behind * minus]) / scales(rule)


def regressed(label: str, rule: PairRule, drift: np.ndarray, terms: np.ndarray, f: float) -> Arrays:
    """Least squares of the drift, ``(weights,)``, on the three terms, ``(weights, 3)``."""
    coefficients, *_ = np.linalg.lstsq(terms, drift, rcond=None)
    rest = drift - terms @ coefficients
    r2 = 1 - np.sum(rest**2) / np.sum((drift - drift.mean()) ** 2)
    slow = exact(rule, 0.0) * scales(rule)
    return {
        f"drift{JOINT}{label}": drift,
        f"predicted{JOINT}{label}": terms @ slow,
        f"coefficients{JOINT}{label}": coefficients / scales(rule),
        f"exact{JOINT}{label}": exact(rule, f),
        f"r2{JOINT}{label}": np.array([r2]),
    }
