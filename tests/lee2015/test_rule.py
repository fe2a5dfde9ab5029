"""Difference target propagation against its printed targets and automatic differentiation."""

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from replications.core.learn.learning import Batch
from replications.core.learn.networks import FeedForward
from replications.lee2015.network import BernoulliFeedForward, SignedFeedForward
from replications.lee2015.rule import (
    DifferenceTargetPropagation,
    DiscretisedTargetPropagation,
    StochasticTargetPropagation,
)
from tests.feed_forward import build

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


def test_noise_falls_by_epochs_of_inverse_updates():
    rule, batch = build(
        DiscretisedTargetPropagation, SignedFeedForward, alpha=0.3, noise=0.5, noise_epochs=50
    )
    for epoch in (1, 2, 3):  # six images are all of the training set: a batch is an epoch
        assert float(rule.noise()) == pytest.approx(0.5 / (1 + epoch / 50))
        rule.updates(batch)
        rule.inverse_updates(batch)


def signed(h):
    return torch.where(h > 0, 1.0, -1.0).double()


def test_discretised_updates_descend_local_losses_with_signs_read():
    """As in disc_dtp.py: f_i and g_i read signs, the top layer h_{L-1}; targets use g of signs."""
    rule, batch = build(
        DiscretisedTargetPropagation, SignedFeedForward, layers=(5, 8, 7, 3), alpha=0.3, noise=0.5,
        noise_epochs=50,
    )  # fmt: skip
    p, q = rule.network.parameters, rule.parameters
    h1 = (batch.inputs @ p["W1"] + p["b1"]).tanh()
    h2 = (signed(h1) @ p["W2"] + p["b2"]).tanh()
    top = h2.clone().requires_grad_()
    cost = cross_entropy(top @ p["W3"] + p["b3"], batch.labels)
    (gradient,) = torch.autograd.grad(cost, top)
    t2 = h2 - 0.3 * gradient
    t1 = h1 - g(rule, 2, signed(h2)) + g(rule, 2, signed(t2))
    updates, _ = rule.updates(batch)
    before = rule.generator.get_state()
    inverse, _ = rule.inverse_updates(batch)
    rule.generator.set_state(before)
    noise = torch.randn(h1.shape, generator=rule.generator, dtype=torch.float64)
    corrupted = h1 + 0.5 / (1 + 1 / 50) * noise
    above = (signed(corrupted) @ p["W2"] + p["b2"]).tanh()
    for tensor in (*p.values(), *q.values()):
        tensor.requires_grad_()
    loss = cross_entropy(h2 @ p["W3"] + p["b3"], batch.labels)
    f1 = (batch.inputs @ p["W1"] + p["b1"]).tanh()
    f2 = (signed(h1) @ p["W2"] + p["b2"]).tanh()
    loss = loss + (f1 - t1).square().sum(1).mean() + (f2 - t2).square().sum(1).mean()
    loss = loss + (g(rule, 2, signed(above.detach())) - corrupted).square().sum(1).mean()
    named = p | q
    gradients = torch.autograd.grad(loss, list(named.values()))
    assert set(updates | inverse) == set(named)
    for (name, update), expected in zip(
        ((n, (updates | inverse)[n]) for n in named), gradients, strict=True
    ):
        torch.testing.assert_close(update, -expected, msg=name)


def test_stochastic_updates_descend_local_losses_on_probabilities():
    """As in sto_dtp.py: layers read samples, targets and inverses are about probabilities."""
    rule, batch = build(
        StochasticTargetPropagation, BernoulliFeedForward, layers=(5, 8, 7, 3), units="sigmoid",
        alpha=0.3, noise=0.5, noise_epochs=100, input_noise=0.3, passes=2,
    )  # fmt: skip
    p, q = rule.network.parameters, rule.parameters
    before = rule.generator.get_state()
    updates, _ = rule.updates(batch)
    inverse, _ = rule.inverse_updates(batch)
    rule.generator.set_state(before)

    def randn(like):
        return torch.randn(like.shape, generator=rule.generator, dtype=torch.float64)

    def drawn(h):
        return (torch.rand(h.shape, generator=rule.generator, dtype=torch.float64) < h).double()

    def up():
        x = batch.inputs + 0.3 * randn(batch.inputs)
        h1 = (x @ p["W1"] + p["b1"]).sigmoid()
        s1 = drawn(h1)
        h2 = (s1 @ p["W2"] + p["b2"]).sigmoid()
        return x, h1, s1, h2, drawn(h2)

    x, h1, s1, h2, s2 = up()
    top = s2.clone().requires_grad_()
    cost = cross_entropy(top @ p["W3"] + p["b3"], batch.labels)
    (gradient,) = torch.autograd.grad(cost, top)
    t2 = h2 - s2 + (s2 - 0.3 * gradient)
    t1 = h1 - g(rule, 2, h2) + g(rule, 2, t2)
    _, again, _, _, _ = up()
    corrupted = again + 0.5 / (1 + 1 / 100) * randn(again)
    above = (drawn(corrupted) @ p["W2"] + p["b2"]).sigmoid()
    for tensor in (*p.values(), *q.values()):
        tensor.requires_grad_()
    f1, f2 = (x @ p["W1"] + p["b1"]).sigmoid(), (s1 @ p["W2"] + p["b2"]).sigmoid()
    loss = cross_entropy(s2 @ p["W3"] + p["b3"], batch.labels)
    loss = loss + (f1 - t1).square().sum(1).mean() + (f2 - t2).square().sum(1).mean()
    loss = loss + (g(rule, 2, above.detach()) - corrupted).square().sum(1).mean()
    named = p | q
    gradients = torch.autograd.grad(loss, list(named.values()))
    found = updates | inverse
    assert set(found) == set(named)
    for name, expected in zip(named, gradients, strict=True):
        torch.testing.assert_close(found[name], -expected, msg=name)


def test_exact_inverses_of_a_linear_net_give_gauss_newton_targets():
    """Square layers, V_i = W_i^-1: t_i − h_i = −alpha (W_{i+1} ... W_{L-1})^-T' applied to dC/dh.

    With a row vector δ at the top, δ_{i} = δ_{i+1} W_{i+1}^{-1}: the change of h_i that makes the
    layers above move by δ, the Gauss-Newton direction.
    """
    rule, batch = build(
        DifferenceTargetPropagation, FeedForward, layers=(5, 6, 6, 6, 3), units="linear",
        alpha=0.3, noise=0.2,
    )  # fmt: skip
    for i in (2, 3):
        weights, biases = (rule.network.parameters[f"{kind}{i}"] for kind in "Wb")
        rule.parameters[f"V{i}"].copy_(weights.inverse())
        rule.parameters[f"c{i}"].copy_(-biases @ weights.inverse())
    activities = rule.network.activities(batch.inputs)
    error = (activities[-1].softmax(1) - batch.targets) / 6
    gradient = error @ rule.network.parameters["W4"].T
    targets = rule.targets(activities, batch.targets)
    for i in (1, 2):
        through = torch.eye(6, dtype=torch.float64)
        for j in range(i + 1, 4):
            through = through @ rule.network.parameters[f"W{j}"]
        # Least squares: the change d of h_i with d · through = −alpha · gradient.
        step = torch.linalg.lstsq(through.T, -0.3 * gradient.T).solution.T
        torch.testing.assert_close(targets[i] - activities[i], step, rtol=1e-10, atol=1e-12)
