"""The neuron and the voltage-based rule against the weights of the authors' code."""

import numpy as np
import pytest

from replications.core.learn.spiking.voltage import VoltageRule
from replications.pfister2006 import neuron

RULE = VoltageRule(
    a_minus=0.00014, a_plus=0.00008, tau_minus=10.0, tau_plus=7.0, tau_x=15.0, theta_minus=-70.6,
    theta_plus=-45.3, delay=3, dt=1.0,
)  # fmt: skip

# Weights that VoTri.m ends with from .5 (ModelDB 144566): rate, lag, weight; computed by others by
# transcribing it line by line (read).
RELEASED = [
    (20, 10, 0.5785321888565067),
    (50, 10, 0.8250073071063487),
    (10, -10, 0.2980880775388822),
    (40, -10, 0.5888818833532738),
    (50, -10, 0.867785888080795),
]


def released_trains(rate, lag):
    """15 trains every 10 s as the indices of VoTri.m make them, 0 its first step that runs.

    With a negative lag the train has a sixth postsynaptic spike, and the first one of all falls
    before the loop starts.
    """
    period = 1000 // rate
    pre = 10 + period * np.arange(5)
    post = 10 + lag + period * np.arange(5 if lag > 0 else 6)
    starts = 10_000 * np.arange(15)[:, None]
    pre, post = ((starts + train).ravel() - 3 for train in (pre, post))  # the loop starts at 4
    return pre, post[post >= 0]


@pytest.mark.parametrize(("rate", "lag", "weight"), RELEASED)
def test_weights_are_those_of_the_released_code(rate, lag, weight):
    pre, post = released_trains(rate, lag)
    potential = neuron.potential(tuple(post.tolist()), steps=150_000)
    assert 0.5 + RULE.change(pre, potential) == pytest.approx(weight, abs=1e-10)


def test_a_spike_is_two_steps_high_and_the_neuron_comes_back_to_rest():
    potential = neuron.potential((50,), steps=3000)
    assert potential[49] == pytest.approx(-70.6, abs=0.01)
    assert list(potential[50:52]) == [29.4, 29.4 + 3.462]
    assert potential[52] < -40
    assert potential[-1] == pytest.approx(-70.6, abs=0.01)


def test_spikes_within_a_spike_are_refused():
    with pytest.raises(ValueError, match="closer than 3 ms"):
        neuron.potential((10, 12), steps=100)
