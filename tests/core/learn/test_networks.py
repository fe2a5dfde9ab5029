"""Shared networks: shapes, initial weights, activities written out, and determinism."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.core.learn.networks import (
    INITIALISATIONS,
    FeedForward,
    fan_in_uniform,
    fan_out_uniform,
    glorot_normal,
    glorot_uniform,
    orthogonal,
    uniform,
)

FIXED = settings(derandomize=True, deadline=None, max_examples=40)
SIZES = st.integers(1, 40)
SEEDS = st.integers(0, 2**63 - 1)


OPTIONS = {  # of those that take some
    "uniform": {"bound": 0.3}, "fan_in_uniform": {"gain": 0.7}, "fan_out_uniform": {"gain": 0.7},
    "glorot_normal": {"gain": 0.7},
}  # fmt: skip
DECLARED = [{name: OPTIONS[name]} if name in OPTIONS else name for name in INITIALISATIONS]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make(layers=(5, 4, 3, 2), initialisation="glorot_uniform", seed=0, dtype=torch.float64,
         units="tanh", cost="softmax_cross_entropy"):  # fmt: skip
    return FeedForward(
        layers=layers, initialisation=initialisation, units=units, cost=cost,
        generator=seeded(seed), dtype=dtype,
    )  # fmt: skip


@FIXED
@given(SIZES, SIZES, SEEDS)
def test_orthogonal_has_all_singular_values_one(fan_in, fan_out, seed):
    weights = orthogonal(fan_in, fan_out, generator=seeded(seed), dtype=torch.float64)
    assert weights.shape == (fan_in, fan_out)
    values = torch.linalg.svdvals(weights)
    assert len(values) == min(fan_in, fan_out)
    assert (values - 1).abs().max() <= 1e-12


def test_orthogonal_is_of_both_signs_and_mixes_all_units():
    """The identity, or a permutation of it, has singular values 1 too."""
    weights = orthogonal(60, 60, generator=seeded(), dtype=torch.float64)
    assert weights.abs().max() < 0.7
    assert 0.4 < float((weights > 0).double().mean()) < 0.6


@FIXED
@given(SIZES, SIZES, SEEDS)
def test_glorot_stays_within_its_bound(fan_in, fan_out, seed):
    weights = glorot_uniform(fan_in, fan_out, generator=seeded(seed), dtype=torch.float64)
    assert weights.shape == (fan_in, fan_out)
    assert weights.abs().max() <= math.sqrt(6 / (fan_in + fan_out))


@pytest.mark.parametrize(("fan_in", "fan_out"), [(300, 200), (50, 1000)])
def test_glorot_is_uniform_up_to_its_bound(fan_in, fan_out):
    weights = glorot_uniform(fan_in, fan_out, generator=seeded(), dtype=torch.float64)
    bound, count = math.sqrt(6 / (fan_in + fan_out)), fan_in * fan_out
    deviation = bound / math.sqrt(3)  # so that the variance is 2 / (fan_in + fan_out)
    assert abs(float(weights.mean())) < 5 * deviation / math.sqrt(count)
    assert float(weights.var()) == pytest.approx(2 / (fan_in + fan_out), rel=0.02)
    quarters = torch.histc(weights, bins=4, min=-bound, max=bound) / count
    torch.testing.assert_close(quarters, torch.full_like(quarters, 0.25), atol=0.01, rtol=0)
    assert weights.max() > 0.999 * bound and weights.min() < -0.999 * bound


@pytest.mark.parametrize("initialisation", DECLARED, ids=[*INITIALISATIONS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_parameters_are_named_upwards_with_biases_at_zero(initialisation, dtype):
    network = make(initialisation=initialisation, dtype=dtype)
    assert network.depth == 3
    assert {name: tuple(p.shape) for name, p in network.parameters.items()} == {
        "W1": (5, 4), "b1": (4,), "W2": (4, 3), "b2": (3,), "W3": (3, 2), "b3": (2,),
    }  # fmt: skip
    assert list(network.parameters) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    for name, p in network.parameters.items():
        assert p.dtype == dtype
        assert (p.count_nonzero() == 0) == (name[0] == "b" or initialisation == "zeros")


def test_each_initialisation_is_the_one_that_its_name_says():
    drawn = {
        name: make((30, 20), declared).parameters["W1"]
        for name, declared in zip(INITIALISATIONS, DECLARED, strict=True)
    }
    assert torch.equal(
        drawn["orthogonal"], orthogonal(30, 20, generator=seeded(), dtype=torch.float64)
    )
    assert torch.equal(
        drawn["glorot_uniform"], glorot_uniform(30, 20, generator=seeded(), dtype=torch.float64)
    )


def test_uniform_weights_are_even_between_their_bounds():
    weights = uniform(100, 200, generator=seeded(), dtype=torch.float64, bound=0.3)
    assert weights.shape == (100, 200) and 0.2999 < float(weights.abs().max()) <= 0.3
    quarters = torch.histc(weights, bins=4, min=-0.3, max=0.3) / weights.numel()
    torch.testing.assert_close(quarters, torch.full_like(quarters, 0.25), atol=0.01, rtol=0)


def test_glorot_normal_has_the_spread_of_its_fans():
    weights = glorot_normal(300, 200, generator=seeded(), dtype=torch.float64, gain=0.7)
    assert weights.shape == (300, 200)
    deviation = 0.7 * (2 / 500) ** 0.5
    assert float(weights.std()) == pytest.approx(deviation, rel=0.02)
    assert abs(float(weights.mean())) < 5 * deviation / 60_000**0.5
    beyond = float((weights.abs() > 2 * deviation).double().mean())
    assert beyond == pytest.approx(0.0455, abs=0.005)  # of a normal law; of a uniform one, 0


@pytest.mark.parametrize(("law", "bound"), [(fan_in_uniform, 0.07), (fan_out_uniform, 0.035)])
def test_weights_by_fan_are_even_between_gain_over_its_root(law, bound):
    weights = law(100, 400, generator=seeded(), dtype=torch.float64, gain=0.7)
    even = uniform(100, 400, generator=seeded(), dtype=torch.float64, bound=bound)
    torch.testing.assert_close(weights, even)


@pytest.mark.parametrize("initialisation", DECLARED, ids=[*INITIALISATIONS])
def test_the_seed_alone_decides_the_weights(initialisation):
    torch.manual_seed(1)
    one = make(initialisation=initialisation, seed=7).parameters
    torch.manual_seed(2)
    two = make(initialisation=initialisation, seed=7).parameters
    other = make(initialisation=initialisation, seed=8).parameters
    for name in one:
        assert torch.equal(one[name], two[name])
        drawn = name[0] == "W" and initialisation != "zeros"
        assert torch.equal(one[name], other[name]) != drawn


def test_layers_of_equal_shape_get_different_weights():
    weights = make((4, 4, 4)).parameters
    assert not torch.equal(weights["W1"], weights["W2"])


@FIXED
@given(st.lists(st.integers(1, 6), min_size=2, max_size=5), st.integers(1, 4), SEEDS)
def test_activities_are_the_printed_recurrence(layers, count, seed):
    network = make(layers, seed=seed)
    generator = seeded(seed)
    for p in network.parameters.values():
        p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype))
    inputs = torch.randn(count, layers[0], generator=generator, dtype=torch.float64)
    kept = inputs.clone()
    activities = network.activities(inputs)
    assert len(activities) == len(layers)
    for row in range(count):
        h = kept[row].tolist()
        assert activities[0][row].tolist() == h
        for i in range(1, len(layers)):
            weights, biases = (network.parameters[f"{kind}{i}"].tolist() for kind in "Wb")
            h = [
                sum(h[j] * weights[j][k] for j in range(len(h))) + biases[k]
                for k in range(layers[i])
            ]
            if i < len(layers) - 1:
                h = [math.tanh(a) for a in h]
            assert activities[i][row].tolist() == pytest.approx(h, rel=1e-10, abs=1e-12)
    assert torch.equal(inputs, kept)


@pytest.mark.parametrize("what, message", [
    ({"units": "softplus"}, "units: 'softplus' is none of tanh, sigmoid, relu, linear"),
    ({"cost": "hinge"}, "cost: 'hinge' is none of softmax_cross_entropy, sigmoid_cross_entropy"),
])  # fmt: skip
def test_a_name_that_is_not_here_is_told_with_those_that_are(what, message):
    with pytest.raises(ValueError, match=message):
        make(**what)


def test_cost_is_the_mean_cross_entropy_in_nats():
    network = make((2, 3))
    network.parameters["W1"].zero_()
    network.parameters["b1"].copy_(torch.tensor([0.0, math.log(2), math.log(5)]))
    inputs = torch.ones(2, 2, dtype=torch.float64)  # p = 1/8, 2/8, 5/8 for any image
    cost = network.cost(inputs, torch.eye(3, dtype=torch.float64)[[0, 2]])
    assert float(cost) == pytest.approx((math.log(8) + math.log(8 / 5)) / 2, rel=1e-6)
