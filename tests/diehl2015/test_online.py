"""Learning on the fly against a plain loop over ticks, both populations and all traces."""

import math

import pytest
import torch

from replications.diehl2015.network import arrivals
from replications.diehl2015.online import Online
from replications.diehl2015.plasticity import Spikes
from tests.diehl2015.cases import SETTINGS, Plain, make_network, plasticity, raster_of

IMAGE, REST = 120, 60  # ticks
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def make(network, **changes):
    numbers = SETTINGS["plasticity"] | changes
    state = {
        "x": torch.full_like(network.parameters["theta"], network.rest),
        "g_i": torch.zeros_like(network.parameters["theta"]),
        "fired": torch.full_like(network.parameters["theta"], -1e6),
        "arrived": torch.full((network.inputs,), -1e6, dtype=torch.float64),
    }
    online = Online(network, plasticity(**changes), image=IMAGE, rest=REST, state=state)
    weights, theta = (network.parameters[name].clone() for name in ("W", "theta"))
    online.adopt(weights, theta)
    return online, Plain(network, numbers)


def images(inputs, count=6, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        chance = (
            0.4
            * torch.rand(inputs, generator=generator)
            * (torch.rand(inputs, generator=generator) < 0.7)
        )
        yield arrivals(chance, IMAGE, generator)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"nu_pre": 0.05, "nu_post": 0.5},  # weights meet both bounds
        {"theta_plus": 0.5, "tau_theta": 1000.0},
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_plain_loop(changes, seed):
    network = make_network(column_sum=8.0)
    online, plain = make(network, **changes)
    total, bounded = 0, False
    for who, when in images(network.inputs, seed=seed):
        count = online.present(who, when)
        fired = plain.present(raster_of(who, when, network.inputs, IMAGE), REST)
        assert count == int(fired[:IMAGE].sum())
        torch.testing.assert_close(online.weights, plain.w, **CLOSE)
        torch.testing.assert_close(online.theta, plain.theta, **CLOSE)
        torch.testing.assert_close(online.state["g_i"], plain.gi_e, **CLOSE)
        free = plain.wait_e == 0
        torch.testing.assert_close(online.state["x"][free] - 100, plain.v_e[free], **CLOSE)
        total += count
        bounded |= bool((plain.w == 0).any() and (plain.w == 1).any())
    assert total > 20
    assert bounded == ("nu_pre" in changes)


def test_neurons_with_thresholds_below_rest_fire_on_in_the_rest_and_in_the_next_image():
    """Refractory periods and inhibition that the end of a presentation cuts in two."""
    network = make_network(column_sum=8.0)
    network.parameters["theta"] -= torch.tensor([16.0, 15.0, 14.5, 0.0, 0.0], dtype=torch.float64)
    online, plain = make(network, nu_pre=0.0, nu_post=0.0)
    late = False
    for who, when in images(network.inputs, count=12):
        count = online.present(who, when)
        fired = plain.present(raster_of(who, when, network.inputs, IMAGE), REST)
        late |= bool(fired[-network.refractory :].any())
        assert count == int(fired[:IMAGE].sum())
        torch.testing.assert_close(online.theta, plain.theta, **CLOSE)
    assert late, "no refractory period was cut"


def test_each_neurons_weights_add_up_to_the_column_sum_before_an_image():
    network = make_network(column_sum=8.0)
    online, _ = make(network, nu_post=0.5)
    moved = []
    for who, when in images(network.inputs):
        online.begin(Spikes(who, when, IMAGE))
        torch.testing.assert_close(online.weights.sum(0), torch.full((5,), 8.0).double())
        online.present(who, when)
        moved.append(float((online.weights.sum(0) - 8).abs().max()))
    assert max(moved) > 0.1, "learning alone would not keep them there"


def test_an_image_without_spikes_changes_nothing_but_the_thresholds_decay():
    network = make_network()
    online, _ = make(network, tau_theta=1000.0)
    before = online.weights.clone()
    none = torch.zeros(0, dtype=torch.int64)
    assert online.present(none, none) == 0
    torch.testing.assert_close(online.weights, before, rtol=1e-12, atol=0)
    left = online.theta / network.parameters["theta"]
    torch.testing.assert_close(left, torch.full_like(left, math.exp(-(IMAGE + REST) / 2000)))
