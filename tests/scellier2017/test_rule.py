"""Equilibrium propagation against its equations, automatic differentiation and itself."""

import pytest
import torch

from replications.core.learning import Batch
from replications.core.score.alignment import alignment
from replications.scellier2017.rule import EquilibriumPropagation, HopfieldNetwork, contrast

SETTINGS = dict(step_size=0.5, free_steps=20, nudged_steps=4, beta=1.0, cost_scale=0.5)
EXAMPLES = 6


def make(layers=(5, 7, 3), *, scale=0.5, settling_steps=400, **changes):
    """A small float64 network, its rule and a batch; `scale` keeps most units off their bounds."""
    generator = torch.Generator().manual_seed(3)
    network = HopfieldNetwork(layers=layers, generator=generator, dtype=torch.float64)
    for name, p in network.parameters.items():
        p.mul_(scale) if name[0] == "W" else p.fill_(0.3)
    settings = SETTINGS | {"settling_steps": settling_steps} | changes
    rule = EquilibriumPropagation(
        network=network, examples=EXAMPLES, generator=generator, **settings
    )
    inputs = torch.rand(EXAMPLES, layers[0], generator=generator, dtype=torch.float64)
    labels = torch.arange(EXAMPLES) % layers[-1]
    targets = torch.nn.functional.one_hot(labels, layers[-1]).double()
    return network, rule, Batch(inputs, labels, targets, slice(0, EXAMPLES))


@pytest.mark.parametrize("layers", [(5, 3), (5, 7, 3), (5, 7, 6, 3)])
def test_the_force_is_minus_the_gradient_of_the_energy(layers):
    network, _, batch = make(layers)
    states = [torch.rand_like(s).requires_grad_() for s in network.rest(EXAMPLES)]
    forces = torch.autograd.grad(-network.energy(batch.inputs, states).sum(), states)
    drive = network.drive(batch.inputs)
    for k, (state, force) in enumerate(zip(states, forces, strict=True)):
        detached = [s.detach() for s in states]
        torch.testing.assert_close(network.pressure(k, drive, detached) - state.detach(), force)


@pytest.mark.parametrize("layers", [(5, 7, 3), (5, 7, 6, 3)])
def test_settling_is_eulers_method_on_the_total_energy(layers):
    network, rule, batch = make(layers)
    start = [torch.rand_like(s) for s in network.rest(EXAMPLES)]
    beta = -0.4
    got = rule.settle(network, network.drive(batch.inputs), start, 3, beta, batch.targets)
    states = start
    for _ in range(3):
        leaves = [s.clone().requires_grad_() for s in states]
        cost = 0.5 * (leaves[-1] - batch.targets).square().sum()
        total = network.energy(batch.inputs, leaves).sum() + beta * cost
        forces = torch.autograd.grad(-total, leaves)
        states = [(s + rule.step_size * f).clamp(0, 1) for s, f in zip(states, forces, strict=True)]
    for a, b in zip(got, states, strict=True):
        torch.testing.assert_close(a, b)


def test_states_that_start_at_zero_move_although_clamp_has_no_gradient_there():
    network, rule, batch = make()
    states = rule.settle(network, network.drive(batch.inputs), network.rest(EXAMPLES), 1)
    assert all((s > 0).any() for s in states)


def test_energy_never_rises_while_settling():
    network, rule, batch = make(scale=1.0)
    states, drive, energies = network.rest(EXAMPLES), network.drive(batch.inputs), []
    for _ in range(60):
        energies.append(network.energy(batch.inputs, states))
        states = rule.settle(network, drive, states, 1)
    steps = torch.stack(energies).diff(dim=0)
    assert (steps <= 1e-12).all() and (steps[0] < 0).all()


def test_the_contrast_is_the_gradient_of_the_energy_difference():
    network, _, batch = make((5, 7, 6, 3))
    free, nudged = ([torch.rand_like(s) for s in network.rest(EXAMPLES)] for _ in range(2))
    for p in network.parameters.values():
        p.requires_grad_()
    difference = network.energy(batch.inputs, nudged) - network.energy(batch.inputs, free)
    gradients = torch.autograd.grad(difference.mean() / 0.7, network.parameters.values())
    updates = contrast(batch.inputs, free, nudged, 0.7)
    assert list(updates) == list(network.parameters)
    for update, gradient in zip(updates.values(), gradients, strict=True):
        torch.testing.assert_close(update, -gradient)


@pytest.mark.parametrize("cost_scale", [0.5, 1.0])
def test_the_gradient_is_that_of_the_cost_at_the_fixed_point_by_finite_differences(cost_scale):
    network, rule, batch = make(cost_scale=cost_scale)
    gradient = rule.gradient(network, batch)

    def cost():
        outputs = rule.predict(network, batch.inputs)
        return cost_scale * (outputs - batch.targets).square().sum(1).mean()

    for name, p in network.parameters.items():
        numeric = torch.zeros_like(p)
        for i in range(p.numel()):
            old = p.view(-1)[i].item()
            for sign in (1, -1):
                p.view(-1)[i] = old + sign * 1e-6
                numeric.view(-1)[i] += sign * cost() / 2e-6
            p.view(-1)[i] = old
        torch.testing.assert_close(gradient[name], numeric, rtol=1e-5, atol=1e-7)


def test_the_estimate_tends_to_the_gradient_with_an_error_of_the_order_of_beta():
    errors = []
    for beta in (0.01, 0.005):
        network, rule, batch = make(beta=beta, nudged_steps=400)
        update, gradient = rule.estimate(network, batch), rule.gradient(network, batch)
        assert all(alignment(update[n], gradient[n])["cosine"] > 0.9999 for n in gradient)
        errors.append(sum(float((update[n] + gradient[n]).norm()) for n in gradient))
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.1)


def test_particles_keep_the_free_state_of_their_own_rows_only():
    network, rule, batch = make()
    rows = slice(2, 4)
    part = Batch(batch.inputs[rows], batch.labels[rows], batch.targets[rows], rows)
    rule.updates(network, part)
    drive = network.drive(part.inputs)
    free = rule.settle(network, drive, [torch.zeros(2, n).double() for n in network.sizes], 20)
    for particles, state in zip(rule.state.values(), free, strict=True):
        torch.testing.assert_close(particles[rows], state)
        assert particles[:2].count_nonzero() == particles[4:].count_nonzero() == 0


def test_as_released_the_updates_are_twice_those_described():
    described = make(beta=1.0, cost_scale=0.5)
    released = make(beta=0.5, cost_scale=1.0)
    one, two = (rule.estimate(network, batch) for network, rule, batch in (described, released))
    for name in one:
        torch.testing.assert_close(two[name], 2 * one[name])


def test_the_sign_of_beta_is_drawn_by_the_rules_generator():
    _, rule, _ = make()
    signs = [rule.random_sign() for _ in range(200)]
    assert set(signs) == {1, -1} and 60 < signs.count(1) < 140
    _, again, _ = make()
    assert signs == [again.random_sign() for _ in range(200)]
