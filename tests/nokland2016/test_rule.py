"""Direct feedback alignment against its printed equations and automatic differentiation."""

import pytest
import torch

from replications.core.learn.convolutional import Convolutional
from replications.nokland2016.rule import DirectFeedbackAlignment
from tests.feed_forward import build

FEEDBACK = {"fan_out_uniform": {"gain": 1.0}}


def test_every_hidden_layer_gets_the_error_at_the_top_and_its_own_slope():
    """δa_i = B_i e ⊙ φ'(a_i), written out for a batch."""
    rule, batch = build(
        DirectFeedbackAlignment, layers=(5, 8, 7, 3), cost="sigmoid_cross_entropy",
        feedback=FEEDBACK,
    )  # fmt: skip
    p, s = rule.network.parameters, rule.state
    h1 = (batch.inputs @ p["W1"] + p["b1"]).tanh()
    h2 = (h1 @ p["W2"] + p["b2"]).tanh()
    top = (batch.targets - (h2 @ p["W3"] + p["b3"]).sigmoid()) / 6
    errors = (top @ s["B1"]) * (1 - h1**2), (top @ s["B2"]) * (1 - h2**2), top
    updates, _ = rule.updates(batch)
    for i, (below, error) in enumerate(zip((batch.inputs, h1, h2), errors, strict=True), 1):
        torch.testing.assert_close(updates[f"W{i}"], below.T @ error)
        torch.testing.assert_close(updates[f"b{i}"], error.sum(0))


@pytest.mark.parametrize("layer", [1, 2])
def test_feedback_is_drawn_by_the_width_of_its_layer_and_never_changes(layer):
    rule, batch = build(DirectFeedbackAlignment, layers=(5, 400, 900, 3), feedback=FEEDBACK)
    assert set(rule.state) == {"B1", "B2"}
    feedback, width = rule.state[f"B{layer}"], (400, 900)[layer - 1]
    assert feedback.shape == (3, width)
    assert 0.98 / width**0.5 < float(feedback.abs().max()) <= 1 / width**0.5
    before = feedback.clone()
    rule.updates(batch)
    assert torch.equal(rule.state[f"B{layer}"], before)


def test_from_zero_weights_the_first_weights_and_all_biases_move_at_once():
    """All hidden h_i are 0, so that W_2 ... W_L wait; B_i brings every layer an error."""
    rule, batch = build(DirectFeedbackAlignment, initialisation="zeros", feedback=FEEDBACK)
    for p in rule.network.parameters.values():
        p.zero_()
    updates, _ = rule.updates(batch)
    moved = {name for name, update in updates.items() if update.abs().max() > 1e-15}
    assert moved == {"W1", "b1", "b2", "b3", "b4"}


def test_through_pools_and_normalisation_a_layer_descends_what_reaches_it():
    """Each layer alone, by automatic differentiation of the mean of <h_i, e B_i>, e the top's."""
    rule, batch = build(DirectFeedbackAlignment, Convolutional, units="relu", feedback=FEEDBACK)
    network, updates = rule.network, rule.updates(batch)[0]
    activities = network.activities(batch.inputs)
    _, top = network.top_cost(activities[-1], batch.targets)
    for i in range(1, network.depth):
        own = [name for name in network.parameters if name[1:] == str(i)]
        assert own == [f"{kind}{i}" for kind in "Wbg"]
        leaves = {n: network.parameters[n].clone().requires_grad_() for n in own}
        held, network.parameters = network.parameters, network.parameters | leaves
        h = network.activities(batch.inputs)[i]  # those below stay as they are
        slopes = torch.autograd.grad((h * (top @ rule.state[f"B{i}"])).sum(), list(leaves.values()))
        network.parameters = held
        for name, slope in zip(own, slopes, strict=True):
            torch.testing.assert_close(updates[name], -slope, rtol=1e-9, atol=1e-12)
