"""The neuron whose potential the voltage-based rule reads (Clopath et al. 2010, Online Methods).

    C du/dt = −g_L (u − E_L) + g_L Δ_T exp((u − V_T) / Δ_T) − w + z + I,
    τ_w dw/dt = a (u − E_L) − w,   τ_z dz/dt = −z,   τ_T dV_T/dt = V_rest − V_T,

stepped as the authors' code does (ModelDB 144566, aEIF.m, read): Euler's method with 1 ms. After u
passes 20 mV it stands at 29.4 mV and then at 32.862 mV for a step each, which carry a spike's
integral; then it restarts at E_L + 21.0984 mV, with w raised by b, z = I_sp and V_T = −30.4 mV.
Values are the code's; the paper prints b ten times larger, and V_T after a spike without its sign.
"""

from functools import cache
from math import exp

import numpy as np

C, G_L, E_L = 281.0, 30.0, -70.6  # pF, nS, mV
DELTA_T, V_REST, V_SPIKE, TAU_T = 2.0, -50.4, -30.4, 50.0  # mV, mV, mV, ms
A, B, TAU_W = 4.0, 0.0805, 144.0  # nS, pA, ms
I_SP, TAU_Z = 400.0, 40.0  # pA, ms
PEAK, FIRST, SECOND, RESTART = 20.0, 29.4, 29.4 + 3.462, E_L + 15 + 6.0984  # mV
PULSE = 1e6  # pA: a step of it makes a spike at once


@cache  # a fit asks for the same spikes again and again
def potential(spikes: tuple[int, ...], *, steps: int) -> np.ndarray:
    """The potential at 0, 1, … ms while the neuron is made to spike, ``(steps,)``, mV.

    `spikes`: whole ms; a pulse of current at that step drives the neuron past its peak. Raises
    ValueError for spikes less than 3 ms apart: the neuron is still in the one before.
    """
    if (np.diff(spikes) < 3).any():
        raise ValueError("spikes closer than 3 ms: a spike of this neuron lasts 2 ms")
    pulses = set(spikes)
    u, w, z, v_t, phase = E_L, 0.0, 0.0, V_REST, 0
    trace = np.empty(steps)
    for step in range(steps):
        if phase == 2:
            u, w, z, v_t, phase = RESTART, w + B, I_SP, V_SPIKE, 0
        current = PULSE if step in pulses else 0.0
        upswing = G_L * DELTA_T * exp((u - v_t) / DELTA_T) if phase == 0 else 0.0
        du = (-G_L * (u - E_L) + upswing - w + z + current) / C
        dw = (A * (u - E_L) - w) / TAU_W
        z, v_t = z - z / TAU_Z, v_t + (V_REST - v_t) / TAU_T
        if phase == 1:
            u, phase = SECOND, 2  # w rests in the second step of a spike
        else:
            u, w = u + du, w + dw
            if u > PEAK:
                u, phase = FIRST, 1
        trace[step] = u
    return trace
