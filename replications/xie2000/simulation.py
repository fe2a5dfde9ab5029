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

from replications.core.spiking.pair import PairRule

Arrays = dict[str, np.ndarray]
JOINT = " | "  # between the parts of an array's name
DT = 1.0  # ms


def drift(
    *,
    generator: Generator,
    windows: Mapping[str, Mapping],
    frequencies: Sequence[float],
    rates: tuple[float, float],
    depth: float,
    neurons: int,
    seconds: int,
    echo: Mapping[str, float],
    trials: int,
) -> Arrays:
    """The drift of weights between two populations of Poisson neurons, regressed on their rates.

    ν(t) = mean (1 + depth sin(2π f t + phase)), Hz, with means uniform within `rates` and random
    phases, `neurons` on each side, `trials` times `seconds` long. For each window (a pair rule) and
    frequency f "<window> | <f> Hz": "drift | …" and "predicted | …", (neurons²,), 1/s, of every
    weight; "coefficients | …", (2,), of ν_pre ν_post and ν_pre dν_post/dt by least squares, over
    a₊τ₊ and over a₊τ₊² + a₋τ₋²; "exact | …", (2,), what they are for windows that are not short
    against the period, all pairs; "r2 | …". "echo | <window>", (2,): the drift, measured and
    predicted, that is added where each presynaptic spike makes one neuron spike `delay` ms later
    with a `probability`, in 1/s, at constant rates.
    """
    rules = {name: PairRule(**given) for name, given in windows.items()}
    arrays: Arrays = {"frequencies": np.array(frequencies, dtype=float)}
    for f in frequencies:
        pre, post = (Rates.draw(neurons, f, rates, depth, generator) for _ in range(2))
        measured = {name: np.zeros((neurons, neurons)) for name in rules}
        for _ in range(trials):
            before, after = (side.spikes(seconds, generator) for side in (pre, post))
            for name, rule in rules.items():
                measured[name] += rule.changes(before, after, dt=DT) / (trials * seconds)
        terms = np.stack([pre.product(post).ravel(), pre.product_with_change(post).ravel()], axis=1)
        for name, rule in rules.items():
            arrays |= regressed(f"{name}{JOINT}{f} Hz", rule, measured[name].ravel(), terms, f)
    for name, rule in rules.items():
        arrays[f"echo{JOINT}{name}"] = echoed(
            rule, neurons, rates, seconds, trials, generator, **echo
        )
    return arrays


class Rates:
    """Rates ν(t) = mean (1 + depth sin(2π f t + phase)) of some neurons; means in Hz."""

    def __init__(self, mean: np.ndarray, phase: np.ndarray, frequency: float, depth: float) -> None:
        self.mean, self.phase, self.frequency, self.depth = mean, phase, frequency, depth

    @classmethod
    def draw(
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

    def product(self, post: Rates) -> np.ndarray:
        """Time average of ν_pre ν_post, ``(post, pre)``, Hz²."""
        lag = post.phase[:, None] - self.phase
        return np.outer(post.mean, self.mean) * (1 + self.depth * post.depth / 2 * np.cos(lag))

    def product_with_change(self, post: Rates) -> np.ndarray:
        """Time average of ν_pre dν_post/dt, ``(post, pre)``, Hz³."""
        lag = post.phase[:, None] - self.phase
        angular = 2 * np.pi * self.frequency
        swing = -angular * self.depth * post.depth / 2 * np.sin(lag)
        return np.outer(post.mean, self.mean) * swing


def scales(rule: PairRule) -> np.ndarray:
    """a₊τ₊ (s) and a₊τ₊² + a₋τ₋² (s²): what the two coefficients are given in."""
    plus, minus = rule.tau_plus / 1000, rule.tau_minus / 1000
    return np.array([rule.a_plus * plus, rule.a_plus * plus**2 + rule.a_minus * minus**2])


def exact(rule: PairRule, frequency: float) -> np.ndarray:
    """Both coefficients over their scales at any frequency, from the window's Fourier transform.

    ∫ W(s) e^{iωs} ds = a₊τ₊ / (1 − iωτ₊) − a₋τ₋ / (1 + iωτ₋); its real part at ω = 0 goes with the
    mean of the rates and its imaginary part over ω with their change. The real part at ω, which
    goes with the modulation, is left at its value for ω = 0: it differs little in what is averaged.
    """
    plus, minus = rule.tau_plus / 1000, rule.tau_minus / 1000
    omega = 2 * np.pi * frequency
    change = rule.a_plus * plus**2 / (1 + (omega * plus) ** 2)
    change += rule.a_minus * minus**2 / (1 + (omega * minus) ** 2)
    area = rule.a_plus * plus - rule.a_minus * minus
    return np.array([area, change]) / scales(rule)


def regressed(label: str, rule: PairRule, drift: np.ndarray, terms: np.ndarray, f: float) -> Arrays:
    """Least squares of the drift, ``(weights,)``, on both terms, ``(weights, 2)``."""
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


def echoed(
    rule: PairRule, neurons: int, rates: tuple[float, float], seconds: int, trials: int,
    generator: Generator, *, delay: float, probability: float,
) -> np.ndarray:  # fmt: skip
    """What spikes that cause spikes add to the drift of their synapse, 1/s: measured, predicted.

    The mean over neurons of the drift onto the driven neuron less that onto all others, and
    probability · ν_pre · a₊ exp(−delay / τ₊).
    """
    pre, post = (Rates.draw(neurons, 0.0, rates, 0.0, generator) for _ in range(2))
    post.mean[:] = post.mean.mean()  # so that all but the driving are alike
    added, steps = 0.0, int(delay / DT)
    for _ in range(trials):
        before, after = (side.spikes(seconds, generator) for side in (pre, post))
        chance = torch.rand(before.shape, generator=generator, dtype=torch.float64).numpy()
        made = np.roll(before & (chance < probability), steps, axis=1)
        made[:, :steps] = False
        change = rule.changes(before, after | made, dt=DT) / seconds
        own = np.trace(change) / neurons
        others = (change.sum() - np.trace(change)) / (neurons * (neurons - 1))
        added += (own - others) / trials
    predicted = probability * pre.mean.mean() * rule.a_plus * np.exp(-delay / rule.tau_plus)
    return np.array([added, predicted])


def score(arrays: Arrays) -> list[dict]:
    """Rows {"metric", "layer", "value"}; the layer is "<window>, <f> Hz", or the window.

    rate_coefficient and change_coefficient: the two coefficients over their scales; r2_regression;
    echo_ratio: measured over predicted.
    """
    rows = []
    for name, values in arrays.items():
        kind, *parts = name.split(JOINT)
        found = {}
        if kind == "coefficients":
            found = dict(zip(("rate_coefficient", "change_coefficient"), values, strict=True))
        elif kind == "r2":
            found = {"r2_regression": values[0]}
        elif kind == "echo":
            found = {"echo_ratio": values[0] / values[1]}
        layer = ", ".join(parts)
        rows += [{"metric": m, "layer": layer, "value": float(v)} for m, v in found.items()]
    return rows
