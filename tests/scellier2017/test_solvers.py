"""Both solvers against the energy's own derivatives, and the trap of automatic differentiation."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.scellier2017 import solvers
from tests.scellier2017 import cases
from tests.scellier2017.cases import SEEDS

LAYERS = st.sampled_from([(4, 6, 3), (4, 6, 5, 3), (4, 6, 5, 5, 3)])
draw = partial(cases.draw, images=7)
few = settings(max_examples=15, derandomize=True, deadline=None)


def random_states(case, seed=1):
    generator = torch.Generator().manual_seed(seed)
    count = len(case.inputs)
    sizes = case.network.sizes
    return [torch.rand(count, n, generator=generator, dtype=torch.float64) for n in sizes]


def total(case, states, beta):
    """F = E + beta C of each example, with C written out."""
    cost = (states[-1] - case.targets).pow(2).sum(1) / 2
    return case.network.energy(case.inputs, states) + beta * cost


@few
@given(seed=SEEDS, layers=LAYERS, beta=st.sampled_from([0.0, 0.7, -0.3]))
def test_the_force_is_minus_the_gradient_of_the_total_energy(seed, layers, beta):
    case = draw(seed, layers)
    states = [s.requires_grad_() for s in random_states(case)]
    wanted = torch.autograd.grad(-total(case, states, beta).sum(), states)
    drive = case.network.drive(case.inputs)
    got = solvers.force(case.network, drive, [s.detach() for s in states], beta, case.targets)
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_a_step_of_euler_follows_the_force_and_stays_in_the_box():
    case = draw()
    states, drive = random_states(case), case.network.drive(case.inputs)
    forces = solvers.force(case.network, drive, states, 0.5, case.targets)
    for step_size in (0.01, 50.0):
        moved = solvers.euler(case.network, drive, states, 0.5, case.targets, step_size=step_size)
        for s, f, m in zip(states, forces, moved, strict=True):
            assert torch.equal(m, torch.clip(s + step_size * f, 0, 1))
    assert {0.0, 1.0} <= set(torch.cat(moved, dim=1).flatten().tolist())


@few
@given(seed=SEEDS, layers=LAYERS, beta=st.sampled_from([0.0, 0.7, -0.3]))
def test_a_sweep_leaves_the_layers_set_last_at_their_exact_minimum(seed, layers, beta):
    case = draw(seed, layers)
    drive = case.network.drive(case.inputs)
    swept = solvers.alternate(case.network, drive, random_states(case), beta, case.targets)
    least = total(case, swept, beta)
    generator = torch.Generator().manual_seed(seed)
    for k in range(0, len(swept), 2):  # s_1, s_3, ...: set after their neighbours
        for scale in (1e-3, 0.1, 1.0):
            noise = torch.randn(swept[k].shape, generator=generator, dtype=torch.float64)
            others = list(swept)
            others[k] = (swept[k] + scale * noise).clamp(0, 1)
            assert (total(case, others, beta) >= least - 1e-13).all()


@few
@given(seed=SEEDS, layers=LAYERS, beta=st.sampled_from([0.0, 0.4, -0.2]))
def test_both_solvers_reach_the_same_fixed_point_whatever_the_start(seed, layers, beta):
    case = draw(seed, layers)
    reached = [
        solvers.relax(way, case.network, case.inputs, start, beta, case.targets, tolerance=1e-9)[0]
        for way in (partial(solvers.euler, step_size=0.5), solvers.alternate)
        for start in (case.network.rest(7), random_states(case))
    ]
    for other in reached[1:]:
        for a, b in zip(reached[0], other, strict=True):
            assert (a - b).abs().max() < 1e-6


def test_a_fixed_point_is_one_to_the_last_bits_and_depends_on_beta():
    case = draw()
    drive = case.network.drive(case.inputs)
    for beta in (0.0, 0.3):
        states = case.nudged(beta)
        forces = solvers.force(case.network, drive, states, beta, case.targets)
        assert solvers.residual(forces, states).max() <= 1e-14
    assert (states[-1] - case.free[-1]).abs().max() > 1e-3


def test_iterations_are_counted_until_the_tolerance_is_met():
    case = draw()
    step = partial(solvers.euler, step_size=0.5)
    _, counts = solvers.relax(step, case.network, case.inputs, case.network.rest(7), tolerance=1e-6)
    drive = case.network.drive(case.inputs)
    for row, count in enumerate(counts.tolist()):
        path = solvers.trajectory(
            case.network, case.inputs, case.network.rest(7), step_size=0.5, steps=count
        )
        far = [solvers.residual(solvers.force(case.network, drive, s), s)[row] for s in path[-2:]]
        assert far[0] > 1e-6 >= far[1]


def test_what_does_not_settle_is_an_error():
    case = draw()
    with pytest.raises(RuntimeError, match="7 examples have not settled after 2"):
        solvers.relax(solvers.alternate, case.network, case.inputs, case.network.rest(7),
                      tolerance=1e-12, limit=2)  # fmt: skip


def test_the_middle_of_the_hard_sigmoid_is_a_fixed_point_of_the_middle_input():
    case = draw()
    middle = torch.full_like(case.inputs, 0.5)
    for states in solvers.fixed_point(case.network, middle):
        torch.testing.assert_close(states, torch.full_like(states, 0.5))


@few
@given(seed=SEEDS, layers=LAYERS)
def test_a_good_share_of_units_lies_inside_and_some_at_a_bound(seed, layers):
    inside = solvers.active(draw(seed, layers, images=100).free).double().mean()
    assert 0.5 < inside < 1


def test_examples_whose_active_set_changes_are_told():
    at_rest = [torch.tensor([[0.0, 0.5], [0.0, 0.5], [1.0, 0.5]])]
    moved = [torch.tensor([[0.0, 0.9], [0.1, 0.5], [1.0, 1.0]])]
    assert solvers.unchanged(at_rest, [moved]).tolist() == [True, False, False]


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
        forces = torch.autograd.grad(-energy, leaves)
        states = [(s + 0.5 * f).clamp(0, 1).detach() for s, f in zip(leaves, forces, strict=True)]
    assert not any(s.any() for s in states)

    drive = case.network.drive(case.inputs)
    moved = solvers.euler(case.network, drive, case.network.rest(7), step_size=0.5)
    assert all((s > 0).any() for s in moved)
