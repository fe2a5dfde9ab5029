"""Spike trains: what is let through, and what is told of the rest."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from replications.core.learn.spiking.trains import checked, events, on_clock

TICKS = st.lists(st.integers(0, 99), unique=True, max_size=30).map(sorted)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([3.0, 1.0], r"post: spike 1 \(1.0 ms\) stands after 3.0 ms: sort the times"),
        ([1.0, 2.0, 2.0], "post: two spikes at 2.0 ms: .*numpy.unique"),
        ([1.0, np.nan], "post: spike 1 is at nan: give times in ms"),
        ([[1.0], [2.0]], r"post: spike times have shape \(2, 1\): give one row"),
    ],
)
def test_a_train_that_is_none_is_told_what_is_wrong(times, message):
    with pytest.raises(ValueError, match=message):
        checked(times, "post")


def test_an_empty_train_is_a_train():
    assert checked([], "pre").shape == (0,)
    assert list(events([], [])) == []


@given(pre=TICKS, post=TICKS)
def test_events_are_all_spikes_in_order(pre, post):
    times, before, after = [], [], []
    now = min([*pre, *post], default=0)
    for elapsed, is_pre, is_post in events(pre, post):
        now += elapsed
        times.append(now)
        before += [now] if is_pre else []
        after += [now] if is_post else []
        assert is_pre or is_post
    assert times == sorted(set(pre) | set(post))
    assert before == pre
    assert after == post


@given(ticks=TICKS, dt=st.sampled_from([0.1, 0.5, 1.0]))
def test_a_clock_holds_every_spike(ticks, dt):
    train = on_clock([tick * dt for tick in ticks], dt=dt, steps=100)
    assert torch.equal(train.nonzero()[:, 0], torch.tensor(ticks, dtype=torch.long))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.25], "a spike at 0.25 ms falls between two ticks of 1.0 ms"),
        ([5.0, 10.0], "spikes from 5.0 to 10.0 ms do not fit into 10 ticks"),
        ([-1.0], "do not fit"),
    ],
)
def test_a_clock_refuses_spikes_that_it_cannot_hold(times, message):
    with pytest.raises(ValueError, match=message):
        on_clock(times, dt=1.0, steps=10)
