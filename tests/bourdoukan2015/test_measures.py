"""What is measured: inverses, eigenvalues, currents against sums over synapses, irregularity."""

import numpy as np
import pytest
import torch

from replications.bourdoukan2015.measures import (
    SYNAPSE,
    balance,
    currents,
    eigenvalues,
    irregularity,
    learned_dynamics,
    relative,
)
from replications.bourdoukan2015.network import optimal_slow

A = torch.tensor([[-5.0, 25.0], [-25.0, -5.0]], dtype=torch.float64)


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def test_relative_is_a_distance_over_a_norm():
    true = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    found = torch.stack([true, 2 * true, torch.zeros(2, 2)])
    assert relative(found, true).tolist() == [0, 1, 1]


def test_learned_dynamics_invert_the_optimal_weights():
    decoder = drawn(6, 2)
    slow = optimal_slow(decoder, A, 10.0)
    torch.testing.assert_close(learned_dynamics(slow, decoder, 10.0), A)
    other = torch.stack([slow, torch.zeros_like(slow)])
    torch.testing.assert_close(
        learned_dynamics(other, decoder, 10.0)[1], -10 * torch.eye(2, dtype=torch.float64)
    )


def test_eigenvalues_are_sorted_by_their_parts():
    assert eigenvalues(A).tolist() == [[-5, -25], [-5, 25]]
    real = torch.tensor([[2.0, 0.0], [1.0, -3.0]], dtype=torch.float64)
    assert eigenvalues(torch.stack([real, A]))[0].tolist() == [[-3, 0], [2, 0]]


def by_hand(spikes, fast, slow, driven, leak, dt):
    """Parts of every synapse's current summed one by one, then smoothed."""
    count, (e, i) = len(fast), np.zeros((2, len(spikes), len(fast)))
    r = np.zeros(count)
    for t, k in enumerate(spikes.tolist()):
        for to in range(count):
            parts = [float(driven[t, to]), *(float(slow[to, j]) * r[j] for j in range(count))]
            parts += [float(fast[to, k]) / dt] if k >= 0 and k != to else []
            e[t, to], i[t, to] = (sum(p for p in parts if sign * p > 0) for sign in (1, -1))
        r = r * (1 - leak * dt) + (np.arange(count) == k)
    keep = np.exp(-dt / SYNAPSE)
    for trace in (e, i):
        trace[0] *= 1 - keep
        for t in range(1, len(trace)):
            trace[t] = keep * trace[t - 1] + (1 - keep) * trace[t]
    return e, i


def test_currents_are_sums_over_synapses():
    fast, slow, inputs = drawn(3, 3), drawn(3, 3, seed=1), drawn(40, 3, seed=2)
    spikes = torch.from_numpy(np.random.default_rng(3).integers(-1, 3, 40))
    found = currents(spikes, fast, slow, inputs, leak=10.0, dt=1e-3)
    expected = by_hand(spikes, fast, slow, inputs, 10.0, 1e-3)
    for part, same in zip(found, expected, strict=True):
        np.testing.assert_allclose(part, same, rtol=1e-10, atol=1e-12)


def test_balance_is_one_where_inhibition_mirrors_excitation():
    e = np.random.default_rng(0).normal(size=(100, 3))
    assert balance(e, -2 * e + 1) == pytest.approx(1)
    assert balance(e, e) == pytest.approx(-1)
    other = np.random.default_rng(1).normal(size=(100, 3))
    assert abs(balance(e, other)) < 0.3


def test_irregularity_is_the_mean_of_the_neurons():
    spikes = np.full(1000, -1)
    spikes[::20] = 0  # regular
    spikes[np.cumsum([1, 5, 55, 5, 55, 5, 55, 5, 55])] = 1  # intervals of 30 ± 25
    assert irregularity(spikes, 2) == pytest.approx(25 / 30 / 2)
    assert irregularity(spikes, 3) == pytest.approx(25 / 30 / 2), "the silent one does not count"
    assert np.isnan(irregularity(np.full(10, -1), 2))
