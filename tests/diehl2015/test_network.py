"""The neurons' numbers, the relay of inhibition, and the spikes of the inputs."""

import pytest
import torch

from replications.diehl2015.network import DT, arrivals, relayed
from tests.diehl2015.cases import NETWORK, make_network

INHIBITORY, SYNAPSES = NETWORK["inhibitory"], NETWORK["synapses"]


def test_weights_of_each_neuron_start_at_the_column_sum():
    weights = make_network(40, 6, column_sum=7.0).parameters["W"]
    torch.testing.assert_close(weights.sum(0), torch.full((6,), 7.0, dtype=torch.float64))
    assert (weights > 0).all() and weights.std() > 0.05


def test_an_inhibitory_neuron_fires_once_in_the_next_tick():
    assert relayed(INHIBITORY, SYNAPSES, 5) == [1]


def test_a_strong_synapse_makes_it_fire_twice_and_a_weak_one_never():
    assert len(relayed(INHIBITORY, SYNAPSES | {"to_inhibitory": 1000.0}, 5)) > 1
    assert relayed(INHIBITORY, SYNAPSES | {"to_inhibitory": 1.0}, 5) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"synapses": SYNAPSES | {"to_inhibitory": 1.0}}, "fires once"),
        ({"inhibitory": INHIBITORY | {"refractory": 6}}, "at most 5 ms"),
        ({"excitatory": {"tau": 100}}, "excitatory: give e_exc, e_inh"),
        ({"excitatory": NETWORK["excitatory"] | {"refractory": 0.2}}, "at most 0.2 ms"),
        (
            {
                "excitatory": NETWORK["excitatory"] | {"refractory": 0.2},
                "inhibitory": INHIBITORY | {"refractory": 0.2, "tau": 0.6, "v_reset": -60},
                "synapses": SYNAPSES | {"to_inhibitory": 1.0},
            },
            "at least 0.5 ms",
        ),
    ],
)
def test_numbers_at_which_the_network_is_another_are_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        make_network(**changes)


def test_inputs_fire_in_each_tick_with_their_chance():
    """Mean and variance of the number of spikes, of the first tick and of gaps of one."""
    ticks, copies = 400, 2000
    for p in (0.002, 0.03, 0.5):
        chance = torch.full((copies,), p)
        who, when = arrivals(chance, ticks, torch.Generator().manual_seed(1))
        raster = torch.zeros(ticks, copies)
        raster[when, who] = 1
        assert raster.sum() == len(who), "no input fires twice in a tick"
        error = 4 * (p * (1 - p) / raster.numel()) ** 0.5
        assert float(raster.mean()) == pytest.approx(p, abs=error)
        variance = float(raster.sum(0).var()) / (ticks * p * (1 - p))
        assert variance == pytest.approx(1, abs=4 * (2 / copies) ** 0.5 + 0.02)
        edge = float(raster[[0, -1]].mean())
        assert edge == pytest.approx(p, abs=4 * (p * (1 - p) / (2 * copies)) ** 0.5)
        pairs = float((raster[1:] * raster[:-1]).mean())
        assert pairs == pytest.approx(p * p, abs=5 * p / raster.numel() ** 0.5)


def test_spikes_stand_in_the_order_of_inputs_and_then_of_time():
    chance = torch.tensor([0.3, 0.0, 1.0, 0.1])
    who, when = arrivals(chance, 50, torch.Generator().manual_seed(0))
    key = who * 50 + when
    assert (key[1:] > key[:-1]).all()
    assert not (who == 1).any()
    assert when[who == 2].tolist() == list(range(50))


def test_a_blank_image_gives_no_spikes():
    who, when = arrivals(torch.zeros(9), 50, torch.Generator())
    assert len(who) == len(when) == 0


def test_a_neuron_that_is_let_go_falls_back_to_rest():
    """Time constant of the potential: after 100 ms, by Euler's method, (1 − dt / τ)^200."""
    network = make_network()
    left = (1 - network.leak) ** round(100 / DT)
    assert left == pytest.approx(2.718281828**-1, rel=0.01)
