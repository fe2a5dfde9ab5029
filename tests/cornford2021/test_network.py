"""Dale's law: what a layer computes, its derivatives by hand, its signs, and how weights start."""

from math import exp, pi, sqrt

import pytest
import torch

from replications.core.learn.learning import Backpropagation
from replications.cornford2021.network import (
    ColumnFeedForward,
    DalesFeedForward,
    RectifiedFeedForward,
)
from tests.cornford2021.cases import CLOSE, batch_of, dann, generator, made


def test_a_unit_sums_and_divides_as_printed():
    """Unit by unit: g_j (sum Wex_kj x_k - sum Wei_mj z_m) / (sum e^alpha_m Wei_mj z_m) + b_j."""
    network, batch = dann()
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
