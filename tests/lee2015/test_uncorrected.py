"""Target propagation without the difference: targets are what the inverses give."""

import torch

from replications.core.learn.networks import FeedForward
from replications.lee2015.ablations.uncorrected import TargetPropagation
from replications.lee2015.rule import DifferenceTargetPropagation

SETTINGS = {"alpha": 0.3, "noise": 0.2}


def test_a_target_is_the_inverse_of_the_one_above(build):
    rule, batch = build(TargetPropagation, FeedForward, **SETTINGS)
    activities = rule.network.activities(batch.inputs)
    targets = rule.targets(activities, torch.full_like(activities[3], 0.1))
    torch.testing.assert_close(targets[3], activities[3] - 0.03)
    for i in (3, 2):
        p = rule.parameters
        expected = (targets[i] @ p[f"V{i}"] + p[f"c{i}"]).tanh()
        torch.testing.assert_close(targets[i - 1], expected)


def test_an_inverse_that_loses_all_makes_all_targets_alike_and_the_difference_mends_it(build):
    plain, batch = build(TargetPropagation, FeedForward, **SETTINGS)
    mended, _ = build(DifferenceTargetPropagation, FeedForward, **SETTINGS)
    for rule in (plain, mended):
        rule.parameters["V3"].zero_()
    activities = plain.network.activities(batch.inputs)
    gradient = torch.full_like(activities[3], 0.1)
    lost = plain.targets(activities, gradient)[2]
    torch.testing.assert_close(lost, lost[:1].expand_as(lost))
    torch.testing.assert_close(mended.targets(activities, gradient)[2], activities[2])
