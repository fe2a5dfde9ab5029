"""Contrastive Hebbian learning: states at rest, the energy whose contrast falls, its limit."""

import pytest
import torch

from replications.core.learn.learning import Backpropagation
from replications.xie2003.rule import ContrastiveHebbian
from replications.xie2003.simulation import energy
from tests.feed_forward import build

SETTLED = {"gamma": 0.4, "steps": 300, "step_size": 0.5}


def made(cost="sigmoid_cross_entropy", layers=(5, 8, 7, 3), **changed):
    return build(ContrastiveHebbian, layers=layers, units="sigmoid", cost=cost,
                 **(SETTLED | changed))  # fmt: skip


def printed_rest(rule, inputs, states, outputs):
    """f_k(W_k x_{k-1} + gamma W_{k+1}' x_{k+1} + b_k), Eq. 2.5 at rest, unit by unit."""
    p, gamma, below, found = rule.network.parameters, rule.settings.gamma, inputs, []
    for k, x in enumerate(states, start=1):
        total = torch.einsum("bi,ij->bj", below, p[f"W{k}"]) + p[f"b{k}"]
        if k < len(states):
            total = total + gamma * torch.einsum("bj,ij->bi", states[k], p[f"W{k + 1}"])
        found.append(outputs(total) if k == len(states) else total.sigmoid())
        below = x
    return found


@pytest.mark.parametrize(("cost", "outputs"), [
    ("sigmoid_cross_entropy", torch.sigmoid), ("squared_error", lambda z: z),
])  # fmt: skip
def test_phases_end_at_rest(cost, outputs):
    rule, batch = made(cost)
    clamped, free = rule.phases(batch)
    assert torch.equal(clamped[-1], batch.targets)
    for x, rest in zip(free, printed_rest(rule, batch.inputs, free, outputs), strict=True):
        torch.testing.assert_close(x, rest, rtol=0, atol=1e-12)
    hidden = printed_rest(rule, batch.inputs, clamped, outputs)[:-1]
    for x, rest in zip(clamped[:-1], hidden, strict=True):
        torch.testing.assert_close(x, rest, rtol=0, atol=1e-12)
    torch.testing.assert_close(rule.predict(batch.inputs), free[-1], rtol=0, atol=1e-12)


def test_states_at_rest_are_stationary_points_of_the_energy():
    rule, batch = made()
    _, free = rule.phases(batch)
    leaves = [x.clone().requires_grad_() for x in free]
    slopes = torch.autograd.grad(energy(rule, batch.inputs, leaves).sum(), leaves)
    assert max(float(slope.abs().max()) for slope in slopes) < 1e-9


def test_updates_descend_the_mean_contrast():
    """With the states held: they are stationary, but for the clamped outputs, which do not move."""
    rule, batch = made()
    clamped, free = rule.phases(batch)
    updates, _ = rule.updates(batch)
    leaves = {n: p.clone().requires_grad_() for n, p in rule.network.parameters.items()}
    rule.network.parameters = leaves
    contrast = energy(rule, batch.inputs, clamped) - energy(rule, batch.inputs, free)
    slopes = torch.autograd.grad(contrast.mean(), list(leaves.values()))
    for name, slope in zip(leaves, slopes, strict=True):
        torch.testing.assert_close(updates[name], -slope, rtol=1e-9, atol=1e-12)


def test_the_free_phase_goes_downhill_from_the_clamped_state():
    rule, batch = made(gamma=1.0)
    rule.network.parameters["W2"] *= 12  # so that there are several states of rest
    rule.network.parameters["W3"] *= 12
    clamped, free = rule.phases(batch)
    lower = energy(rule, batch.inputs, free)
    assert (lower <= energy(rule, batch.inputs, clamped) + 1e-9).all()


@pytest.mark.parametrize("cost", ["sigmoid_cross_entropy", "squared_error"])
def test_with_weak_feedback_it_is_back_propagation_to_the_order_of_gamma(cost):
    distances = []
    for gamma in (1e-2, 1e-3):
        rule, batch = made(cost, gamma=gamma)
        truth, _ = build(Backpropagation, layers=(5, 8, 7, 3), units="sigmoid", cost=cost)
        expected, updates = truth.updates(batch)[0], rule.updates(batch)[0]
        assert set(updates) == set(expected)
        distances.append(max(float((updates[n] - u).norm() / u.norm())
                             for n, u in expected.items()))  # fmt: skip
    assert distances[1] < 2e-3
    assert distances[0] / distances[1] == pytest.approx(10, rel=0.1)


def test_another_cost_is_refused():
    with pytest.raises(ValueError, match="squared_error or sigmoid_cross_entropy"):
        made("softmax_cross_entropy")
