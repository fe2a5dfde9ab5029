"""What a rule of synaptic plasticity is: one synapse by its events, and many on a clock.

Every rule here is linear in its amplitudes: the change of a weight is their sum over terms that
the two neurons' activities and the time constants decide, ΔW = Σ_k amplitude_k · term_k. Terms of
depression are negative. All traces start at zero. A trace is read just before the spikes of the
same time raise it, so that two spikes at one time make no pair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import exp
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from replications.core.learn.spiking.trains import Times

PAIRINGS: dict[str, Callable] = {
    "all_to_all": lambda trace: trace + 1,  # every spike counts: a sum of exponentials
    "nearest": lambda trace: 0 * trace + 1,  # the last spike alone: one exponential
}


@dataclass(frozen=True, kw_only=True)
class PlasticityRule:
    """Base of the rules: frozen dataclasses, times in ms, amplitudes not below zero.

    `AMPLITUDES` names the fields that the terms belong to, in their order. `READS` says what the
    rule reads of the postsynaptic neuron: "spikes", or "potential" (mV).
    """

    AMPLITUDES: ClassVar[tuple[str, ...]] = ()
    READS: ClassVar[str] = "spikes"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.startswith("tau") and not value > 0:
                raise ValueError(f"{field.name} is {value}: give a time constant above 0 ms")
            if field.name in self.AMPLITUDES and not value >= 0:
                raise ValueError(f"{field.name} is {value}: give an amplitude of at least 0")
        pairing = getattr(self, "pairing", "nearest")
        if pairing not in PAIRINGS:
            raise ValueError(f"pairing is {pairing!r}: give one of {', '.join(PAIRINGS)}")

    def terms(self, pre: Times, post: Any) -> np.ndarray:
        """What the amplitudes multiply, ``(amplitudes,)``, exactly, one synapse."""
        raise NotImplementedError

    def change(self, pre: Times, post: Times) -> float:
        """ΔW of one synapse: `pre` spike times (ms), `post` spike times or the potential."""
        amplitudes = [getattr(self, name) for name in self.AMPLITUDES]
        return float(np.dot(amplitudes, self.terms(pre, post)))


class Trace:
    """Exponential traces of many neurons on a clock, ``(neurons,)``: exp(−dt / tau) a tick."""

    def __init__(self, neurons: int, *, tau: float, dt: float, pairing: str, like: Tensor) -> None:
        self.values = torch.zeros(neurons, dtype=like.dtype, device=like.device)
        self.factor = exp(-dt / tau)
        self.raised = PAIRINGS[pairing]

    def decay(self) -> None:
        """To just before the spikes of the next tick."""
        self.values.mul_(self.factor)

    def spike(self, neurons: Tensor) -> None:
        """These neurons, by index, spike now."""
        self.values[neurons] = self.raised(self.values[neurons])


class Synapses:
    """Plastic weights ``(postsynaptic, presynaptic)``, changed in place, between two bounds.

    The changes of a tick are clipped one after the other, potentiation first. Raises ValueError
    if weights lie outside the bounds at the start.
    """

    def __init__(self, weights: Tensor, *, low: float, high: float) -> None:
        if weights.ndim != 2 or not (low <= weights.min() and weights.max() <= high):
            raise ValueError(
                f"weights of shape {tuple(weights.shape)} from {weights.min():g} to "
                f"{weights.max():g}: give (postsynaptic, presynaptic) within {low:g} to {high:g}"
            )
        self.weights = weights
        self.low, self.high = low, high

    def potentiate(self, rows: Tensor, change: Tensor) -> None:
        """Add ``(rows, presynaptic)`` to the weights onto some neurons."""
        changed = self.weights.index_select(0, rows).add_(change).clamp_(self.low, self.high)
        self.weights.index_copy_(0, rows, changed)

    def depress(self, columns: Tensor, change: Tensor) -> None:
        """Subtract ``(postsynaptic, columns)`` from the weights of some inputs."""
        changed = self.weights.index_select(1, columns).sub_(change).clamp_(self.low, self.high)
        self.weights.index_copy_(1, columns, changed)

    def step(self, pre: Tensor, post: Tensor) -> None:
        """One tick: who spikes, ``(presynaptic,)`` bool, and `post` as the rule reads it."""
        raise NotImplementedError
