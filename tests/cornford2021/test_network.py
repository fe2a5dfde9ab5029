"""Dale's law: what a layer computes, its derivatives by hand, its signs, and how weights start."""

from math import exp, pi, sqrt

import pytest
import torch

from replications.core.learn.learning import Backpropagation, Batch
from replications.cornford2021.network import (
    ColumnFeedForward,
    DalesFeedForward,
    RectifiedFeedForward,
)
from replications.cornford2021.rule import CorrectedGradient, PlainGradient

CLOSE = {"rtol": 1e-9, "atol": 1e-12}


def generator():
    return torch.Generator().manual_seed(3)


def made(kind, layers, **options):
    return kind(layers=layers, cost="softmax_cross_entropy", generator=generator(),
                dtype=torch.float64, **options)  # fmt: skip


def batch_of(inputs, classes=3):
    labels = torch.arange(len(inputs)) % classes
    targets = torch.nn.functional.one_hot(labels, classes).double()
    return Batch(inputs, labels, targets, slice(0, len(inputs)))


@pytest.fixture
def dann():
    """A network with two hidden layers, whose weights are none of those it starts with."""
    network = made(DalesFeedForward, [6, 8, 7, 3], inhibitory=[3, 2, 1])
    for p in network.parameters.values():
        p.add_(torch.rand(p.shape, generator=generator(), dtype=p.dtype) / 4)
    batch = batch_of(torch.rand(5, 6, generator=generator(), dtype=torch.float64))
    return network, batch


def test_a_unit_sums_and_divides_as_printed(dann):
    """Unit by unit: g_j (sum Wex_kj x_k - sum Wei_mj z_m) / (sum e^alpha_m Wei_mj z_m) + b_j."""
    network, batch = dann
    p = {name: tensor.tolist() for name, tensor in network.parameters.items()}
    for x, found in zip(batch.inputs.tolist(), network.summed(1, batch.inputs), strict=True):
        z = [sum(x[k] * p["Wix1"][k][m] for k in range(6)) for m in range(3)]
        for j in range(8):
            excited = sum(x[k] * p["Wex1"][k][j] for k in range(6))
            subtracted = sum(p["Wei1"][m][j] * z[m] for m in range(3))
            divided = sum(exp(p["alpha1"][m]) * p["Wei1"][m][j] * z[m]
                          for m in range(3)) + 1e-8  # fmt: skip
            printed = p["g1"][j] * (excited - subtracted) / divided + p["b1"][j]
            assert float(found[j]) == pytest.approx(float(printed), rel=1e-10)


def by_hand(network, batch):
    """-dC/dp of every parameter, layer by layer, from the chain rule on paper."""
    activities, found = network.activities(batch.inputs), {}
    _, error = network.top_cost(activities[-1], batch.targets)
    for i in range(network.depth, 0, -1):
        x = activities[i - 1]
        ex, ix, ei, alpha, g = (network.parameters[f"{k}{i}"]
                                for k in ("Wex", "Wix", "Wei", "alpha", "g"))  # fmt: skip
        z, scaled = x @ ix, alpha.exp()[:, None] * ei
        centred, scale = x @ ex - z @ ei, z @ scaled + 1e-8
        to_centred = error * g / scale
        to_scale = -to_centred * centred / scale
        to_z = to_scale @ scaled.T - to_centred @ ei.T
        through = z.T @ to_scale
        found |= {
            f"g{i}": (error * centred / scale).sum(0), f"b{i}": error.sum(0),
            f"Wex{i}": x.T @ to_centred, f"Wix{i}": x.T @ to_z,
            f"Wei{i}": alpha.exp()[:, None] * through - z.T @ to_centred,
            f"alpha{i}": (scaled * through).sum(1),
        }  # fmt: skip
        error = (to_centred @ ex.T + to_z @ ix.T) * (x > 0)
    return {name: -slope for name, slope in found.items()}


def test_the_plain_rule_descends_the_gradient_by_hand(dann):
    network, batch = dann
    rule = PlainGradient(network=network, examples=5, generator=generator())
    updates, monitor = rule.updates(batch)
    expected = by_hand(network, batch)
    assert updates.keys() == expected.keys() == network.parameters.keys()
    for name, update in updates.items():
        torch.testing.assert_close(update, expected[name], **CLOSE)
    assert float(monitor["train_cost"]) == pytest.approx(
        float(network.cost(batch.inputs, batch.targets))
    )


def test_the_corrected_rule_scales_what_interneurons_learn_and_nothing_else(dann):
    network, batch = dann
    plain, corrected = (
        kind(network=network, examples=5, generator=generator()).updates(batch)[0]
        for kind in (PlainGradient, CorrectedGradient)
    )
    factors = {"Wix": {1: 8**0.5, 2: 7**0.5, 3: 3**0.5}, "Wei": {1: 6, 2: 8, 3: 7},
               "alpha": {1: 8**0.5 * 6, 2: 7**0.5 * 8, 3: 3**0.5 * 7}}  # fmt: skip
    for name, update in plain.items():
        factor = factors.get(name[:-1], {}).get(int(name[-1]), 1.0)
        torch.testing.assert_close(corrected[name], update / factor, **CLOSE)


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_interneurons_start_so_that_they_centre_and_standardise(layer):
    """Of rectified standard normal inputs, over many units: mean 0, variance pi / (2 pi - 1).

    Var c = n s^2 E[h^2] with E[h^2] = 1 / 2; d = sqrt((2 pi - 1) / n) n s E[h] with
    E[h] = 1 / sqrt(2 pi): so s drops out of c / d (derived).
    """
    network = made(DalesFeedForward, [600, 600, 600, 600, 4], inhibitory=[300, 300, 300, 1])
    h = torch.randn(200, 600, generator=generator(), dtype=torch.float64).relu()
    summed = network.summed(layer, h)
    assert float(summed.mean()) == pytest.approx(0, abs=0.05)
    assert float(summed.var()) == pytest.approx(pi / (2 * pi - 1), rel=0.1)


def test_a_single_interneuron_tells_the_mean_of_its_layer():
    network = made(DalesFeedForward, [6, 8, 3], inhibitory=[4, 1])
    h = torch.rand(5, 8, generator=generator(), dtype=torch.float64)
    p = network.parameters
    centred = h @ p["Wex2"] - (h @ p["Wix2"]) @ p["Wei2"]
    torch.testing.assert_close(centred.mean(1), torch.zeros(5).double(), **CLOSE)


@pytest.mark.parametrize(
    ("layer", "deviation"), [(1, sqrt(1 / 2000)), (2, sqrt(2 * pi / (900 * (2 * pi - 1))))]
)
def test_excitation_starts_exponential(layer, deviation):
    network = made(DalesFeedForward, [1000, 900, 800, 4], inhibitory=[9, 9, 1])
    weights = network.parameters[f"Wex{layer}"]
    assert float(weights.min()) >= 0
    for moment in (weights.mean(), weights.std()):
        assert float(moment) == pytest.approx(deviation, rel=0.01)


def test_the_twin_starts_as_he_et_al_have_it():
    network = made(RectifiedFeedForward, [1000, 900, 800, 4])
    for name, variance in (("W1", 1 / 1000), ("W2", 2 / 900)):
        assert float(network.parameters[name].var()) == pytest.approx(variance, rel=0.01)
    assert not any(network.parameters[f"b{i}"].any() for i in (1, 2, 3))


def columns():
    return made(ColumnFeedForward, [6, 11, 22, 3], ratio=10, pixel_mean=0.25)


def test_a_unit_of_a_column_network_has_one_sign_for_all_that_read_it():
    network = columns()
    h = torch.rand(5, 22, generator=generator(), dtype=torch.float64)
    signs = torch.tensor([1.0] * 20 + [-1.0] * 2).double()
    p = network.parameters
    torch.testing.assert_close(network.summed(3, h), (h * signs) @ p["W3"] + p["b3"], **CLOSE)
    assert all(bool((p[f"W{i}"] > 0).all()) for i in (1, 2, 3))


def test_back_propagation_of_a_column_network_is_its_gradient():
    network = columns()
    batch = batch_of(torch.rand(5, 6, generator=generator(), dtype=torch.float64))
    rule = Backpropagation(network=network, examples=5, generator=generator())
    with torch.enable_grad():
        gradient = rule.gradient(batch)
    for name, update in rule.updates(batch)[0].items():
        torch.testing.assert_close(update, -gradient[name], **CLOSE)
        assert update.any()


def test_columns_start_balanced():
    """Of alike units, excitation and inhibition cancel on average; pixels by the biases."""
    network = made(ColumnFeedForward, [800, 1100, 900, 3], ratio=10, pixel_mean=0.13)
    h = torch.rand(300, 1100, generator=generator(), dtype=torch.float64)
    excited = (h[:, :1000] @ network.parameters["W2"][:1000]).mean()
    assert abs(float(network.summed(2, h).mean())) < 0.02 * float(excited)
    pixels = torch.full((3, 800), 0.13).double()
    assert abs(float(network.summed(1, pixels).mean())) < 0.01 * 0.13 * sqrt(800)
