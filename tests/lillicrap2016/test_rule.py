"""Feedback alignment against its printed equations and automatic differentiation."""

import pytest
import torch

from replications.lillicrap2016.rule import FeedbackAlignment
from tests.feed_forward import build

SIGMOID = {"layers": (5, 8, 7, 3), "units": "sigmoid", "cost": "sigmoid_squared_error"}
EVEN = {"uniform": {"bound": 0.5}}


def test_hidden_layers_get_the_error_by_fixed_weights():
    """Δh_2 = (B_3 e) σ', Δh_1 = (B_2 Δh_2) σ', written out for a batch."""
    rule, batch = build(FeedbackAlignment, **SIGMOID, feedback=EVEN)
    p, s = rule.network.parameters, rule.state
    h1 = (batch.inputs @ p["W1"] + p["b1"]).sigmoid()
    h2 = (h1 @ p["W2"] + p["b2"]).sigmoid()
    y = (h2 @ p["W3"] + p["b3"]).sigmoid()
    e3 = (batch.targets - y) * y * (1 - y) / 6
    e2 = (e3 @ s["B3"]) * h2 * (1 - h2)
    e1 = (e2 @ s["B2"]) * h1 * (1 - h1)
    updates, monitor = rule.updates(batch)
    for i, below, error in ((1, batch.inputs, e1), (2, h1, e2), (3, h2, e3)):
        torch.testing.assert_close(updates[f"W{i}"], below.T @ error)
        torch.testing.assert_close(updates[f"b{i}"], error.sum(0))
    expected = (batch.targets - y).square().sum(1).mean() / 2
    torch.testing.assert_close(monitor["train_cost"], expected)


def test_feedback_is_even_between_its_bounds_and_never_changes():
    even = {"uniform": {"bound": 0.4}}
    rule, batch = build(FeedbackAlignment, layers=(5, 200, 300, 3), feedback=even)
    found = torch.cat([rule.state[f"B{i}"].flatten() for i in (2, 3)])
    assert 0.39 < float(found.abs().max()) <= 0.4
    # Of 60,900 numbers: five standard errors of the mean, and of the variance.
    assert float(found.mean()) == pytest.approx(0, abs=5 * 0.4 / 3**0.5 / 60_900**0.5)
    assert float(found.var()) == pytest.approx(0.16 / 3, rel=0.02)
    before = {n: b.clone() for n, b in rule.state.items()}
    rule.updates(batch)
    assert all(torch.equal(rule.state[n], b) for n, b in before.items())
