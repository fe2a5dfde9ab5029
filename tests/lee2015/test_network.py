"""Networks that send signs or samples, against their definitions."""

import pytest
import torch

from replications.lee2015.network import BernoulliFeedForward, SignedFeedForward, sample, signs
from replications.lee2015.rule import DifferenceTargetPropagation
from tests.feed_forward import build

SETTINGS = {"alpha": 0.3, "noise": 0.2}


def test_a_sign_is_one_above_zero_and_minus_one_elsewhere():
    assert signs(torch.tensor([-2.0, 0.0, 3.0])).tolist() == [-1, -1, 1]


def test_hidden_layers_read_signs_the_first_and_the_top_what_is_there():
    rule, batch = build(DifferenceTargetPropagation, SignedFeedForward, **SETTINGS)
    p = rule.network.parameters
    h1 = (batch.inputs @ p["W1"] + p["b1"]).tanh()
    h2 = (torch.where(h1 > 0, 1.0, -1.0).double() @ p["W2"] + p["b2"]).tanh()
    h3 = (torch.where(h2 > 0, 1.0, -1.0).double() @ p["W3"] + p["b3"]).tanh()
    z = h3 @ p["W4"] + p["b4"]
    found = rule.network.activities(batch.inputs)
    for ours, expected in zip(found, [batch.inputs, h1, h2, h3, z], strict=True):
        torch.testing.assert_close(ours, expected)


def test_a_sample_has_its_probability():
    generator = torch.Generator().manual_seed(3)
    probabilities = torch.tensor([-0.5, 0.0, 0.2, 0.7, 1.0, 1.4]).expand(20000, 6)
    drawn = sample(probabilities, generator)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    # Four standard deviations of a mean of 20,000.
    assert drawn.mean(0).tolist() == pytest.approx([0, 0, 0.2, 0.7, 1, 1], abs=0.014)


def test_layers_read_samples_of_probabilities_that_are_those_of_the_layer_below():
    rule, batch = build(
        DifferenceTargetPropagation, BernoulliFeedForward, units="sigmoid", **SETTINGS
    )
    p = rule.network.parameters
    read, activities = rule.network.sampled(batch.inputs, torch.Generator().manual_seed(0))
    assert torch.equal(read[0], batch.inputs)
    for i in (1, 2, 3):
        expected = (read[i - 1] @ p[f"W{i}"] + p[f"b{i}"]).sigmoid()
        torch.testing.assert_close(activities[i], expected)
        assert set(read[i].unique().tolist()) <= {0.0, 1.0}
    torch.testing.assert_close(activities[4], read[3] @ p["W4"] + p["b4"])


def test_an_answer_is_the_mean_of_its_passes_and_near_the_exact_one():
    """One hidden layer of 3 units has 8 samples: the mean over them, by their probabilities."""
    rule, batch = build(
        DifferenceTargetPropagation, BernoulliFeedForward, units="sigmoid", layers=(5, 3, 3),
        **SETTINGS,
    )  # fmt: skip
    p = rule.network.parameters
    h = (batch.inputs @ p["W1"] + p["b1"]).sigmoid()
    expected = torch.zeros(6, 3, dtype=torch.float64)
    for bits in torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * 3):
        weight = torch.where(bits > 0, h, 1 - h).prod(1, keepdim=True)
        expected += weight * (bits @ p["W2"] + p["b2"]).softmax(0)
    found = rule.network.mean_answer(batch.inputs, 4000, torch.Generator().manual_seed(1))
    torch.testing.assert_close(found, expected, atol=0.03, rtol=0)  # four standard errors
    torch.testing.assert_close(found.sum(1), torch.ones(6, dtype=torch.float64))
