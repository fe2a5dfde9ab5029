"""What is measured of balanced networks: distances, learned dynamics, balance, irregularity."""

from __future__ import annotations

from math import exp

import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor

SYNAPSE = 0.005  # s; currents are smoothed by this, so that spikes can balance each other
FEWEST = 5  # intervals of a neuron whose variation counts


def relative(found: Tensor, true: Tensor) -> Tensor:
    """‖found − true‖ / ‖true‖ over the last two dimensions, ``(..., m, n)`` -> ``(...)``."""
    return torch.linalg.matrix_norm(found - true) / torch.linalg.matrix_norm(true)


def learned_dynamics(slow: Tensor, decoder: Tensor, leak: float) -> Tensor:
    """Â = F⁺ W_slow F⁺ᵀ − λ I, ``(..., J, J)``: A if W_slow = F (A + λ I) Fᵀ, which it inverts.

    W_slow ``(..., N, N)``, F ``(N, J)``.
    """
    inverse = torch.linalg.pinv(decoder)
    eye = torch.eye(len(inverse), dtype=slow.dtype, device=slow.device)
    return inverse @ slow @ inverse.T - leak * eye


def eigenvalues(dynamics: Tensor) -> Tensor:
    """Real and imaginary parts, ``(..., J, 2)``, by real and then by imaginary part; 1/s."""
    values = torch.linalg.eigvals(dynamics).cpu().numpy()
    parts = np.sort(values, axis=-1)
    return torch.from_numpy(np.stack([parts.real, parts.imag], axis=-1)).to(dynamics.device)


def currents(
    spikes: Tensor, fast: Tensor, slow: Tensor, driven: Tensor, *, leak: float, dt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Excitatory and inhibitory currents into every neuron, ``(T, N)`` each, 1/s.

    Positive and negative parts of each synapse's current: F c as `driven`, ``(T, N)``; slow
    connections, W_slow r; and fast ones from other neurons. A neuron's own fast connection is its
    reset and counts for neither: it balances any drive. Smoothed by an exponential of SYNAPSE.
    Spikes ``(T,)``: who fired, or −1.
    """
    fired = torch.nn.functional.one_hot(spikes + 1, len(fast) + 1)[:, 1:].to(fast.dtype)
    decay, keep = 1 - leak * dt, exp(-dt / SYNAPSE)
    r = lfilter([0, 1], [1, -decay], fired.cpu().numpy(), axis=0)
    r = torch.from_numpy(r).to(fired)
    others = fast - torch.diag(fast.diag())
    parts = []
    for sign in (1, -1):
        total = sum(
            sources @ (sign * weights).clamp(min=0).T
            for sources, weights in ((r, slow), (fired / dt, others))
        )
        total = sign * (total + (sign * driven).clamp(min=0))
        parts.append(lfilter([1 - keep], [1, -keep], total.cpu().numpy(), axis=0))
    return parts[0], parts[1]


def balance(excitation: np.ndarray, inhibition: np.ndarray) -> float:
    """Correlation in time of excitation with minus inhibition, mean over neurons, ``(T, N)``."""
    e, i = (part - part.mean(axis=0) for part in (excitation, -inhibition))
    return float(np.mean((e * i).sum(0) / np.sqrt((e**2).sum(0) * (i**2).sum(0))))


def irregularity(spikes: np.ndarray, neurons: int) -> float:
    """Coefficient of variation of the intervals, mean over the neurons; NaN if all hardly fire."""
    found = []
    for neuron in range(neurons):
        intervals = np.diff(np.flatnonzero(spikes == neuron))
        if len(intervals) >= FEWEST:
            found.append(intervals.std() / intervals.mean())
    return float(np.mean(found)) if found else np.nan
