"""Pair-based spike-timing-dependent plasticity (Song, Miller & Abbott 2000; Bi & Poo 1998).

ΔW = a_plus Σ exp(−(t_post − t_pre) / tau_plus)  over pairs, pre before post,
   − a_minus Σ exp(−(t_pre − t_post) / tau_minus) over pairs, post before pre.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from torch import Tensor

from replications.core.learn.spiking.plasticity import PAIRINGS, PlasticityRule, Synapses, Trace
from replications.core.learn.spiking.trains import Times, events, traces


@dataclass(frozen=True, kw_only=True)
class PairRule(PlasticityRule):
    """All pairs of spikes, or ("nearest") each spike with the last one of the other neuron."""

    a_plus: float
    a_minus: float
    tau_plus: float  # ms
    tau_minus: float  # ms
    pairing: str

    AMPLITUDES = ("a_plus", "a_minus")

    def terms(self, pre: Times, post: Times) -> np.ndarray:
        """The two sums, from traces r of the presynaptic and o of the postsynaptic spikes."""
        raised = PAIRINGS[self.pairing]
        r = o = plus = minus = 0.0
        for elapsed, before, after in events(pre, post):
            r, o = r * exp(-elapsed / self.tau_plus), o * exp(-elapsed / self.tau_minus)
            plus, minus = plus + after * r, minus - before * o
            r, o = raised(r) if before else r, raised(o) if after else o
        return np.array([plus, minus])

    def changes(self, pre: np.ndarray, post: np.ndarray, *, dt: float) -> np.ndarray:
        """ΔW of all synapses between trains on a clock, ``(postsynaptic, presynaptic)``, unbounded.

        `pre` and `post`: ``(neurons, ticks)`` bool. Postsynaptic spikes stand half a tick after
        presynaptic ones, so that sums over unrelated pairs are the midpoint rule of the window's
        areas. They are matrix products of traces and spikes, far faster than a clock where weights
        neither act on spikes nor reach a bound.
        """
        alike: dict[str, Any] = {"dt": dt, "pairing": self.pairing}
        r, o = traces(pre, tau=self.tau_plus, **alike), traces(post, tau=self.tau_minus, **alike)
        r = np.where(pre, PAIRINGS[self.pairing](r), r) * exp(-dt / 2 / self.tau_plus)
        o = o * exp(dt / 2 / self.tau_minus)
        return self.a_plus * (post.astype(float) @ r.T) - self.a_minus * (o @ pre.astype(float).T)

    def clocked(self, weights: Tensor, *, dt: float, low: float, high: float) -> PairSynapses:
        """Many synapses of this rule; `post` of a step is ``(postsynaptic,)`` bool."""
        return PairSynapses(self, weights, dt=dt, low=low, high=high)


class PairSynapses(Synapses):
    """A spike changes the weights of its own neuron alone: a row, or a column."""

    def __init__(self, rule: PairRule, weights: Tensor, *, dt: float, low: float, high: float):
        super().__init__(weights, low=low, high=high)
        self.rule = rule
        post, pre = weights.shape
        alike: dict[str, Any] = {"dt": dt, "pairing": rule.pairing, "like": weights}
        self.r = Trace(pre, tau=rule.tau_plus, **alike)
        self.o = Trace(post, tau=rule.tau_minus, **alike)

    def step(self, pre: Tensor, post: Tensor) -> None:
        self.r.decay()
        self.o.decay()
        columns, rows = pre.nonzero()[:, 0], post.nonzero()[:, 0]
        if len(rows):
            self.potentiate(rows, self.rule.a_plus * self.r.values)
        if len(columns):
            self.depress(columns, self.rule.a_minus * self.o.values[:, None])
        self.r.spike(columns)
        self.o.spike(rows)
