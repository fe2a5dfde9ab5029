"""Changes of weights against sums over pairs of spikes, one synapse at a time."""

from math import exp

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.diehl2015.network import DT, arrivals
from replications.diehl2015.plasticity import Plasticity, Spikes
from tests.diehl2015.cases import SETTINGS, plasticity

INPUTS, TICKS = 7, 60
few = settings(max_examples=25, derandomize=True, deadline=None)
SEEDS = st.integers(0, 10_000)
TICK = st.integers(0, TICKS - 1)


def drawn(seed):
    """Input spikes in order, their ticks by input, and weights of one neuron."""
    generator = torch.Generator().manual_seed(seed)
    who, when = arrivals(torch.full((INPUTS,), 0.2), TICKS, generator)
    ticks = [when[who == i].tolist() for i in range(INPUTS)]
    return Spikes(who, when, TICKS), ticks, torch.rand(INPUTS, generator=generator).double()


@few
@given(seed=SEEDS, after=TICK, until=TICK, nu=st.sampled_from([1e-4, 0.02, 0.3]))
def test_depression_sums_over_input_spikes_between_two_spikes_of_the_neuron(seed, after, until, nu):
    spikes, ticks, column = drawn(seed)
    rule, before = plasticity(nu_pre=nu), column.clone()
    rule.depress(column, spikes, after, until)
    for i in range(INPUTS):
        lost = sum(nu * exp(-(t - after) * DT / 20) for t in ticks[i] if after < t <= until)
        assert float(column[i]) == pytest.approx(max(0, float(before[i]) - lost), abs=1e-12)


@few
@given(seed=SEEDS, tick=TICK, since=st.integers(10, 2000))
def test_potentiation_is_by_the_last_input_spike_and_the_last_but_one_of_the_neuron(
    seed, tick, since
):
    spikes, ticks, column = drawn(seed)
    rule, before = plasticity(nu_post=0.5), column.clone()
    arrived = torch.full((INPUTS,), -700.0, dtype=torch.float64)
    spikes.note(tick, arrived)
    rule.potentiate(column, tick - arrived, since)
    for i in range(INPUTS):
        last = max([t for t in ticks[i] if t <= tick], default=-700)
        gain = 0.5 * exp(-(tick - last) * DT / 20) * exp(-since * DT / 40)
        assert float(column[i]) == pytest.approx(min(1, float(before[i]) + gain), abs=1e-12)


@few
@given(seed=SEEDS, after=TICK, nu=st.sampled_from([1e-4, 0.02, 0.3]))
def test_later_input_transmits_each_spikes_weight_after_its_own_depression(seed, after, nu):
    spikes, ticks, column = drawn(seed)
    rule = plasticity(nu_pre=nu)
    found = rule.later_input(column, spikes, after, TICKS)
    wanted = [0.0] * TICKS
    for i in range(INPUTS):
        weight = float(column[i])
        for t in ticks[i]:
            if t > after:
                weight = max(0.0, weight - nu * exp(-(t - after) * DT / 20))
                wanted[t] += weight
    assert found.tolist() == pytest.approx(wanted[after + 1 :], abs=1e-12)


def test_numbers_that_are_missing_or_unknown_are_refused():
    numbers = dict(SETTINGS["plasticity"])
    with pytest.raises(ValueError, match="give nu_post, nu_pre"):
        Plasticity(numbers | {"nu": 1})
    numbers.pop("w_max")
    with pytest.raises(ValueError, match="w_max"):
        Plasticity(numbers)
