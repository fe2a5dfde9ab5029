"""Validation images with particles of their own, against a loop written out by hand."""

import pytest
import torch

from replications.scellier2017.ablations.validation_particles import ValidationParticles
from tests.scellier2017.test_rule import EXAMPLES, NUDGED, assert_close, by_hand, make

IMAGES = 5


def make_both(**changes):
    """The network, the rule, its twin that evaluates from rest, a batch and validation images."""
    shape = dict(layers=(5, 7, 6, 3), scale=2.0)
    _, twin, _ = make(**shape)
    settings = NUDGED | {"images": IMAGES} | changes
    network, rule, batch = make(**shape, kind=ValidationParticles, **settings)
    images = torch.rand(IMAGES, 5, generator=rule.generator, dtype=torch.float64)
    return network, rule, twin, batch, images


def test_an_image_goes_on_from_where_it_ended_an_epoch_ago():
    network, rule, _, batch, images = make_both()
    states = network.rest(IMAGES)
    for epoch in range(3):
        rule.updates(batch)
        outputs = torch.cat([rule.predict(images[:3]), rule.predict(images[3:])])
        states = by_hand(network, images, states, steps=20)
        torch.testing.assert_close(outputs, states[-1])
        for particles, state in zip(rule.state.values(), states, strict=True):
            torch.testing.assert_close(particles[EXAMPLES:], state)
        for p in network.parameters.values():
            p.mul_(0.8 + epoch / 10)
    rested = by_hand(network, images, network.rest(IMAGES), steps=20)
    rule.updates(batch)
    assert (rule.predict(images) - rested[-1]).abs().max() > 1e-6


def test_training_is_that_of_equilibrium_propagation():
    _, rule, twin, batch, images = make_both()
    for _ in range(3):
        ours, monitor = rule.updates(batch)
        theirs, wanted = twin.updates(batch)
        rule.predict(images)
        assert_close(ours, theirs, rtol=0, atol=0)
        assert monitor == wanted
    for ours, theirs in zip(rule.state.values(), twin.state.values(), strict=True):
        assert torch.equal(ours[:EXAMPLES], theirs)
    assert_close(rule.estimate(batch), twin.estimate(batch), rtol=0, atol=0)


def test_settings_that_do_not_fit_say_what_does():
    _, rule, _, batch, images = make_both()
    rule.predict(images)
    with pytest.raises(ValueError, match="images is 5"):
        rule.predict(images)
    rule.updates(batch)
    rule.predict(images)  # another epoch
    with pytest.raises(ValueError, match="persistent is false"):
        make_both(persistent=False)
