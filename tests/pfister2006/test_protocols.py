"""The protocols: how many spikes, how far apart, and blocks that do not know of each other."""

import numpy as np
import pytest

from replications.core.learn.spiking.pair import PairRule
from replications.core.learn.spiking.voltage import VoltageRule
from replications.pfister2006 import neuron
from replications.pfister2006.measurements import LAGS, RATES
from replications.pfister2006.protocols import GAP, PROTOCOLS, Protocol


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("name", "pairs"), [("60 pairings", 60), ("15 trains of 5", 75), ("trains as released", 75)]
)
def test_numbers_and_distances(name, pairs, rate, lag):
    protocol = PROTOCOLS[name](rate, lag)
    pre, post = protocol.block
    assert len(pre) * protocol.blocks == (50 if rate == 0.1 and pairs == 75 else pairs)
    np.testing.assert_allclose(post[: len(pre)] - pre, lag)
    np.testing.assert_allclose(np.diff(pre), 1000 / rate)
    sixth = name == "trains as released" and lag < 0 and rate > 0.1
    assert len(post) == len(pre) + sixth
    assert (protocol.blocks - 1) * GAP == 0 or post[-1] + 9000 < GAP


def test_a_spike_rule_sees_all_blocks():
    rule = PairRule(a_plus=1.0, a_minus=0.0, tau_plus=5e3, tau_minus=1.0, pairing="all_to_all")
    one, two = (Protocol(10.0, 10.0, 1, blocks).terms(rule)[0] for blocks in (1, 2))
    assert two == pytest.approx(2 * one + np.exp(-(GAP + 10) / 5e3))


def test_a_rule_of_the_potential_forgets_a_block_before_the_next():
    rule = VoltageRule(
        a_minus=1.0, a_plus=1.0, tau_minus=10.0, tau_plus=7.0, tau_x=15.0, theta_minus=-70.6,
        theta_plus=-45.3, delay=3, dt=1.0,
    )  # fmt: skip
    for lag in LAGS:
        protocol = Protocol(50.0, lag, 5, 2)
        pre, post = (np.concatenate([train, train + GAP]) for train in protocol.block)
        whole = neuron.potential(tuple(post.astype(int)), steps=int(post[-1]) + 100)
        np.testing.assert_allclose(protocol.terms(rule), rule.terms(pre, whole), rtol=1e-6)
