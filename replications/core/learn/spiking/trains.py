"""Spike trains: times of one neuron's spikes in ms, or which neurons spike at a tick of a clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor

Times = Sequence[float] | np.ndarray


def checked(times: Times, name: str) -> np.ndarray:
    """Spike times as float64, ``(n,)``, in ms, rising strictly; an empty train stays empty.

    Raises ValueError, naming the spike, for times that are not one row of finite numbers, are not
    in order, or stand twice.
    """
    array = np.asarray(times, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: spike times have shape {array.shape}: give one row of times")
    if not np.isfinite(array).all():
        first = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"{name}: spike {first} is at {array[first]}: give times in ms")
    for index in np.flatnonzero(np.diff(array) <= 0):
        before, after = array[index : index + 2]
        if before == after:
            raise ValueError(
                f"{name}: two spikes at {before} ms: a neuron spikes once at a time; "
                "numpy.unique leaves one of each"
            )
        raise ValueError(
            f"{name}: spike {index + 1} ({after} ms) stands after {before} ms: sort the times"
        )
    return array


def events(pre: Times, post: Times) -> Iterator[tuple[float, bool, bool]]:
    """Both trains in one order: (ms since the event before, a presynaptic, a postsynaptic spike).

    Spikes at equal times are one event. The first event's time counts from itself.
    """
    pre, post = checked(pre, "presynaptic"), checked(post, "postsynaptic")
    times = np.union1d(pre, post)
    elapsed = np.diff(times, prepend=times[:1])
    yield from zip(elapsed, np.isin(times, pre), np.isin(times, post), strict=True)


def on_clock(times: Times, *, dt: float, steps: int) -> Tensor:
    """A train on a clock: ``(steps,)`` bool, true at tick k for a spike at k · dt ms.

    Raises ValueError for a spike between two ticks (further than dt / 10⁶) or after the last.
    """
    array = checked(times, "the train")
    ticks = np.rint(array / dt).astype(int)
    off = np.abs(array / dt - ticks) > 1e-6
    if off.any():
        raise ValueError(
            f"a spike at {array[off][0]} ms falls between two ticks of {dt} ms: round the times, "
            "or take a shorter dt"
        )
    if len(ticks) and not (ticks[0] >= 0 and ticks[-1] < steps):
        raise ValueError(
            f"spikes from {array[0]} to {array[-1]} ms do not fit into {steps} ticks of {dt} ms"
        )
    train = torch.zeros(steps, dtype=torch.bool)
    train[torch.from_numpy(ticks)] = True
    return train


def traces(spikes: np.ndarray, *, tau: float, dt: float, pairing: str) -> np.ndarray:
    """Exponential traces of trains on a clock, as they are just before each tick.

    `spikes`: ``(neurons, ticks)`` bool. "all_to_all": Σ exp(−(t − spike) / tau) over the spikes
    before t; "nearest": the last of them alone. Returns ``(neurons, ticks)``; tau and dt in ms.
    """
    factor = np.exp(-dt / tau)
    if pairing == "all_to_all":
        return lfilter([0, factor], [1, -factor], spikes)
    ticks = np.arange(spikes.shape[1])
    last = np.maximum.accumulate(np.where(spikes, ticks, -np.inf), axis=1)
    before = np.pad(last[:, :-1], ((0, 0), (1, 0)), constant_values=-np.inf)
    return factor ** (ticks - before)
