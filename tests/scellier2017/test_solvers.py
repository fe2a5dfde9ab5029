"""Solvers and phases against the energy's own derivatives, and autograd's trap at the bounds."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.scellier2017.network import Clamped, HopfieldNetwork
from replications.scellier2017.settled import relax
from replications.scellier2017.solvers import (
    Adjoint,
    Alternate,
    Euler,
    Phase,
    settle,
    trajectory,
)
from tests.scellier2017 import cases
from tests.scellier2017.cases import SEEDS

LAYERS = st.sampled_from([(4, 6, 3), (4, 6, 5, 3), (4, 6, 5, 5, 3)])
BETAS = st.sampled_from([0.0, 0.7, -0.3])
draw = partial(cases.draw, images=7)
few = settings(max_examples=15, derandomize=True, deadline=None)


def random_states(case, seed=1):
    generator = torch.Generator().manual_seed(seed)
    count = len(case.inputs)
    sizes = case.network.sizes
    return [torch.rand(count, n, generator=generator, dtype=torch.float64) for n in sizes]


def phase_of(case, states, beta=0.0):
    return Phase(case.clamped, states, beta, case.targets)


def total(case, states, beta):
    """F = E + beta C of each example, with C written out."""
    cost = (states[-1] - case.targets).pow(2).sum(1) / 2
    return case.network.energy(case.inputs, states) + beta * cost


def forces(case, states, beta):
    """-dF/ds by automatic differentiation."""
    leaves = [s.clone().requires_grad_() for s in states]
    return torch.autograd.grad(-total(case, leaves, beta).sum(), leaves)


@few
@given(seed=SEEDS, layers=LAYERS, beta=BETAS, step_size=st.sampled_from([0.01, 0.5, 50.0]))
def test_a_step_of_euler_follows_minus_the_energys_gradient_within_the_bounds(
    seed, layers, beta, step_size
):
    case = draw(seed, layers)
    states = random_states(case)
    phase = phase_of(case, states, beta)
    Euler(step_size=step_size).sweep(phase)
    for s, f, moved in zip(states, forces(case, states, beta), phase.states, strict=True):
        torch.testing.assert_close(moved, (s + step_size * f).clamp(0, 1))


@few
@given(seed=SEEDS, layers=LAYERS, beta=BETAS)
def test_a_sweep_leaves_the_layers_set_last_at_their_exact_minimum(seed, layers, beta):
    case = draw(seed, layers)
    phase = phase_of(case, random_states(case), beta)
    Alternate().sweep(phase)
    swept = phase.snapshot()
    least = total(case, swept, beta)
    generator = torch.Generator().manual_seed(seed)
    for k in range(0, len(swept), 2):  # s_1, s_3, ...: set after their neighbours
        for scale in (1e-3, 0.1, 1.0):
            noise = torch.randn(swept[k].shape, generator=generator, dtype=torch.float64)
            others = list(swept)
            others[k] = (swept[k] + scale * noise).clamp(0, 1)
            assert (total(case, others, beta) >= least - 1e-13).all()


@few
@given(seed=SEEDS, layers=LAYERS, beta=st.sampled_from([0.0, 0.4, -0.2, math.inf]))
def test_both_solvers_reach_the_same_fixed_point_whatever_the_start(seed, layers, beta):
    case = draw(seed, layers)
    reached = []
    for solver in (Euler(step_size=0.5), Alternate()):
        for start in (case.network.rest(7), random_states(case)):
            phase = phase_of(case, start, beta)
            relax(phase, solver, tolerance=1e-9)
            reached.append(phase.whole)
    for other in reached[1:]:
        assert (reached[0] - other).abs().max() < 1e-6


@pytest.mark.parametrize("solver", [Euler(step_size=0.5), Alternate()])
def test_clamped_outputs_stay_at_their_targets(solver):
    case = draw()
    phase = phase_of(case, case.free, math.inf)
    for _ in range(3):
        solver.sweep(phase)
        assert torch.equal(phase.states[-1], case.targets)
    assert (phase.states[-2] - case.free[-2]).abs().max() > 1e-3


@pytest.mark.parametrize("solver", [Euler(step_size=0.5), Alternate()])
def test_linear_outputs_leave_the_bounds_and_hidden_layers_do_not(solver):
    generator = torch.Generator().manual_seed(1)
    network = HopfieldNetwork(
        layers=(4, 6, 3), outputs="linear", initialisation={"glorot_uniform": {}},
        generator=generator, dtype=torch.float64,
    )  # fmt: skip
    network.biases[-1].copy_(torch.tensor([3.0, -3.0, 0.5]))
    phase = Phase(Clamped(network, torch.rand(5, 4, generator=generator).double()), network.rest(5))
    settle(phase, solver, steps=60)
    h, y = phase.states
    assert (y[:, 0] > 1).all() and (y[:, 1] < 0).all()
    assert h.min() >= 0 and h.max() <= 1
    torch.testing.assert_close(y, h @ network.weights[1] + network.biases[1])


@pytest.mark.parametrize("solver", [Euler(step_size=0.5), Alternate()])
@pytest.mark.parametrize("layers", [(4, 6, 3), (4, 6, 5, 3)])
def test_the_adjoint_solves_its_linear_system_among_the_units_inside(layers, solver):
    case = draw(layers=layers)
    error = torch.rand(case.targets.shape, generator=torch.Generator().manual_seed(2)).double()
    adjoint = Adjoint(case.clamped, case.free, error)
    settle(adjoint, solver, steps=400)
    mask = case.network.inside(case.free)
    assert mask.any() and not mask.all()
    curvature = cases.curvature(case, 0.0)
    source = torch.zeros_like(adjoint.whole)
    source[:, -error.shape[1] :] = error
    for row, inside in enumerate(mask):
        wanted = torch.linalg.solve(curvature[inside][:, inside], source[row, inside])
        torch.testing.assert_close(adjoint.whole[row, inside], wanted, rtol=1e-6, atol=1e-9)
        assert not adjoint.whole[row, ~inside].any()


def test_a_phase_copies_its_start_and_a_trajectory_its_states():
    case = draw()
    start = random_states(case)
    kept = [s.clone() for s in start]
    path = trajectory(phase_of(case, start), Euler(step_size=0.5), steps=3)
    assert len(path) == 4
    for s, k, first in zip(start, kept, path[0], strict=True):
        assert torch.equal(s, k) and torch.equal(s, first)
    for number, states in enumerate(path):
        phase = phase_of(case, start)
        settle(phase, Euler(step_size=0.5), steps=number)
        assert all(torch.equal(a, b) for a, b in zip(states, phase.states, strict=True))


def test_settling_stops_at_the_first_sweep_that_moves_no_unit_by_more_than_the_tolerance():
    case = draw()
    solver = Euler(step_size=0.5)
    path = trajectory(phase_of(case, case.network.rest(7)), solver, steps=200)
    moves = [
        max(float((a - b).abs().max()) for a, b in zip(s, t, strict=True))
        for s, t in zip(path[1:], path[:-1], strict=True)
    ]
    phase = phase_of(case, case.network.rest(7))
    done = settle(phase, solver, steps=200, tolerance=1e-4)
    assert moves[done - 1] <= 1e-4 < moves[done - 2]
    assert settle(phase, solver, steps=5) == 5


def test_a_nudge_without_a_minimum_over_the_outputs_is_refused_where_it_is_asked_for():
    case = draw()
    with pytest.raises(ValueError, match=r"2 c beta is -1\.0.*beta > -1 / \(2 c\)"):
        Alternate().sweep(phase_of(case, case.free, -1.0))
    Euler(step_size=0.5).sweep(phase_of(case, case.free, -1.0))


@pytest.mark.parametrize(
    "clip", [lambda s: s.clamp(0, 1), lambda s: torch.nn.functional.hardtanh(s, 0, 1)]
)
def test_autograd_dynamics_from_rest_stay_dead_where_the_explicit_force_moves(clip):
    """PyTorch's derivative of the clip is 0 at exactly 0: E(rho(s)) has no pull on a zero state."""
    case = draw()
    edges = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
    assert torch.autograd.grad(clip(edges).sum(), edges)[0].tolist() == [0, 1, 0]

    states = case.network.rest(7)
    for _ in range(5):
        leaves = [s.requires_grad_() for s in states]
        energy = case.network.energy(case.inputs, [clip(s) for s in leaves]).sum()
        pulls = torch.autograd.grad(-energy, leaves)
        states = [(s + 0.5 * f).clamp(0, 1).detach() for s, f in zip(leaves, pulls, strict=True)]
    assert not any(s.any() for s in states)

    phase = phase_of(case, case.network.rest(7))
    Euler(step_size=0.5).sweep(phase)
    assert all((s > 0).any() for s in phase.states)
