"""Feedback alignment from zero weights."""

import torch

from replications.lillicrap2016.rule import FeedbackAlignment
from replications.nokland2016.baselines.from_zero import FeedbackAlignmentFromZero
from tests.feed_forward import build

FEEDBACK = {"fan_out_uniform": {"gain": 1.0}}


def test_all_weights_but_the_first_start_at_zero_and_the_feedback_is_the_same():
    ours, _ = build(FeedbackAlignmentFromZero, feedback=FEEDBACK)
    plain, _ = build(FeedbackAlignment, feedback=FEEDBACK)
    p = ours.network.parameters
    assert torch.equal(p["W1"], plain.network.parameters["W1"])
    assert not any(p[f"W{i}"].any() for i in (2, 3, 4))
    assert all(torch.equal(ours.state[n], b) and b.any() for n, b in plain.state.items())


def test_hidden_layers_get_an_error_though_the_weights_above_are_zero():
    rule, batch = build(FeedbackAlignmentFromZero, feedback=FEEDBACK)
    updates, _ = rule.updates(batch)
    assert all(updates[f"b{i}"].any() for i in (1, 2, 3, 4))
