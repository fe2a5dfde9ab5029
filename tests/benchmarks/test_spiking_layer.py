"""Neurons behind plastic synapses: the potential, the delays, and weights that act on spikes."""

import numpy as np
import pytest
import torch

from benchmarks.spiking_layer import IntegrateAndFire, PlasticLayer
from replications.core.learn.spiking.pair import PairRule

RULE = PairRule(a_plus=0.01, a_minus=0.012, tau_plus=20.0, tau_minus=25.0, pairing="all_to_all")


def neurons(count, threshold=20.0):
    return IntegrateAndFire(
        count, tau_m=20.0, v_rest=-2.0, v_threshold=threshold, v_reset=1.0, dt=0.5,
        like=torch.zeros(1, dtype=torch.float64),
    )  # fmt: skip


def test_the_potential_decays_to_rest_and_restarts():
    some = neurons(2)
    assert some.step(torch.tensor([10.0, 30.0])).tolist() == [False, True]
    assert some.v.tolist() == [8.0, 1.0]
    for _ in range(40):
        assert not some.step(torch.zeros(2)).any()
    np.testing.assert_allclose(some.v, [-2 + 10 / np.e, -2 + 3 / np.e])


def layer(count, inputs, gain, threshold=20.0):
    weights = torch.full((count, inputs), 0.5, dtype=torch.float64)
    synapses = RULE.clocked(weights, dt=0.5, low=-9.0, high=9.0)  # bounds that nothing meets
    return PlasticLayer(neurons(count, threshold), synapses, gain=gain)


def test_an_input_makes_a_neuron_fire_a_tick_later_and_its_weight_grow_a_tick_after_that():
    some = layer(1, 2, gain=100.0)
    grown = []
    for spikes in ([True, False], [False, False], [False, False], [False, False]):
        fires = some.step(torch.tensor(spikes))
        grown.append((bool(fires), float(some.synapses.weights[0, 0]) - 0.5))
    potentiation = 0.01 * np.exp(-2 * 0.5 / 20)
    assert grown == [(False, 0), (True, 0), (False, pytest.approx(potentiation)),
                     (False, pytest.approx(potentiation))]  # fmt: skip


def test_weights_change_by_pairs_with_the_spikes_as_they_arrive():
    generator = torch.Generator().manual_seed(0)
    some = layer(4, 6, gain=8.0, threshold=12.0)
    spikes = torch.rand(500, 6, generator=generator) < 0.1
    fired = torch.stack([some.step(tick) for tick in spikes])
    assert (fired.sum(dim=0) > 10).all()
    for post in range(4):
        back = 0.5 * (fired[:-1, post].nonzero()[:, 0].numpy() + 1)
        for pre in range(6):
            times = 0.5 * spikes[:, pre].nonzero()[:, 0].numpy()
            change = float(some.synapses.weights[post, pre]) - 0.5
            assert change == pytest.approx(RULE.change(times, back), abs=1e-12)


def test_what_drives_a_neuron_are_its_weights_after_the_change():
    some = layer(1, 1, gain=4.0)
    for spike in (True, False, True, False):
        some.step(torch.tensor([spike]))
    decay = np.exp(-0.5 / 20)
    assert float(some.neurons.v) == pytest.approx(-2 + 2 * decay**2 + 2)
