"""Difference target propagation against its printed targets and automatic differentiation."""

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from replications.core.learn.learning import Batch
from replications.core.learn.networks import FeedForward
from replications.lee2015.rule import DifferenceTargetPropagation

LAYERS = (5, 8, 7, 6, 3)
EXAMPLES = 4
COST = {"units": "tanh", "cost": "softmax_cross_entropy"}


def make(*, alpha=0.3, noise=0.2, seed=1):
    generator = torch.Generator().manual_seed(seed)
    network = FeedForward(
        layers=LAYERS, initialisation="orthogonal", **COST, generator=generator, dtype=torch.float64
    )
    rule = DifferenceTargetPropagation(
        network=network, examples=EXAMPLES, generator=generator, alpha=alpha, noise=noise
    )
    inputs = torch.rand(EXAMPLES, LAYERS[0], generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 2, 1, 0])
    return network, rule, Batch(inputs, labels, one_hot(labels, 3).double(), slice(0, EXAMPLES))


def f(network, i, h):
    return (h @ network.parameters[f"W{i}"] + network.parameters[f"b{i}"]).tanh()


def g(rule, i, h):
    return (h @ rule.parameters[f"V{i}"] + rule.parameters[f"c{i}"]).tanh()


def printed_targets(network, rule, batch):
    """Algorithm 1, written out, with the top gradient by automatic differentiation."""
    h = [batch.inputs]
    for i in (1, 2, 3):
        h.append(f(network, i, h[-1]))
    top = h[3].clone().requires_grad_()
    logits = top @ network.parameters["W4"] + network.parameters["b4"]
    (gradient,) = torch.autograd.grad(cross_entropy(logits, batch.labels), top)
    t = {3: h[3] - rule.settings.alpha * gradient}
    t[2] = h[2] - g(rule, 3, h[3]) + g(rule, 3, t[3])
    t[1] = h[1] - g(rule, 2, h[2]) + g(rule, 2, t[2])
    return h, t


def test_forward_updates_descend_the_local_losses():
    network, rule, batch = make()
    h, t = printed_targets(network, rule, batch)
    updates, _ = rule.updates(batch)
    for p in network.parameters.values():
        p.requires_grad_()
    logits = h[3] @ network.parameters["W4"] + network.parameters["b4"]
    loss = cross_entropy(logits, batch.labels)
    for i in (1, 2, 3):
        loss = loss + (f(network, i, h[i - 1]) - t[i]).square().sum(1).mean()
    gradients = torch.autograd.grad(loss, network.parameters.values())
    assert set(updates) == set(network.parameters)
    for name, gradient in zip(network.parameters, gradients, strict=True):
        torch.testing.assert_close(updates[name], -gradient)


def test_inverse_updates_descend_the_reconstruction_of_corrupted_activities():
    network, rule, batch = make()
    before = rule.generator.get_state()
    updates, _ = rule.inverse_updates(batch)
    rule.generator.set_state(before)
    h = network.activities(batch.inputs)
    for p in rule.parameters.values():
        p.requires_grad_()
    loss = 0
    for i in (2, 3):
        noise = torch.empty_like(h[i - 1]).normal_(generator=rule.generator)
        corrupted = h[i - 1] + rule.settings.noise * noise
        rebuilt = g(rule, i, f(network, i, corrupted).detach())
        loss = loss + (rebuilt - corrupted).square().sum(1).mean()
    gradients = torch.autograd.grad(loss, rule.parameters.values())
    assert set(updates) == set(rule.parameters)
    for name, gradient in zip(rule.parameters, gradients, strict=True):
        torch.testing.assert_close(updates[name], -gradient)


def test_with_perfect_linear_inverses_a_small_target_step_is_back_propagation():
    """For orthogonal square W and V = W', near zero where tanh is linear, DTP follows -gradient."""
    generator = torch.Generator().manual_seed(0)
    network = FeedForward(
        layers=(5, 5, 5, 5),
        initialisation="orthogonal",
        **COST,
        generator=generator,
        dtype=torch.float64,
    )
    rule = DifferenceTargetPropagation(
        network=network, examples=3, generator=generator, alpha=1e-3, noise=0.1
    )
    rule.parameters["V2"].copy_(network.parameters["W2"].T)
    inputs = 1e-3 * torch.rand(3, 5, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2])
    batch = Batch(inputs, labels, one_hot(labels, 5).double(), slice(0, 3))
    updates, gradient = rule.updates(batch)[0], rule.gradient(batch)
    for name in ("W1", "W2"):
        expected = -2 * rule.settings.alpha / len(labels) * gradient[name]
        torch.testing.assert_close(updates[name], expected, rtol=1e-3, atol=1e-12)


def test_a_layer_whose_inverse_is_constant_gets_itself_as_target():
    _, rule, batch = make()
    rule.parameters["V3"].zero_()
    updates, _ = rule.updates(batch)
    assert updates["W2"].abs().max() == 0 and updates["W3"].abs().max() > 0


def test_the_last_layers_update_is_the_gradient():
    _, rule, batch = make()
    updates, gradient = rule.updates(batch)[0], rule.gradient(batch)
    torch.testing.assert_close(updates["W4"], -gradient["W4"])


@pytest.mark.parametrize("sweep, prefixes", [(0, {"V", "c"}), (1, {"W", "b"})])
def test_inverse_and_forward_sweeps_touch_disjoint_parameters(sweep, prefixes):
    _, rule, batch = make()
    updates, _ = rule.sweeps[sweep](batch)
    assert {name[0] for name in updates} == prefixes
