"""The triplet rule of Pfister & Gerstner (2006), as public codes have it.

Traces r1 (tau_plus) and r2 (tau_x) of the presynaptic, o1 (tau_minus) and o2 (tau_y) of the
postsynaptic spikes:

    W += r1 (a2_plus + a3_plus o2)     at a postsynaptic spike,
    W −= o1 (a2_minus + a3_minus r2)   at a presynaptic spike,

with every trace as it was just before the spike. The minimal rule of the visual cortex has
a2_plus = a3_minus = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from torch import Tensor

from replications.core.learn.spiking.plasticity import PAIRINGS, PlasticityRule, Synapses, Trace
from replications.core.learn.spiking.trains import Times, events


@dataclass(frozen=True, kw_only=True)
class TripletRule(PlasticityRule):
    """Traces sum over all spikes, or ("nearest") start at one again with each."""

    a2_plus: float
    a3_plus: float
    a2_minus: float
    a3_minus: float
    tau_plus: float  # ms
    tau_minus: float  # ms
    tau_x: float  # ms
    tau_y: float  # ms
    pairing: str

    AMPLITUDES = ("a2_plus", "a3_plus", "a2_minus", "a3_minus")

    def terms(self, pre: Times, post: Times) -> np.ndarray:
        """Sums of r1 and r1 o2 over postsynaptic spikes, of −o1 and −o1 r2 over presynaptic."""
        raised = PAIRINGS[self.pairing]
        r1 = r2 = o1 = o2 = 0.0
        pairs_plus = triplets_plus = pairs_minus = triplets_minus = 0.0
        for elapsed, before, after in events(pre, post):
            r1, r2 = r1 * exp(-elapsed / self.tau_plus), r2 * exp(-elapsed / self.tau_x)
            o1, o2 = o1 * exp(-elapsed / self.tau_minus), o2 * exp(-elapsed / self.tau_y)
            r, o = (r1, r2), (o1, o2)
            if after:
                pairs_plus, triplets_plus = pairs_plus + r1, triplets_plus + r1 * o2
                o = raised(o1), raised(o2)
            if before:
                pairs_minus, triplets_minus = pairs_minus - o1, triplets_minus - o1 * r2
                r = raised(r1), raised(r2)
            (r1, r2), (o1, o2) = r, o
        return np.array([pairs_plus, triplets_plus, pairs_minus, triplets_minus])

    def clocked(self, weights: Tensor, *, dt: float, low: float, high: float) -> TripletSynapses:
        """Many synapses of this rule; `post` of a step is ``(postsynaptic,)`` bool."""
        return TripletSynapses(self, weights, dt=dt, low=low, high=high)


class TripletSynapses(Synapses):
    """A spike changes the weights of its own neuron alone: a row, or a column."""

    def __init__(self, rule: TripletRule, weights: Tensor, *, dt: float, low: float, high: float):
        super().__init__(weights, low=low, high=high)
        self.rule = rule
        post, pre = weights.shape
        alike: dict[str, Any] = {"dt": dt, "pairing": rule.pairing, "like": weights}
        self.r1, self.r2 = (Trace(pre, tau=t, **alike) for t in (rule.tau_plus, rule.tau_x))
        self.o1, self.o2 = (Trace(post, tau=t, **alike) for t in (rule.tau_minus, rule.tau_y))

    def step(self, pre: Tensor, post: Tensor) -> None:
        for trace in (self.r1, self.r2, self.o1, self.o2):
            trace.decay()
        rule, columns, rows = self.rule, pre.nonzero()[:, 0], post.nonzero()[:, 0]
        if len(rows):
            gain = rule.a2_plus + rule.a3_plus * self.o2.values[rows, None]  # (rows, 1)
            self.potentiate(rows, gain * self.r1.values)
        if len(columns):
            gain = rule.a2_minus + rule.a3_minus * self.r2.values[columns]  # (columns,)
            self.depress(columns, self.o1.values[:, None] * gain)
        for trace in (self.r1, self.r2):
            trace.spike(columns)
        for trace in (self.o1, self.o2):
            trace.spike(rows)
