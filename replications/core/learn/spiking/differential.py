"""The differential Hebbian rule: presynaptic activity times the change of postsynaptic activity.

    ΔW = amplitude ∫ x(t) (dy/dt) dt,   x, y: exponential traces of the spikes, tau_x, tau_y.

A postsynaptic spike raises y at once by one and y falls by y / tau_y after it, so (derived)

    ΔW = amplitude (Σ_post x(t_post) − ∫ x y dt / tau_y),

which is pair-based plasticity, all to all, with tau_plus = tau_x, tau_minus = tau_y and the
amplitudes amplitude · tau_y / (tau_x + tau_y) and amplitude · tau_x / (tau_x + tau_y): potentiation
and depression have equal areas (Xie & Seung 2000; a test compares the two).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1
from typing import Any

import numpy as np
from torch import Tensor

from replications.core.learn.spiking.plasticity import PlasticityRule, Synapses, Trace
from replications.core.learn.spiking.trains import Times, events


@dataclass(frozen=True, kw_only=True)
class DifferentialHebbianRule(PlasticityRule):
    """One amplitude, the traces of both neurons, all pairs of spikes."""

    amplitude: float
    tau_x: float  # ms
    tau_y: float  # ms

    AMPLITUDES = ("amplitude",)

    @property
    def tau(self) -> float:
        """Time constant of the product of both traces, ms."""
        return 1 / (1 / self.tau_x + 1 / self.tau_y)

    def terms(self, pre: Times, post: Times) -> np.ndarray:
        """The integral of x dy over all time, also after the last spike."""
        x = y = total = 0.0
        for elapsed, before, after in events(pre, post):
            total += x * y * self.tau / self.tau_y * expm1(-elapsed / self.tau)
            x, y = x * exp(-elapsed / self.tau_x), y * exp(-elapsed / self.tau_y)
            total += after * x
            x, y = x + before, y + after
        return np.array([total - x * y * self.tau / self.tau_y])

    def clocked(
        self, weights: Tensor, *, dt: float, low: float, high: float
    ) -> DifferentialHebbianSynapses:
        """Many synapses of this rule; `post` of a step is ``(postsynaptic,)`` bool."""
        return DifferentialHebbianSynapses(self, weights, dt=dt, low=low, high=high)


class DifferentialHebbianSynapses(Synapses):
    """The integral over a tick is exact; it changes every weight, a spike those of its neuron."""

    def __init__(
        self, rule: DifferentialHebbianRule, weights: Tensor, *, dt: float, low: float, high: float
    ):
        super().__init__(weights, low=low, high=high)
        self.rule = rule
        self.passing = rule.amplitude * rule.tau / rule.tau_y * expm1(-dt / rule.tau)
        post, pre = weights.shape
        alike: dict[str, Any] = {"dt": dt, "pairing": "all_to_all", "like": weights}
        self.x = Trace(pre, tau=rule.tau_x, **alike)
        self.y = Trace(post, tau=rule.tau_y, **alike)

    def step(self, pre: Tensor, post: Tensor) -> None:
        self.weights.addr_(self.y.values, self.x.values, alpha=self.passing)
        self.weights.clamp_(self.low, self.high)
        self.x.decay()
        self.y.decay()
        columns, rows = pre.nonzero()[:, 0], post.nonzero()[:, 0]
        if len(rows):
            self.potentiate(rows, self.rule.amplitude * self.x.values)
        self.x.spike(columns)
        self.y.spike(rows)
