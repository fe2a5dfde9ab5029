"""The released updates: all but two parameters learn, and those keep their values in training."""

import torch

from replications.core.learn.networks import FeedForward
from replications.core.learn.optimisers import CentredRMSprop
from replications.lee2015.ablations.released import ReleasedUpdates
from replications.lee2015.rule import DifferenceTargetPropagation
from tests.feed_forward import build

# 784-7x240-10 has L = 8 layers, of which the script leaves out W6 and b5.
LAYERS = (5, 4, 4, 4, 4, 4, 4, 4, 3)


def test_w6_and_b5_of_the_papers_network_alone_do_not_learn():
    settings = {"alpha": 0.3, "noise": 0.2}
    ours, batch = build(ReleasedUpdates, FeedForward, layers=LAYERS, **settings)
    theirs, _ = build(DifferenceTargetPropagation, FeedForward, layers=LAYERS, **settings)
    released, whole = ours.updates(batch)[0], theirs.updates(batch)[0]
    still = {name for name, update in released.items() if not update.any()}
    assert still == {"W6", "b5"}
    for name in released.keys() - still:
        torch.testing.assert_close(released[name], whole[name])
    assert whole["W6"].any() and whole["b5"].any()


def test_the_papers_optimiser_leaves_them_as_they_are():
    rule, batch = build(ReleasedUpdates, FeedForward, layers=LAYERS, alpha=0.3, noise=0.2)
    parameters = rule.network.parameters
    before = {name: p.clone() for name, p in parameters.items()}
    rates = dict.fromkeys(parameters, 0.01)
    optimiser = CentredRMSprop(parameters, rates, decay=0.95, momentum=0.9, floor=0.001)
    for _ in range(3):
        optimiser.step(rule.updates(batch)[0], 1.0)
    assert {name for name, p in parameters.items() if torch.equal(p, before[name])} == {"W6", "b5"}
