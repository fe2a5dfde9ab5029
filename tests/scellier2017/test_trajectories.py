"""Energy, STDP integral and processes along trajectories, against their identities."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.scellier2017 import gradients, trajectories
from replications.scellier2017.rule import contrast
from replications.scellier2017.solvers import Euler, Phase, trajectory
from tests.scellier2017.cases import SEEDS, curvature, draw

few = settings(max_examples=15, derandomize=True, deadline=None)


def random_path(case, seed, steps=4):
    generator = torch.Generator().manual_seed(seed)
    count, sizes = len(case.inputs), case.network.sizes
    return [
        [torch.rand(count, n, generator=generator, dtype=torch.float64) for n in sizes]
        for _ in range(steps + 1)
    ]


@few
@given(seed=SEEDS, beta=st.sampled_from([0.0, 0.5]))
def test_away_from_the_bounds_the_energys_error_is_that_of_a_quadratic(seed, beta):
    """F(s + D) - F(s) = -|D|^2 / epsilon + D' (H + beta P) D / 2, P the outputs' identity."""
    case = draw(seed, gains=(0.3, 0.35))
    step_size = 0.25
    start = [torch.full_like(s, 0.5) for s in case.free]
    found = trajectories.descent(case, start, beta, step_size=step_size, steps=1)
    (step,) = torch.stack(
        [torch.cat(s, dim=1) for s in case_path(case, start, beta, step_size)]
    ).diff(dim=0)
    bend = ((step @ curvature(case, beta)) * step).sum(1) / 2
    speed = step.square().sum(1)
    torch.testing.assert_close(found["energy"][1], (bend - speed / step_size).mean())
    torch.testing.assert_close(found["dissipated"][1], -(speed / step_size).mean())
    error = (bend / step_size).abs().sum() / (speed / step_size**2).sum()
    torch.testing.assert_close(found["error"], error)


def case_path(case, start, beta, step_size, steps=1):
    phase = Phase(case.clamped, start, beta, case.targets)
    return trajectory(phase, Euler(step_size=step_size), steps=steps)


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_the_energy_rises_nowhere_at_a_small_step_and_somewhere_at_a_large_one(beta):
    case = draw(gains=(2.0, 0.35))
    start = case.network.rest(5)
    small = trajectories.descent(case, start, beta, step_size=0.5, steps=60)
    large = trajectories.descent(case, start, beta, step_size=2.5, steps=60)
    assert small["largest_rise"] < 1e-12 < 1e-3 < large["largest_rise"]
    assert small["energy"][0] == 0 and small["energy"][-1] < -0.1


def test_the_largest_rise_is_that_of_the_worst_example_and_step():
    case = draw(gains=(2.0, 0.35))
    start = case.network.rest(5)
    found = trajectories.descent(case, start, 0.0, step_size=2.5, steps=20)
    path = case_path(case, start, 0.0, 2.5, steps=20)
    energies = [case.network.energy(case.inputs, states) for states in path]
    rises = [float(b[i] - a[i]) for a, b in pairwise(energies) for i in range(5)]
    assert found["largest_rise"] == pytest.approx(max(rises)) and max(rises) > 0
    assert sum(r == max(rises) for r in rises) == 1, "a mean over the examples would be another"


@few
@given(seed=SEEDS)
def test_by_the_midpoint_rule_the_integral_is_the_contrast_whatever_the_path(seed):
    case = draw(seed)
    path = random_path(case, seed)
    wanted = trajectories.inner_contrast(case.inputs, path)
    for sums, contrasted in zip(trajectories.stdp_integral(path, "midpoint"), wanted, strict=True):
        torch.testing.assert_close(sums[-1], contrasted)


@few
@given(seed=SEEDS)
def test_the_left_rule_misses_the_products_of_both_changes(seed):
    case = draw(seed)
    path = random_path(case, seed)
    changes = [[b - a for a, b in zip(s, t, strict=True)] for s, t in zip(path, path[1:])]  # noqa: B905, RUF007
    wanted = trajectories.inner_contrast(case.inputs, path)
    for k, sums in enumerate(trajectories.stdp_integral(path, "left"), start=1):
        missed = sum(c[k - 1].T @ c[k] for c in changes) / len(case.inputs)
        torch.testing.assert_close(sums[-1], wanted[k - 1] - missed)


def test_the_integral_is_cumulative():
    case = draw()
    path = random_path(case, 0)
    whole = trajectories.stdp_integral(path, "left")
    part = trajectories.stdp_integral(path[:3], "left")
    for w, p in zip(whole, part, strict=True):
        torch.testing.assert_close(w[:2], p)


def test_updates_by_step_add_up_to_the_contrast_of_the_ends():
    case = draw()
    path = random_path(case, 0)
    updates = trajectories.updates_by_step(case.inputs, path, 0.3)
    for name, whole in contrast(case.inputs, path[0], path[-1], 0.3).items():
        torch.testing.assert_close(sum(u[name] for u in updates), whole)


@pytest.mark.parametrize("beta", [1e-6, -1e-6])
def test_every_step_of_a_weakly_nudged_phase_is_recurrent_back_propagations(beta):
    case, steps = draw(), {"step_size": 0.5, "steps": 12}
    found = trajectories.activity_derivatives(case.path(beta, **steps), beta, 0.5)
    wanted = gradients.error_derivatives(case, **steps)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-7)
    assert wanted[-1].abs().max() > 1e-3, "the error has not died away"


def test_every_update_of_a_weakly_nudged_phase_is_bptts_gradient():
    case, steps = draw(), {"step_size": 0.2, "steps": 12}
    updates = trajectories.updates_by_step(case.inputs, case.path(1e-6, **steps), 1e-6)
    unrolled = gradients.unrolled_gradients(case, **steps)
    for update, gradient in zip(updates, unrolled, strict=True):
        for name in gradient:
            torch.testing.assert_close(update[name], -gradient[name], rtol=1e-3, atol=1e-7)
    assert unrolled[-1]["W1"].abs().max() > 1e-4


def test_the_distance_of_processes_on_planted_ones():
    theirs = torch.tensor([[3.0, 1.0, 0.0, 2.0], [4.0, 0.0, 0.0, 0.0]])
    ours = torch.tensor([[3.0, -1.0, 0.0, 1.0], [4.0, 0.0, 0.0, 0.0]])
    assert trajectories.process_error(ours, theirs).tolist() == [0.0, 2.0, 0.0, 0.5]
    assert trajectories.process_error(theirs, ours).tolist() == [0.0, 2.0, 0.0, 0.5]
