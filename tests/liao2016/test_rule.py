"""Feedback with the signs of the weights: signs, magnitudes, and what is drawn when."""

import pytest
import torch

from replications.core.learn.convolutional import Convolutional
from replications.core.learn.learning import Backpropagation
from replications.liao2016.rule import (
    FixedMagnitudes,
    PartialConcordance,
    RedrawnMagnitudes,
    UniformSigns,
)
from replications.lillicrap2016.rule import FeedbackAlignment
from tests.feed_forward import build

DRAWN = {"feedback": "glorot_uniform"}
SIGNED = {UniformSigns: {"scaled": True}, FixedMagnitudes: DRAWN, RedrawnMagnitudes: DRAWN}
LAYERS = (2, 3, 4)  # those that have feedback


@pytest.mark.parametrize("kind", SIGNED)
def test_feedback_keeps_every_sign_of_the_weights_as_they_are_now(kind):
    rule, _ = build(kind, **SIGNED[kind])
    for _ in range(2):
        for i in LAYERS:
            weights = rule.network.parameters[f"W{i}"]
            assert torch.equal(rule.feedback(i).sign(), weights.T.sign())
            weights.neg_()  # training may turn them


@pytest.mark.parametrize("kind", SIGNED)
def test_magnitudes_do_not_follow_the_weights(kind):
    rule, _ = build(kind, **SIGNED[kind])
    again, _ = build(kind, **SIGNED[kind])
    for i in LAYERS:
        again.network.parameters[f"W{i}"] *= 7
        assert torch.equal(again.feedback(i), rule.feedback(i))


def test_a_uniform_magnitude_is_one_or_the_root_mean_square_of_the_first_weights():
    (bare, _), (scaled, _) = (build(UniformSigns, scaled=s) for s in (False, True))
    for i in LAYERS:
        weights = scaled.network.parameters[f"W{i}"]
        assert torch.equal(bare.feedback(i).abs(), torch.ones_like(weights.T))
        torch.testing.assert_close(scaled.feedback(i).norm(), weights.norm())
        assert scaled.feedback(i).abs().unique().numel() == 1


def test_fixed_magnitudes_are_those_of_feedback_alignment():
    rule, _ = build(FixedMagnitudes, **DRAWN)
    random, _ = build(FeedbackAlignment, **DRAWN)
    for i in LAYERS:
        assert torch.equal(rule.feedback(i), rule.feedback(i))
        assert torch.equal(rule.feedback(i).abs(), random.feedback(i).abs())


def test_redrawn_magnitudes_are_others_for_every_batch():
    rule, batch = build(RedrawnMagnitudes, **DRAWN)
    first, second = (rule.updates(batch)[0] for _ in range(2))
    assert torch.equal(first["W4"], second["W4"])  # the top needs no feedback
    for name in ("W1", "W2", "W3"):
        assert not torch.allclose(first[name], second[name])


@pytest.mark.parametrize("concordance", [0.0, 0.5, 0.75, 1.0])
def test_the_share_of_common_signs_is_the_concordance(concordance):
    rule, _ = build(PartialConcordance, layers=(5, 80, 70, 60, 3), **DRAWN, concordance=concordance)
    for i in (2, 3):
        same = rule.feedback(i).sign() == rule.network.parameters[f"W{i}"].T.sign()
        spread = (concordance * (1 - concordance) / same.numel()) ** 0.5
        assert abs(same.double().mean() - concordance) <= 4 * spread
        assert torch.equal(rule.feedback(i), rule.feedback(i))


def test_at_full_concordance_it_is_that_of_fixed_magnitudes():
    partial, batch = build(PartialConcordance, **DRAWN, concordance=1.0)
    fixed, _ = build(FixedMagnitudes, **DRAWN)
    for name, update in fixed.updates(batch)[0].items():
        assert torch.equal(partial.updates(batch)[0][name], update)


def test_without_any_common_sign_the_layer_below_climbs_where_weights_have_one_magnitude():
    """Feedback is -W', the top descends as ever, and the layer below goes the other way."""
    partial, batch = build(PartialConcordance, layers=(5, 8, 3), feedback="glorot_uniform",
                           concordance=0.0)  # fmt: skip
    truth, _ = build(Backpropagation, layers=(5, 8, 3))
    for rule in (partial, truth):
        weights = rule.network.parameters["W2"]
        weights.copy_(weights.sign() / 4)
    partial.state["B2"].fill_(1 / 4)
    updates, gradient = partial.updates(batch)[0], truth.updates(batch)[0]
    torch.testing.assert_close(updates["W2"], gradient["W2"])
    torch.testing.assert_close(updates["W1"], -gradient["W1"])


@pytest.mark.parametrize("kind", SIGNED)
def test_through_convolutions_feedback_of_the_right_magnitude_is_back_propagation(
    kind, monkeypatch
):
    """All weights of a layer get one magnitude, which is what the feedback then has."""
    rule, batch = build(kind, Convolutional, **SIGNED[kind])
    weights = {i: rule.network.parameters[f"W{i}"] for i in range(1, rule.network.depth + 1)}
    for w in weights.values():
        w.copy_(w.sign() / 3)
    for name, kept in rule.state.items():
        kept.fill_(1 / 3)
        assert name[0] in "mB"
    third = torch.tensor(-1 / 3, dtype=torch.float64)
    monkeypatch.setattr(rule, "drawn", lambda *shape: third.expand(shape), raising=False)
    with torch.enable_grad():
        gradient = rule.gradient(batch)
    updates = rule.updates(batch)[0]
    for name, slope in gradient.items():
        torch.testing.assert_close(updates[name], -slope, rtol=1e-10, atol=1e-12)
