"""Many images at once against one at a time, and against a plain loop."""

import torch

from replications.diehl2015.frozen import spike_counts
from replications.diehl2015.network import arrivals
from tests.diehl2015.cases import Plain, make_network, raster_of

TICKS = 150


def several(network, images=7):
    """Input spikes of images of different strength, the last of them blank."""
    generator = torch.Generator().manual_seed(3)
    strength = torch.linspace(0.3, 0, images)[:, None]
    chance = strength * torch.rand(images, network.inputs, generator=generator)
    return [arrivals(row, TICKS, generator) for row in chance]


def together(network, images):
    who = torch.cat([who + k * network.inputs for k, (who, _) in enumerate(images)])
    return spike_counts(network, len(images), TICKS, who, torch.cat([when for _, when in images]))


def test_images_at_once_are_images_one_at_a_time():
    network = make_network(column_sum=8.0)
    images = several(network)
    counts = together(network, images)
    for k, (who, when) in enumerate(images):
        assert torch.equal(spike_counts(network, 1, TICKS, who, when)[0], counts[k])
    assert counts[0].sum() > 5 and counts[-1].sum() == 0


def test_they_are_what_a_plain_loop_gives_without_learning():
    network = make_network(column_sum=8.0)
    network.parameters["theta"] -= torch.linspace(0, 3, network.neurons).double()
    images = several(network)
    counts = together(network, images)
    for k, (who, when) in enumerate(images):
        raster = raster_of(who, when, network.inputs, TICKS)
        fired = Plain(network).present(raster, 0, learns=False)
        assert torch.equal(fired.sum(0).double(), counts[k])


def test_nothing_is_learnt():
    network = make_network(column_sum=8.0)
    before = {name: p.clone() for name, p in network.parameters.items()}
    assert together(network, several(network)).sum() > 0
    assert all(torch.equal(p, before[name]) for name, p in network.parameters.items())


def test_a_volley_of_many_neurons_inhibits_and_does_not_diverge():
    """All fire at once: each is inhibited by 59 others, by Euler's method to −5 times x."""
    network = make_network(12, 60, column_sum=8.0)
    network.parameters["W"][:] = network.parameters["W"].mean()
    who, when = arrivals(torch.full((12,), 0.3), TICKS, torch.Generator().manual_seed(0))
    counts = spike_counts(network, 1, TICKS, who, when)
    assert len(counts.unique()) == 1
    assert 1 <= float(counts[0, 0]) <= 4
