"""Voltage-based plasticity (Clopath, Büsing, Vasilaki & Gerstner 2010, Eq. 3), without homeostasis.

    dW/dt = −a_minus X (ū− − theta_minus)₊ + a_plus x̄ (u − theta_plus)₊ (ū+ − theta_minus)₊

u is the postsynaptic potential, ū− and ū+ its low-pass filters (tau_minus, tau_plus), X the
presynaptic spikes, x̄ their low-pass filter (tau_x); all but X start at rest, theta_minus or zero.
Time runs in steps of `dt` by Euler's method, as in the authors' code (ModelDB 144566, VoTri.m),
which reads ū− and ū+ `delay` steps late so that a spike two steps long does not see itself; Eq. 3
has no delay. Units: ms, mV; a_minus 1/mV, a_plus 1/mV² (x̄ is in 1/ms).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor

from replications.core.learn.spiking.plasticity import PlasticityRule, Synapses
from replications.core.learn.spiking.trains import Times, on_clock


@dataclass(frozen=True, kw_only=True)
class VoltageRule(PlasticityRule):
    """Reads the potential at every step and the presynaptic spikes."""

    a_minus: float
    a_plus: float
    tau_minus: float  # ms
    tau_plus: float  # ms
    tau_x: float  # ms
    theta_minus: float  # mV
    theta_plus: float  # mV
    delay: int  # steps
    dt: float  # ms

    AMPLITUDES = ("a_plus", "a_minus")
    READS = "potential"

    def terms(self, pre: Times, post: np.ndarray) -> np.ndarray:
        """Sums over the steps with u > theta_plus, and over the presynaptic spikes.

        `post`: the potential at k · dt, ``(steps,)``, mV; `pre` falls on those ticks.
        """
        above = np.asarray(post, dtype=np.float64) - self.theta_minus  # (steps,)
        spikes = on_clock(pre, dt=self.dt, steps=len(above)).numpy()
        high = np.flatnonzero(above > self.theta_plus - self.theta_minus)
        x = filtered(spikes / self.dt, self.dt / self.tau_x)[high]
        slow = self.late(filtered(above, self.dt / self.tau_plus))[high].clip(0)
        plus = self.dt * np.sum((above[high] + self.theta_minus - self.theta_plus) * x * slow)
        minus = np.sum(self.late(filtered(above, self.dt / self.tau_minus))[spikes].clip(0))
        return np.array([plus, -minus])

    def late(self, trace: np.ndarray) -> np.ndarray:
        """A filtered potential as the rule reads it, `delay` steps late, at rest before."""
        return np.concatenate([np.zeros(self.delay), trace[: len(trace) - self.delay]])

    def clocked(self, weights: Tensor, *, dt: float, low: float, high: float) -> VoltageSynapses:
        """Many synapses of this rule; `post` of a step is ``(postsynaptic,)``, mV.

        Raises ValueError for a clock with another step than the rule's own.
        """
        if dt != self.dt:
            raise ValueError(f"the rule is defined for steps of {self.dt} ms, not {dt} ms")
        return VoltageSynapses(self, weights, low=low, high=high)


def filtered(signal: np.ndarray, share: float) -> np.ndarray:
    """Euler's low-pass filter y[k + 1] = (1 − share) y[k] + share · signal[k], y[0] = 0."""
    return lfilter([0, share], [1, share - 1], signal)


class VoltageSynapses(Synapses):
    """Presynaptic spikes depress their columns, potentials above theta_plus raise their rows."""

    def __init__(self, rule: VoltageRule, weights: Tensor, *, low: float, high: float) -> None:
        super().__init__(weights, low=low, high=high)
        self.rule = rule
        post, pre = weights.shape
        zeros: dict[str, Any] = {"dtype": weights.dtype, "device": weights.device}
        self.x = torch.zeros(pre, **zeros)
        pair = torch.zeros(2, post, **zeros)  # ū− and ū+, mV above theta_minus
        self.past = deque([pair] * (rule.delay + 1), maxlen=rule.delay + 1)
        self.share = torch.tensor([[rule.dt / rule.tau_minus], [rule.dt / rule.tau_plus]], **zeros)

    def step(self, pre: Tensor, post: Tensor) -> None:
        rule, (minus, plus) = self.rule, self.past[0].clamp(min=0)
        columns, rows = pre.nonzero()[:, 0], (post > rule.theta_plus).nonzero()[:, 0]
        if len(rows):
            drive = rule.a_plus * rule.dt * (post[rows] - rule.theta_plus) * plus[rows]
            self.potentiate(rows, drive[:, None] * self.x)
        if len(columns):
            self.depress(columns, rule.a_minus * minus[:, None])
        self.past.append(torch.lerp(self.past[-1], post - rule.theta_minus, self.share))
        self.x += (pre / rule.dt - self.x) * (rule.dt / rule.tau_x)
