"""Balanced networks: the equations step by step, the coding that they stand for, both rules."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from replications.bourdoukan2015.network import (
    Networks,
    State,
    optimal_fast,
    optimal_slow,
    trajectory,
)

DT, LEAK = 1e-4, 10.0
RINGING = torch.tensor([[-5.0, 25.0], [-25.0, -5.0]], dtype=torch.float64)


def decoders(neurons, length=0.03, seed=0):
    drawn = np.random.default_rng(seed).normal(size=(neurons, 2))
    drawn *= length / np.linalg.norm(drawn, axis=1, keepdims=True)
    return torch.from_numpy(drawn)


def even(neurons, length=0.03):
    angles = torch.arange(neurons, dtype=torch.float64) * 2 * torch.pi / neurons
    return length * torch.stack([angles.cos(), angles.sin()], dim=1)


def networks(decoder, fast, slow, feedback=0.0, regularisation=1e-4, beta=0.6):
    return Networks(
        decoder, fast, slow, leak=LEAK, regularisation=regularisation,
        feedback=torch.full((len(fast),), feedback, dtype=torch.float64), beta=beta, dt=DT,
    )  # fmt: skip


def optimal(decoder, dynamics, **given):
    fast = optimal_fast(decoder, given.get("regularisation", 1e-4))
    return networks(decoder, fast[None], optimal_slow(decoder, dynamics, LEAK)[None], **given)


def driven(ticks, size=20.0, seed=1):
    """Slow sinusoids of random phase, ``(ticks, 2)``."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, (3, 2))
    time = np.arange(ticks)[:, None] * DT
    waves = [np.sin(2 * np.pi * f * time + p) for f, p in zip((2, 5, 9), phase, strict=True)]
    return torch.from_numpy(size * sum(waves))


def rates(*values):
    return torch.tensor(values, dtype=torch.float64)


def run(nets, commands, dynamics, fast=None, slow=None):
    none = torch.zeros(len(nets.fast), dtype=torch.float64)
    target = trajectory(commands, dynamics, dt=DT)
    errors, spikes = nets.run(
        commands, target, fast_rates=none if fast is None else fast,
        slow_rates=none if slow is None else slow,
    )  # fmt: skip
    return target, errors, spikes


def by_hand(decoder, fast, slow, commands, *, feedback, regularisation, beta, eta_fast, eta_slow):
    """The module's equations, one number after the other."""
    f, w, m = decoder.numpy(), fast.numpy().copy(), slow.numpy().copy()
    count = len(f)
    v, r, x, fired = np.zeros(count), np.zeros(count), np.zeros(2), []
    for c in commands.numpy():
        e = x - f.T @ r
        new = v.copy()
        for i in range(count):
            slope = -LEAK * v[i] + f[i] @ c + m[i] @ r + feedback * (f[i] @ e)
            new[i] = v[i] + DT * slope
        for i in range(count):
            for j in range(count):
                m[i, j] += DT * eta_slow * (f[i] @ e) * r[j]
        v, r, x = new, r - DT * LEAK * r, x + DT * (RINGING.numpy() @ x + c)
        over = [v[i] - (f[i] @ f[i] + regularisation) / 2 for i in range(count)]
        k = int(np.argmax(over))
        fired.append(k if over[k] > 0 else -1)
        if over[k] > 0:
            column = w[:, k].copy()
            w[:, k] -= eta_fast * (v / beta + column)
            v, r = v + column, r + np.eye(count)[k]
    return w, m, fired


def test_a_run_is_the_equations():
    decoder, commands = decoders(4), driven(1500)
    fast, slow = optimal_fast(decoder, 1e-4) * 0.7, optimal_slow(decoder, RINGING, LEAK) * 0.5
    nets = networks(decoder, fast[None], slow[None], feedback=30.0)
    _, _, spikes = run(nets, commands, RINGING, fast=rates(0.01), slow=rates(2.0))
    w, m, fired = by_hand(
        decoder, fast, slow, commands, feedback=30.0, regularisation=1e-4, beta=0.6,
        eta_fast=0.01, eta_slow=2.0,
    )  # fmt: skip
    assert sum(k >= 0 for k in fired) > 50
    assert spikes[:, 0].tolist() == fired
    np.testing.assert_allclose(nets.fast[0], w, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(nets.slow[0], m, rtol=1e-9, atol=1e-15)
    assert (nets.slow[0] - slow).norm() > 1e-4


def test_rows_are_networks_of_their_own():
    decoder, commands = decoders(5), driven(1500)
    fast = torch.stack([optimal_fast(decoder, 1e-4) * s for s in (1.0, 0.8, 1.2)])
    slow = torch.stack([optimal_slow(decoder, RINGING, LEAK) * s for s in (1.0, 0.5, 0.0)])
    etas, steps = rates(0.01, 0.0, 0.003), rates(0.0, 1.0, 2.0)
    together = networks(decoder, fast, slow)
    _, errors, spikes = run(together, commands, RINGING, fast=etas, slow=steps)
    for row in range(3):
        alone = networks(decoder, fast[row : row + 1], slow[row : row + 1])
        _, error, spike = run(alone, commands, RINGING, etas[row : row + 1], steps[row : row + 1])
        assert torch.equal(spike[:, 0], spikes[:, row])
        torch.testing.assert_close(error[:, 0], errors[:, row])
        torch.testing.assert_close(alone.fast[0], together.fast[row])
        torch.testing.assert_close(alone.slow[0], together.slow[row])
    assert torch.equal(together.slow[0], slow[0])
    assert torch.equal(together.fast[1], fast[1])


numbers = st.floats(-1, 1, allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(st.tuples(numbers, numbers), st.lists(st.floats(0, 3), min_size=4, max_size=4),
       st.floats(0, 1e-3), st.integers(0, 20))  # fmt: skip
def test_a_neuron_is_above_its_threshold_if_its_spike_lowers_the_cost(e, r, mu, seed):
    """‖x − x̂‖² + μ ‖r‖² with V = F e − μ r; on the boundary rounding decides."""
    decoder = decoders(4, seed=seed)
    e, r = 0.1 * torch.tensor(e, dtype=torch.float64), torch.tensor(r, dtype=torch.float64)
    threshold = optimal(decoder, RINGING, regularisation=mu).threshold
    above = decoder @ e - mu * r - threshold
    for k, one in enumerate(torch.eye(4, dtype=torch.float64)):
        before = e @ e + mu * r @ r
        after = (e - decoder[k]).square().sum() + mu * (r + one).square().sum()
        if abs(above[k]) > 1e-12:
            assert (after < before) == (above[k] > 0)


def test_potentials_are_projected_errors_where_the_system_leaks_as_the_network():
    """A = −λ I is the system for which V = F e − μ r without approximation."""
    decoder, commands = decoders(6), driven(3000)
    nets = optimal(decoder, -LEAK * torch.eye(2, dtype=torch.float64))
    dynamics = -LEAK * torch.eye(2, dtype=torch.float64)
    target, _, spikes = run(nets, commands, dynamics)
    assert (spikes >= 0).sum() > 30
    x = target[-1] * (1 - DT * LEAK) + DT * commands[-1]
    v, r = nets.state.v[0], nets.state.r[0]
    torch.testing.assert_close(v, decoder @ (x - decoder.T @ r) - 1e-4 * r, rtol=0, atol=1e-12)


def test_optimal_networks_decode_the_better_the_shorter_their_decoders():
    commands, found = driven(4000), []
    for length in (0.06, 0.03, 0.015):
        nets = optimal(even(10, length), RINGING, regularisation=0.0)
        target, errors, _ = run(nets, commands, RINGING)
        found.append(float(errors.norm() / target.norm()))
    assert found[0] > found[1] > found[2]
    assert found[1] < 0.06


def test_optimal_fast_weights_stay_and_others_come_nearer():
    """A spike at e = F_k / 2 with β = 1/2 and μ = 0: ΔW[:, k] = η (W* − W)[:, k]."""
    decoder, k, eta = decoders(5), 2, 0.1
    best = optimal_fast(decoder, 0.0)
    start = torch.stack([best, best * 0.3, best])
    state = State(3, 5, like=best)
    state.v[:] = decoder @ decoder[k] / 2
    rows = start.transpose(1, 2).reshape(-1, 5).clone()
    state.spike(torch.tensor([True, True, False]), torch.tensor([k, k, k]), rows,
                rates(eta, eta, eta), beta=0.5)  # fmt: skip
    learned = rows.view(3, 5, 5).transpose(1, 2)
    torch.testing.assert_close(learned[0], best, rtol=0, atol=1e-15)
    expected = start[1].clone()
    expected[:, k] += eta * (best - start[1])[:, k]
    torch.testing.assert_close(learned[1], expected)
    assert torch.equal(learned[2], start[2])
    torch.testing.assert_close(state.v[1], decoder @ decoder[k] / 2 + start[1][:, k])
    assert state.r.tolist() == [[0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]


def test_balance_makes_the_error_of_the_slow_weights_seen_by_each_neuron():
    """(K − A) e + ė = F⁺ (W* − W) r, up to spikes: what the slow rule relies on; 1/s."""
    decoder, commands, feedback, window = even(10), driven(8000), 100.0, 500
    best = optimal_slow(decoder, RINGING, LEAK)
    fast = optimal_fast(decoder, 1e-6)
    nets = networks(decoder, fast[None], 0.3 * best[None], feedback=feedback, regularisation=1e-6)
    target, errors, _ = run(nets, commands, RINGING)
    e = errors[:, 0]
    inverse = torch.linalg.pinv(decoder)
    lacking = (target - e) @ (inverse @ (0.7 * best) @ inverse.T).T  # target − e is Fᵀ r
    eye = torch.eye(2, dtype=torch.float64)
    means, expected = (part.unflatten(0, (-1, window)).mean(dim=1) for part in (e, lacking))
    change = (e[window::window] - e[:-window:window]) / (window * DT)
    found = means @ (feedback * eye - RINGING).T
    found[:-1] += change
    assert (found - expected)[:-1].norm() < 0.05 * expected[:-1].norm()


def test_the_trajectory_is_that_of_the_system():
    commands = torch.ones(2000, 2, dtype=torch.float64)
    x = trajectory(commands, RINGING, dt=DT)
    a = RINGING.numpy()
    exact = np.linalg.solve(a, (expm(a * 1999 * DT) - np.eye(2)) @ np.ones(2))
    np.testing.assert_allclose(x[-1], exact, rtol=0.02)
    assert x[0].tolist() == [0, 0]


def test_optimal_slow_weights_give_back_the_system():
    decoder = decoders(7)
    x = torch.tensor([0.3, -0.2], dtype=torch.float64)
    r = torch.linalg.pinv(decoder.T) @ x  # some r with Fᵀ r = x
    expected = decoder @ (RINGING @ x + LEAK * x)
    torch.testing.assert_close(optimal_slow(decoder, RINGING, LEAK) @ r, expected)


def test_fast_weights_of_a_spike_are_the_change_of_all_potentials():
    decoder, mu = decoders(4), 1e-4
    e, r = torch.tensor([0.02, -0.01], dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    for k, one in enumerate(torch.eye(4, dtype=torch.float64)):
        change = (decoder @ (e - decoder[k]) - mu * (r + one)) - (decoder @ e - mu * r)
        assert optimal_fast(decoder, mu)[:, k].numpy() == pytest.approx(change.numpy(), abs=1e-15)
