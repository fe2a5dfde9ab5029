"""Signs in answers alone."""

import torch

from replications.core.learn.learning import Backpropagation, percent_wrong
from replications.core.learn.networks import FeedForward
from replications.lee2015.baselines.signs_at_test import SignsWhenAnswering
from replications.lee2015.network import SignedFeedForward
from tests.feed_forward import build


def test_it_learns_as_the_continuous_network_and_answers_as_the_one_with_signs():
    rule, batch = build(SignsWhenAnswering, FeedForward)
    continuous, _ = build(Backpropagation, FeedForward)
    signed, _ = build(Backpropagation, SignedFeedForward)
    updates, monitor = rule.updates(batch)
    expected, plain = continuous.updates(batch)
    for name, update in updates.items():
        torch.testing.assert_close(update, expected[name])
    assert monitor["train_cost"] == plain["train_cost"]
    answers = signed.predict(batch.inputs)
    torch.testing.assert_close(rule.predict(batch.inputs), answers)
    assert monitor["train_error"] == percent_wrong(answers, batch.labels)


def test_no_gradient_goes_through_a_sign():
    rule, batch = build(Backpropagation, SignedFeedForward)
    updates, gradient = rule.updates(batch)[0], None
    with torch.enable_grad():
        gradient = rule.gradient(batch)
    for name, update in updates.items():
        torch.testing.assert_close(update, -gradient[name])
    assert not updates["W1"].any() and not updates["W2"].any() and updates["W3"].any()
