"""Every rule against a sum over pairs or triplets of spikes, and on a clock against its events."""

from itertools import pairwise
from math import exp

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from replications.core.learn.spiking.differential import DifferentialHebbianRule
from replications.core.learn.spiking.pair import PairRule
from replications.core.learn.spiking.triplet import TripletRule
from replications.core.learn.spiking.voltage import VoltageRule

STEPS = 200
TRAINS = st.lists(st.integers(0, STEPS - 1), unique=True, max_size=25).map(sorted)
TIMES = st.lists(
    st.floats(0, 300, allow_nan=False, width=32), unique=True, max_size=15
).map(sorted)  # fmt: skip
PAIRINGS = st.sampled_from(["all_to_all", "nearest"])

VOLTAGE = VoltageRule(
    a_minus=0.14, a_plus=0.08, tau_minus=10.0, tau_plus=7.0, tau_x=15.0, theta_minus=-70.0,
    theta_plus=-45.0, delay=3, dt=0.5,
)  # fmt: skip


def pair(pairing):
    return PairRule(a_plus=0.7, a_minus=0.4, tau_plus=17.0, tau_minus=34.0, pairing=pairing)


def triplet(pairing):
    return TripletRule(
        a2_plus=0.3, a3_plus=0.6, a2_minus=0.4, a3_minus=0.5, tau_plus=17.0, tau_minus=34.0,
        tau_x=101.0, tau_y=125.0, pairing=pairing,
    )  # fmt: skip


def kernel(spikes, now, tau, pairing):
    """A trace at `now`: a sum over the spikes strictly before, or over the last of them."""
    earlier = [t for t in spikes if t < now]
    return sum(exp((t - now) / tau) for t in (earlier if pairing == "all_to_all" else earlier[-1:]))


@given(pre=TIMES, post=TIMES, pairing=PAIRINGS)
def test_pair_rule_is_the_sum_over_pairs(pre, post, pairing):
    rule = pair(pairing)
    expected = sum(0.7 * kernel(pre, t, 17.0, pairing) for t in post)
    expected -= sum(0.4 * kernel(post, t, 34.0, pairing) for t in pre)
    assert rule.change(pre, post) == pytest.approx(expected, abs=1e-12)


@given(pre=TIMES, post=TIMES, pairing=PAIRINGS)
def test_triplet_rule_is_the_sum_over_pairs_and_triplets(pre, post, pairing):
    rule = triplet(pairing)
    expected = sum(
        kernel(pre, t, 17.0, pairing) * (0.3 + 0.6 * kernel(post, t, 125.0, pairing)) for t in post
    )
    expected -= sum(
        kernel(post, t, 34.0, pairing) * (0.4 + 0.5 * kernel(pre, t, 101.0, pairing)) for t in pre
    )
    assert rule.change(pre, post) == pytest.approx(expected, abs=1e-12)


@given(pre=TIMES, post=TIMES, pairing=PAIRINGS)
def test_triplet_rule_without_triplets_is_the_pair_rule(pre, post, pairing):
    rule = TripletRule(
        a2_plus=0.7, a3_plus=0.0, a2_minus=0.4, a3_minus=0.0, tau_plus=17.0, tau_minus=34.0,
        tau_x=101.0, tau_y=125.0, pairing=pairing,
    )  # fmt: skip
    assert rule.change(pre, post) == pytest.approx(pair(pairing).change(pre, post), abs=1e-12)


@given(pre=TIMES, post=TIMES)
def test_differential_rule_is_the_balanced_pair_rule(pre, post):
    """At one time the trace of the presynaptic spike is still to come: depression alone."""
    tau_x, tau_y = 17.0, 34.0
    rule = DifferentialHebbianRule(amplitude=1.5, tau_x=tau_x, tau_y=tau_y)
    window = PairRule(
        a_plus=1.5 * tau_y / (tau_x + tau_y), a_minus=1.5 * tau_x / (tau_x + tau_y),
        tau_plus=tau_x, tau_minus=tau_y, pairing="all_to_all",
    )  # fmt: skip
    at_once = window.a_minus * len(set(pre) & set(post))
    expected = window.change(pre, post) - at_once
    assert rule.change(pre, post) == pytest.approx(expected, abs=1e-12)


def test_differential_rule_is_the_integral_that_it_says():
    pre, post = [0.0, 12.0, 40.0], [5.0, 30.0]
    rule = DifferentialHebbianRule(amplitude=2.0, tau_x=10.0, tau_y=25.0)

    def x(t):
        return sum(exp((s - t) / 10.0) for s in pre if s < t)

    def y(t):
        return sum(exp((s - t) / 25.0) for s in post if s <= t)

    edges = [*sorted(pre + post), 600.0]
    falling = sum(quad(lambda t: -x(t) * y(t) / 25.0, a, b)[0] for a, b in pairwise(edges))
    assert rule.change(pre, post) == pytest.approx(2 * (sum(map(x, post)) + falling), abs=1e-7)


@settings(deadline=None)
@given(pre=TRAINS, seed=st.integers(0, 1000))
def test_voltage_rule_is_the_sum_over_its_steps(pre, seed):
    potential = -80 + 60 * np.random.default_rng(seed).random(STEPS)
    x = minus = plus = total = 0.0
    late = [(0.0, 0.0)] * 4  # ū− and ū+ above rest: now, and one to three steps ago
    for step in range(STEPS):
        late = [(minus, plus), *late[:3]]
        spike, above = step in pre, potential[step] + 70
        total += 0.08 * 0.5 * max(potential[step] + 45, 0) * x * max(late[3][1], 0)
        total -= 0.14 * spike * max(late[3][0], 0)
        minus += 0.5 / 10 * (above - minus)
        plus += 0.5 / 7 * (above - plus)
        x += 0.5 / 15 * (spike / 0.5 - x)
    times = [0.5 * tick for tick in pre]
    assert VOLTAGE.change(times, potential) == pytest.approx(total, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(pre=st.lists(TRAINS, min_size=3, max_size=3), post=st.lists(TRAINS, min_size=2, max_size=2),
       pairing=PAIRINGS, kind=st.sampled_from(["pair", "triplet", "differential"]))  # fmt: skip
def test_on_a_clock_many_synapses_change_as_their_events_say(pre, post, pairing, kind):
    rule = {
        "pair": pair(pairing),
        "triplet": triplet(pairing),
        "differential": DifferentialHebbianRule(amplitude=0.8, tau_x=8.0, tau_y=6.0),
    }[kind]
    steps = STEPS + 200  # the integral of the differential rule goes on after the last spike
    weights = torch.full((2, 3), 50.0, dtype=torch.float64)
    synapses = rule.clocked(weights, dt=1.0, low=-1e3, high=1e3)
    for step in range(steps):
        synapses.step(
            torch.tensor([step in train for train in pre]),
            torch.tensor([step in train for train in post]),
        )
    expected = [[50 + rule.change(before, after) for before in pre] for after in post]
    torch.testing.assert_close(
        weights, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-6
    )


@given(pre=st.lists(TRAINS, min_size=3, max_size=3), post=st.lists(TRAINS, min_size=2, max_size=2),
       pairing=PAIRINGS)  # fmt: skip
def test_changes_of_all_synapses_at_once_are_those_of_each(pre, post, pairing):
    rule = pair(pairing)
    trains = [
        np.array([np.isin(np.arange(STEPS), train) for train in side]) for side in (pre, post)
    ]
    expected = [
        [rule.change(2.0 * np.array(before), 2.0 * np.array(after) + 1) for before in pre]
        for after in post
    ]
    np.testing.assert_allclose(rule.changes(*trains, dt=2.0), expected, atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(pre=st.lists(TRAINS, min_size=3, max_size=3), seed=st.integers(0, 1000))
def test_on_a_clock_the_voltage_rule_changes_as_its_events_say(pre, seed):
    potentials = -80 + 60 * np.random.default_rng(seed).random((2, STEPS))
    weights = torch.full((2, 3), 50.0, dtype=torch.float64)
    synapses = VOLTAGE.clocked(weights, dt=0.5, low=-1e3, high=1e3)
    for step in range(STEPS):
        now = torch.from_numpy(potentials[:, step])
        synapses.step(torch.tensor([step in train for train in pre]), now)
    times = [[0.5 * tick for tick in train] for train in pre]
    expected = [[50 + VOLTAGE.change(train, p) for train in times] for p in potentials]
    torch.testing.assert_close(
        weights, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize(
    "rule",
    [pair("all_to_all"), triplet("nearest"),
     DifferentialHebbianRule(amplitude=1.0, tau_x=10.0, tau_y=10.0), VOLTAGE],
    ids=lambda rule: type(rule).__name__,
)  # fmt: skip
def test_weights_stay_within_their_bounds_and_unpaired_ones_where_they_are(rule):
    generator = torch.Generator().manual_seed(0)
    weights = torch.full((4, 6), 0.5, dtype=torch.float64)
    synapses = rule.clocked(weights, dt=0.5, low=0.0, high=1.0)
    for _ in range(300):
        pre, post = (torch.rand(n, generator=generator) < 0.1 for n in (6, 4))
        pre[0] = post[0] = False  # the first of both never spikes
        if rule.READS == "potential":
            post = torch.where(post, 20.0, -70.0).double()
        synapses.step(pre, post)
        assert 0 <= weights.min() <= weights.max() <= 1
    assert (weights[:, 0] == 0.5).all()
    assert (weights[0] == 0.5).all()
    assert (weights[1:, 1:] != 0.5).all()
    assert weights.max() == 1 or weights.min() == 0  # or the bounds were not tried


def test_no_spikes_no_change():
    for pairing in ("all_to_all", "nearest"):
        assert pair(pairing).change([], [10.0]) == triplet(pairing).change([10.0], []) == 0
    assert VOLTAGE.change([], np.full(10, -20.0)) == 0


def test_what_has_no_meaning_is_told():
    with pytest.raises(ValueError, match="pairing is 'most': give one of all_to_all, nearest"):
        pair("most")
    with pytest.raises(ValueError, match="tau_x is 0: give a time constant above 0 ms"):
        DifferentialHebbianRule(amplitude=1.0, tau_x=0, tau_y=1.0)
    with pytest.raises(ValueError, match="a_plus is -1: give an amplitude of at least 0"):
        PairRule(a_plus=-1, a_minus=1.0, tau_plus=1.0, tau_minus=1.0, pairing="nearest")
    with pytest.raises(ValueError, match="sort the times"):
        pair("nearest").change([2.0, 1.0], [])
    with pytest.raises(ValueError, match=r"give \(postsynaptic, presynaptic\) within 0 to 1"):
        pair("nearest").clocked(torch.full((2, 2), 3.0), dt=1.0, low=0.0, high=1.0)
    with pytest.raises(ValueError, match=r"defined for steps of 0\.5 ms"):
        VOLTAGE.clocked(torch.zeros(2, 2), dt=1.0, low=0.0, high=1.0)
