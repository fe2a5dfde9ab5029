"""Every gradient against finite differences, automatic differentiation or linear algebra."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.scellier2017 import estimates, gradients, settled
from replications.scellier2017.rule import contrast, correlation_change
from replications.scellier2017.settled import Settled
from tests.scellier2017.cases import SEEDS, draw

LAYERS = st.sampled_from([(4, 6, 3), (4, 6, 5, 3), (4, 6, 5, 5, 3)])
few = settings(max_examples=10, derandomize=True, deadline=None)


def numeric_gradient(network, cost, step=1e-6):
    """Centred differences of a scalar in every parameter."""
    found = {}
    for name, p in network.parameters.items():
        found[name] = torch.zeros_like(p)
        for i in range(p.numel()):
            old = p.view(-1)[i].item()
            for sign in (1, -1):
                p.view(-1)[i] = old + sign * step
                found[name].view(-1)[i] += sign * cost() / (2 * step)
            p.view(-1)[i] = old
    return found


def assert_equal(found, wanted, **tolerances):
    assert list(found) == list(wanted)
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], **tolerances)


@pytest.mark.parametrize("layers", [(4, 6, 3), (4, 6, 5, 3), (4, 6, 5, 5, 3)])
def test_the_hessian_of_the_energy_is_the_identity_less_the_coupling(layers):
    case = draw(layers=layers, images=1)

    def energy(flat):
        return case.network.energy(case.inputs, list(flat.split(case.network.sizes, dim=1))).sum()

    state = torch.cat(case.free, dim=1)
    hessian = torch.autograd.functional.hessian(energy, state)[0, :, 0, :]
    coupling = gradients.coupling(case.network)
    torch.testing.assert_close(hessian, torch.eye(len(coupling)).double() - coupling)


@pytest.mark.parametrize("layers", [(4, 6, 3), (3, 4, 3, 2)])
def test_the_implicit_gradient_is_that_of_the_settled_cost_by_finite_differences(layers):
    case = draw(layers=layers)
    assert not settled.active(case.free).all(), "a unit at a bound is part of the test"

    def cost():
        free = Settled.of(case.network, case.inputs, case.targets).free
        return settled.cost(free, case.targets).mean()

    gradient = gradients.implicit_gradient(case)
    assert_equal(gradient, numeric_gradient(case.network, cost), rtol=1e-6, atol=1e-8)


@few
@given(seed=SEEDS, layers=LAYERS)
def test_the_response_is_how_the_fixed_point_moves_with_beta(seed, layers):
    whole = draw(seed, layers, images=20)
    ends = [whole.nudged(b) for b in (1e-5, -1e-5)]
    case = whole.only(settled.unchanged(whole.free, ends))
    above, below = (torch.cat(case.nudged(b), dim=1) for b in (1e-5, -1e-5))
    source = gradients.cost_slope(case.free, case.targets)
    response = gradients.response(case.network, case.free, source)
    torch.testing.assert_close((above - below) / -2e-5, response, rtol=1e-6, atol=1e-8)


@few
@given(seed=SEEDS, layers=LAYERS)
def test_changes_of_correlations_are_those_of_the_energys_slope(seed, layers):
    case = draw(seed, layers)
    generator = torch.Generator().manual_seed(seed)
    changes = [torch.randn(s.shape, generator=generator, dtype=torch.float64) for s in case.free]
    found = correlation_change(case.inputs, case.free, [c / len(c) for c in changes])
    ends = [
        [s + sign * 0.5 * c for s, c in zip(case.free, changes, strict=True)] for sign in (-1, 1)
    ]  # correlations are bilinear: a centred difference of any size is exact
    assert_equal(found, contrast(case.inputs, *ends, 1.0))


@few
@given(seed=SEEDS, layers=LAYERS)
def test_error_derivatives_add_up_to_the_adjoint(seed, layers):
    case = draw(seed, layers)
    errors = gradients.error_derivatives(case, step_size=0.5, steps=2000)
    source = gradients.cost_slope(case.free, case.targets)
    adjoint = gradients.response(case.network, case.free, source)
    torch.testing.assert_close(0.5 * errors.sum(0), adjoint, rtol=1e-6, atol=1e-8)


@settings(few, max_examples=3)
@given(seed=SEEDS, layers=LAYERS)
def test_gradients_through_time_add_up_to_the_implicit_gradient(seed, layers):
    case = draw(seed, layers)
    unrolled = gradients.unrolled_gradients(case, step_size=0.5, steps=600)
    total = {name: sum(g[name] for g in unrolled) for name in unrolled[0]}
    assert_equal(total, gradients.implicit_gradient(case), rtol=1e-5, atol=1e-7)


def test_the_first_gradient_through_time_is_that_of_the_last_step():
    """C(s_T) depends on the last step's parameters through the outputs' own step alone."""
    case = draw()
    first = gradients.unrolled_gradients(case, step_size=0.2, steps=3)[0]
    error = case.free[-1] - case.targets
    inside = settled.active(case.free[-1:])
    wanted = 0.2 * case.free[-2].T @ (inside * error) / len(error)
    torch.testing.assert_close(first["W3"], wanted)
    assert not first["W1"].any() and not first["W2"].any()


def test_without_feedback_the_states_are_a_forward_pass_and_with_all_of_it_the_free_phase():
    case = draw()
    forward = case.inputs
    states = gradients.feedback_states(case.network, case.inputs, 0.0)
    for s, weights, biases in zip(states, case.network.weights, case.network.biases, strict=True):
        forward = (forward @ weights + biases).clamp(0, 1)
        torch.testing.assert_close(s, forward)
    states = gradients.feedback_states(case.network, case.inputs, 1.0)
    for s, free in zip(states, case.free, strict=True):
        torch.testing.assert_close(s, free)


def test_clamped_outputs_stay_and_pull_on_the_hidden_layers():
    case = draw()
    free, clamped = (
        gradients.feedback_states(case.network, case.inputs, 0.1, outputs)
        for outputs in (None, case.targets)
    )
    assert torch.equal(clamped[-1], case.targets)
    assert all((a - b).abs().max() > 1e-4 for a, b in zip(free, clamped, strict=True))


def test_the_feed_forward_gradient_by_finite_differences():
    case = draw()

    def cost():
        states = gradients.feedback_states(case.network, case.inputs, 0.0)
        return settled.cost(states, case.targets).mean()

    found = gradients.feed_forward_gradient(case.network, case.inputs, case.targets)
    assert_equal(found, numeric_gradient(case.network, cost), rtol=1e-6, atol=1e-8)


@few
@given(seed=SEEDS, layers=LAYERS)
def test_halving_a_small_gain_halves_the_error_of_every_layer(seed, layers):
    whole = draw(seed, layers, images=60)
    gains = (0.004, 0.002)
    kept = gradients.smooth_without_feedback(whole.network, whole.inputs, whole.targets, gains)
    inputs, targets = whole.inputs[kept], whole.targets[kept]
    gradient = gradients.feed_forward_gradient(whole.network, inputs, targets)
    errors = []
    for gain in gains:
        free, clamped = (
            gradients.feedback_states(whole.network, inputs, gain, outputs)
            for outputs in (None, targets)
        )
        update = gradients.contrastive_hebbian(inputs, free, clamped, gain)
        errors.append(estimates.by_layer(update, gradient)["error"])
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.1)


def test_examples_with_an_output_at_a_bound_are_left_out_of_weak_feedback():
    case = draw()
    case.network.biases[-1][0] = -5.0  # the first output is 0 whatever the input
    kept = gradients.smooth_without_feedback(case.network, case.inputs, case.targets, [0.1])
    assert not kept.any()


def test_smooth_keeps_the_examples_whose_units_stay_on_their_side_of_the_bounds():
    case = draw(images=40)
    found, paths, arrays = estimates.smooth(case, [0.3, 0.1], step_size=0.5, steps=10)
    stays = [
        all(
            torch.equal(settled.active([s[i : i + 1] for s in states]), inside)
            for beta in (0.3, 0.1)
            for states in case.path(beta, step_size=0.5, steps=10)
        )
        for i, inside in enumerate(settled.active(case.free).split(1))
    ]
    assert 0 < sum(stays) < 40 and arrays["kept"] == pytest.approx(sum(stays) / 40)
    torch.testing.assert_close(found.inputs, case.inputs[torch.tensor(stays)])
    assert arrays["inside"] == pytest.approx(float(settled.active(case.free).double().mean()))
    for beta, path in zip((0.3, 0.1), paths, strict=True):
        again = found.path(beta, step_size=0.5, steps=10)
        assert len(path) == len(again) == 11
        for states, wanted in zip(path, again, strict=True):
            for layer, of in zip(states, wanted, strict=True):
                torch.testing.assert_close(layer, of, rtol=0, atol=1e-12)
