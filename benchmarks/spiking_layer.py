"""Spiking neurons behind plastic synapses, on a clock."""

from __future__ import annotations

from math import exp

import torch
from torch import Tensor

from replications.core.learn.spiking.plasticity import Synapses


class IntegrateAndFire:
    """Leaky integrate-and-fire neurons: tau_m dv/dt = v_rest − v, solved exactly between ticks.

    Input makes v jump (delta currents); at v ≥ v_threshold a neuron fires and restarts at v_reset.
    Units: ms, mV.
    """

    def __init__(
        self, neurons: int, *, tau_m: float, v_rest: float, v_threshold: float, v_reset: float,
        dt: float, like: Tensor,
    ) -> None:  # fmt: skip
        self.v = torch.full((neurons,), v_rest, dtype=like.dtype, device=like.device)
        self.rest = self.v.clone()
        self.v_threshold, self.v_reset = v_threshold, v_reset
        self.leak = 1 - exp(-dt / tau_m)

    def step(self, jump: Tensor) -> Tensor:
        """A tick with input, ``(neurons,)``, mV; returns who fires, ``(neurons,)`` bool."""
        fires = self.v.lerp_(self.rest, self.leak).add_(jump) >= self.v_threshold
        self.v.masked_fill_(fires, self.v_reset)
        return fires


class PlasticLayer:
    """Inputs, plastic synapses and the neurons that they drive.

    A spike takes a tick from its synapse to the neuron, and one back from the neuron to its
    synapses, as in NEST with a delay of dt: an input at tick k makes the neuron fire at k + 1 at
    the earliest, which potentiates as a pair 2 dt apart. A weight w makes the potential jump by
    `gain` · w mV.
    """

    def __init__(self, neurons: IntegrateAndFire, synapses: Synapses, *, gain: float) -> None:
        self.neurons, self.synapses, self.gain = neurons, synapses, gain
        self.jump = torch.zeros_like(neurons.v)
        self.fired = torch.zeros(len(neurons.v), dtype=torch.bool, device=neurons.v.device)

    def step(self, pre: Tensor) -> Tensor:
        """A tick with input spikes, ``(inputs,)`` bool; returns who fires, ``(neurons,)`` bool."""
        fires = self.neurons.step(self.jump)
        self.synapses.step(pre, self.fired)
        self.fired = fires
        self.jump = self.gain * self.synapses.weights.index_select(1, pre.nonzero()[:, 0]).sum(
            dim=1
        )
        return fires
