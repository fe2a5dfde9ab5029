"""Synthetic gradients against automatic differentiation, in float64."""

import pytest
import torch
from torch.nn.functional import batch_norm, linear, mse_loss

from replications.core.learn.convolutional import Convolutional
from replications.core.learn.learning import Backpropagation
from replications.jaderberg2016.rule import SyntheticGradients
from tests.feed_forward import CLASSES, EXAMPLES, build

SETTINGS = {"hidden": (9, 8), "weights": "glorot_uniform", "conditioned": False}
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


def made(kind=Convolutional, **settings):
    """A rule whose predictors have learnt something: their top layers are not zero any more."""
    rule, batch = build(SyntheticGradients, kind, units="relu", **(SETTINGS | settings))
    for p in rule.parameters.values():
        p.add_(torch.randn(p.shape, generator=rule.generator, dtype=p.dtype) / 5)
    return rule, batch


def predicted(rule, i, h, labels):
    """M_i of h_i, (B, n_i), by torch's own layers."""
    p = {name.split(".")[1]: tensor for name, tensor in rule.parameters.items()
         if name.startswith(f"M{i}.")}  # fmt: skip
    x = torch.cat([h, labels], 1) if rule.settings.conditioned else h
    depth = len(rule.settings.hidden) + 1
    for j in range(1, depth):
        x = batch_norm(linear(x, p[f"W{j}"].T), None, None, p[f"g{j}"], p[f"b{j}"], training=True)
        x = x.relu()
    return linear(x, p[f"W{depth}"].T, p[f"b{depth}"])


@pytest.mark.parametrize("conditioned", [False, True])
@pytest.mark.parametrize("hidden", [(), (9,), (9, 8)])
def test_a_layer_descends_what_its_predictor_says_and_the_top_its_cost(conditioned, hidden):
    """Each layer alone: the gradient of <h_i, g_i / B> by its own parameters."""
    rule, batch = made(conditioned=conditioned, hidden=hidden)
    network, updates = rule.network, rule.updates(batch)[0]
    held = network.parameters
    for i in range(1, network.depth + 1):
        leaves = {n: p.clone().requires_grad_() for n, p in held.items() if n[1:] == str(i)}
        network.parameters = held | leaves
        with torch.enable_grad():
            h = network.activities(batch.inputs)[i]
            if i == network.depth:
                cost = network.top_cost(h, batch.targets)[0]
            else:
                cost = (h * predicted(rule, i, h, batch.targets).detach()).sum() / EXAMPLES
            slopes = torch.autograd.grad(cost, [*leaves.values()])
        network.parameters = held
        for name, slope in zip(leaves, slopes, strict=True):
            torch.testing.assert_close(updates[name], -slope, **CLOSE)


@pytest.mark.parametrize("conditioned", [False, True])
def test_a_predictor_learns_from_what_the_layer_above_sends_back(conditioned):
    """Its mean squared error from the gradient, by h_i, of <h_{i+1}, g_{i+1}>: bootstrapped."""
    rule, batch = made(conditioned=conditioned)
    network, updates = rule.network, rule.updates(batch)[0]
    activities = network.activities(batch.inputs)
    for i in range(1, network.depth):
        below = activities[i].clone().requires_grad_()
        with torch.enable_grad():
            above = layer_above(network, i + 1, below)
            if i + 1 == network.depth:
                cost = EXAMPLES * network.top_cost(above, batch.targets)[0]
            else:
                cost = (above * predicted(rule, i + 1, above, batch.targets).detach()).sum()
            (wanted,) = torch.autograd.grad(cost, below)
            names = [n for n in rule.parameters if n.startswith(f"M{i}.")]
            leaves = {n: rule.parameters[n].clone().requires_grad_() for n in names}
            held, rule.parameters = rule.parameters, rule.parameters | leaves
            given = predicted(rule, i, activities[i], batch.targets)
            loss = mse_loss(given, wanted, reduction="sum") / (2 * EXAMPLES)
            slopes = torch.autograd.grad(loss, [*leaves.values()])
            rule.parameters = held
        for name, slope in zip(names, slopes, strict=True):
            torch.testing.assert_close(updates[name], -slope, **CLOSE)


def layer_above(network, i, below):
    """h_i of h_{i-1}: a dense layer, normalised by its batch but at the top, by torch's own."""
    p = network.parameters
    if i in network.sides:  # of a convolution, as the network itself has it
        x = network.square(i, network.weighted(i, below))
        x = batch_norm(x, None, None, p[f"g{i}"], p[f"b{i}"], training=True).relu()
        pool = network.convolutions[i - 1].pool
        return torch.nn.functional.max_pool2d(x, pool).flatten(1)
    x = linear(below, p[f"W{i}"].T)
    if i == network.depth:
        return x + p[f"b{i}"]
    return batch_norm(x, None, None, p[f"g{i}"], p[f"b{i}"], training=True).relu()


def test_at_first_no_hidden_layer_learns_and_the_last_predictor_does():
    rule, batch = build(SyntheticGradients, Convolutional, units="relu", **SETTINGS)
    updates = rule.updates(batch)[0]
    depth = rule.network.depth
    moved = {name for name, update in updates.items() if update.abs().max() > 1e-15}
    assert moved == {f"W{depth}", f"b{depth}", f"M{depth - 1}.W3", f"M{depth - 1}.b3"}


def test_predictors_that_are_right_make_it_back_propagation():
    """Linear predictors of a linear network with one hidden layer and squared error: e W' exactly.

    dC_b/dh = (h W + b - t) W', which is linear in h and the label.
    """
    rule, batch = build(
        SyntheticGradients, layers=(5, 8, CLASSES), units="linear", cost="squared_error",
        hidden=(), weights="glorot_uniform", conditioned=True,
    )  # fmt: skip
    w, b = rule.network.parameters["W2"], rule.network.parameters["b2"]
    rule.parameters["M1.W1"].copy_(torch.cat([w @ w.T, -w.T]))
    rule.parameters["M1.b1"].copy_(b @ w.T)
    updates = rule.updates(batch)[0]
    whole, _ = build(Backpropagation, layers=(5, 8, CLASSES), units="linear", cost="squared_error")
    for name, update in whole.updates(batch)[0].items():
        torch.testing.assert_close(updates[name], update, **CLOSE)
    assert all(updates[name].abs().max() < 1e-14 for name in ("M1.W1", "M1.b1"))


def test_a_prediction_tells_the_gradient_of_an_image_whatever_the_batch():
    """Twice the same images: the same updates of the network, which are means over the batch."""
    rule, batch = made(hidden=())
    twice = type(batch)(*(torch.cat([t, t]) for t in (batch.inputs, batch.labels, batch.targets)),
                        slice(0, 2 * EXAMPLES))  # fmt: skip
    once, again = rule.updates(batch)[0], rule.updates(twice)[0]
    for name, update in once.items():
        torch.testing.assert_close(again[name], update, **CLOSE)
