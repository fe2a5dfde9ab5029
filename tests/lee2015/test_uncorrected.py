"""Target propagation without the difference: targets are what the inverses give."""

import torch

from replications.core.learn.networks import FeedForward
from replications.lee2015.ablations.uncorrected import TargetPropagation
from replications.lee2015.rule import DifferenceTargetPropagation
from tests.feed_forward import build

SETTINGS = {"alpha": 0.3, "noise": 0.2}


def test_a_target_is_the_inverse_of_the_one_above():
    rule, batch = build(TargetPropagation, FeedForward, **SETTINGS)
    activities = rule.network.activities(batch.inputs)
    targets = rule.targets(activities, batch.targets)
    error = (activities[-1].softmax(1) - batch.targets) / 6
    step = 0.3 * error @ rule.network.parameters["W4"].T
    torch.testing.assert_close(targets[3], activities[3] - step)
    for i in (3, 2):
        p = rule.parameters
        expected = (targets[i] @ p[f"V{i}"] + p[f"c{i}"]).tanh()
        torch.testing.assert_close(targets[i - 1], expected)


def test_an_inverse_that_loses_all_makes_all_targets_alike_and_the_difference_mends_it():
    plain, batch = build(TargetPropagation, FeedForward, **SETTINGS)
    mended, _ = build(DifferenceTargetPropagation, FeedForward, **SETTINGS)
    for rule in (plain, mended):
        rule.parameters["V3"].zero_()
    activities = plain.network.activities(batch.inputs)
    lost = plain.targets(activities, batch.targets)[2]
    torch.testing.assert_close(lost, lost[:1].expand_as(lost))
    torch.testing.assert_close(mended.targets(activities, batch.targets)[2], activities[2])
