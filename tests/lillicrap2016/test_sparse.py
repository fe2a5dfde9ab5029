"""Half of the synapses gone: those that are not there neither are used nor learn."""

import pytest
import torch

from replications.lillicrap2016.ablations.sparse import SparseFeedbackAlignment
from replications.lillicrap2016.rule import FeedbackAlignment
from tests.feed_forward import build

EVEN = {"uniform": {"bound": 0.5}}


def test_half_of_the_weights_above_the_first_layer_are_gone_for_good():
    rule, batch = build(
        SparseFeedbackAlignment,
        layers=(5, 60, 50, 3),
        feedback=EVEN,
        kept=0.5,
    )
    network, state = rule.network.parameters, rule.state
    updates = rule.updates(batch)[0]
    for name, tensor in {"W2": network["W2"], "B2": state["B2"]}.items():
        share = float((tensor != 0).double().mean())
        assert share == pytest.approx(0.5, abs=0.04), name  # four standard errors of 3,000
    assert torch.equal(network["W2"] != 0, state["M2"] != 0)
    assert not updates["W2"][state["M2"] == 0].any() and updates["W2"][state["M2"] == 1].any()
    assert not torch.equal(state["M2"].T, (state["B2"] != 0).double())  # drawn apart
    assert (network["W1"] != 0).all()


def test_with_all_of_them_it_is_feedback_alignment():
    sparse, batch = build(SparseFeedbackAlignment, feedback=EVEN, kept=1.0)
    plain, _ = build(FeedbackAlignment, feedback=EVEN)
    for i in (2, 3, 4):
        plain.state[f"B{i}"].copy_(sparse.state[f"B{i}"])
    found, expected = sparse.updates(batch)[0], plain.updates(batch)[0]
    for name, update in found.items():
        torch.testing.assert_close(update, expected[name])
