"""Small settled networks: fixed points to the last bits, and which examples are smooth."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.scellier2017.settled import Settled, active, relax, residual, unchanged
from replications.scellier2017.solvers import Alternate, Euler, Phase, trajectory
from tests.scellier2017 import cases
from tests.scellier2017.cases import SEEDS

LAYERS = st.sampled_from([(4, 6, 3), (4, 6, 5, 3), (4, 6, 5, 5, 3)])
draw = partial(cases.draw, images=7)
few = settings(max_examples=15, derandomize=True, deadline=None)


@pytest.mark.parametrize("beta", [0.0, 0.3, 50.0, math.inf])
def test_a_fixed_point_is_one_to_the_last_bits_and_depends_on_beta(beta):
    case = draw()
    states = case.nudged(beta)
    leaves = [s.clone().requires_grad_() for s in states]
    energy = case.network.energy(case.inputs, leaves)
    if math.isfinite(beta):
        energy = energy + beta * (leaves[-1] - case.targets).square().sum(1) / 2
    forces = torch.autograd.grad(-energy.sum(), leaves)
    moving = len(states) - math.isinf(beta)
    for s, f in list(zip(states, forces, strict=True))[:moving]:
        torch.testing.assert_close((s + f).clamp(0, 1), s, rtol=0, atol=1e-12)
    assert ((states[-1] - case.free[-1]).abs().max() > 1e-3) == (beta > 0)


def test_the_residual_leaves_the_states_as_they_are():
    case = draw()
    phase = Phase(case.clamped, case.network.rest(7))
    before = phase.whole.clone()
    assert (residual(phase) > 0.1).all()
    assert torch.equal(phase.whole, before)


def test_sweeps_are_counted_until_the_tolerance_is_met():
    case = draw()
    solver = Euler(step_size=0.5)
    counts = relax(Phase(case.clamped, case.network.rest(7)), solver, tolerance=1e-6)
    path = trajectory(Phase(case.clamped, case.network.rest(7)), solver, steps=int(counts.max()))
    residuals = [residual(Phase(case.clamped, states)) for states in path]
    for row, count in enumerate(counts.tolist()):
        assert residuals[count - 1][row] > 1e-6 >= residuals[count][row]


def test_what_does_not_settle_is_an_error():
    case = draw()
    phase = Phase(case.clamped, case.network.rest(7))
    with pytest.raises(RuntimeError, match="7 examples have not settled after 2"):
        relax(phase, Alternate(), tolerance=1e-12, limit=2)


def test_the_middle_of_the_hard_sigmoid_is_a_fixed_point_of_the_middle_input():
    case = draw()
    middle = Settled.of(case.network, torch.full_like(case.inputs, 0.5), case.targets)
    for states in middle.free:
        torch.testing.assert_close(states, torch.full_like(states, 0.5))


@few
@given(seed=SEEDS, layers=LAYERS)
def test_a_good_share_of_units_lies_inside_and_some_at_a_bound(seed, layers):
    inside = active(draw(seed, layers, images=100).free).double().mean()
    assert 0.5 < inside < 1


def test_examples_whose_active_set_changes_are_told():
    at_rest = [torch.tensor([[0.0, 0.5], [0.0, 0.5], [1.0, 0.5]])]
    moved = [torch.tensor([[0.0, 0.9], [0.1, 0.5], [1.0, 1.0]])]
    assert unchanged(at_rest, [moved]).tolist() == [True, False, False]
