"""The generative model of Bengio et al. 2015 against its equations written out, in float64."""

import math

import numpy
import pytest
import torch
from torch.nn.functional import softplus

from replications.bengio2015.model import DeepGenerativeModel

LAYERS = [12, 9, 5]
SETTINGS = {
    "layers": LAYERS,
    "iterations": 4,
    "delta": 0.1,
    "alpha": 0.01,
    "generate_alpha": 0.3,
    "generate_rounds": 3,
    "variance_factor": 4.0,
    "hidden_noise": 0.2,
    "input_noise": 0.3,
    "bernoulli_draws": 3,
    "initial_gain": {"g1": 1.0, "f1": 2.0, "g2": 1.0, "f2": 3.0},
    "initial_bias": {"g1": 0.1, "f1": -0.5, "g2": -1.0, "f2": 0.2},
}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(**changes) -> DeepGenerativeModel:
    settings = {**SETTINGS, "dtype": torch.float64, **changes}
    return DeepGenerativeModel(**settings, generator=seeded(0), device="cpu")


@pytest.fixture
def model() -> DeepGenerativeModel:
    return build()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(7, LAYERS[0], generator=seeded(1), dtype=torch.float64)


def naive_maps(parameters):
    """f1, f2, g1, g2 from the parameters alone, without the model's code."""

    def affine(name, inputs):
        return inputs @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]

    return {
        "f1": lambda x: softplus(affine("f1", x)),
        "f2": lambda h1: torch.sigmoid(affine("f2", h1)),
        "g1": lambda h1: torch.sigmoid(affine("g1", h1)),
        "g2": lambda h2: softplus(affine("g2", h2)),
    }


def naive_inference(model, x, *, alpha, iterations):
    """Algorithm 2, INFERENCE, as printed."""
    maps = naive_maps(model.parameters)
    f1, f2, g1, g2 = maps["f1"], maps["f2"], maps["g1"], maps["g2"]
    h1 = f1(x)
    h2 = f2(h1)
    for _ in range(iterations):
        h2 = h2 + model.delta * (f2(h1) - f2(g2(h2)))
        h1 = h1 + model.delta * (f1(x) - f1(g1(h1))) + alpha * (g2(h2) - h1)
    return h1, h2


@pytest.mark.parametrize("iterations", [0, 1, 15])
@pytest.mark.parametrize("alpha", [0.001, 0.3])
def test_inference_is_the_printed_equation(model, images, alpha, iterations):
    expected = naive_inference(model, images, alpha=alpha, iterations=iterations)
    actual = model.infer(images, alpha=alpha, iterations=iterations)
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


def test_inference_leaves_its_input_alone_and_takes_n_from_the_settings(model, images):
    before = images.clone()
    expected = naive_inference(model, images, alpha=0.01, iterations=SETTINGS["iterations"])
    torch.testing.assert_close(model.infer(images, alpha=0.01), expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(images, before)


def test_trace_starts_feed_forward_and_ends_at_infer(model, images):
    states = [(h1.clone(), h2.clone()) for h1, h2 in model.trace(images, alpha=0.01, iterations=6)]
    assert len(states) == 7
    maps = naive_maps(model.parameters)
    torch.testing.assert_close(states[0], (maps["f1"](images), maps["f2"](maps["f1"](images))))
    torch.testing.assert_close(states[-1], model.infer(images, alpha=0.01, iterations=6))


def test_updates_are_minus_the_gradient_of_the_local_losses(model, images):
    updates, losses = model.updates(images, seeded(2))

    # The same corruption, drawn again in the documented order: x, h1, h2.
    noise = seeded(2)
    h1, h2 = (state.detach() for state in model.infer(images, alpha=model.alpha))
    noisy_x = images + model.input_noise * torch.randn(
        images.shape, generator=noise, dtype=torch.float64
    )
    noisy_h1 = h1 + model.hidden_noise * torch.randn(h1.shape, generator=noise, dtype=torch.float64)
    draws = torch.rand(3, *h2.shape, generator=noise, dtype=torch.float64) < h2
    noisy_h2 = draws.double().mean(0)

    leaves = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
    maps = naive_maps(leaves)
    regressions = {
        "g1": (noisy_h1, images),
        "f1": (noisy_x, h1),
        "g2": (noisy_h2, h1),
        "f2": (noisy_h1, h2),
    }
    for name, (source, target) in regressions.items():
        loss = 0.5 * ((maps[name](source) - target) ** 2).sum(1).mean()
        torch.testing.assert_close(losses[name], loss.detach(), rtol=1e-12, atol=1e-12)
        for part in ("weight", "bias"):
            key = f"{name}.{part}"
            (gradient,) = torch.autograd.grad(loss, leaves[key], retain_graph=True)
            assert gradient.abs().max() > 0
            torch.testing.assert_close(updates[key], -gradient, rtol=1e-10, atol=1e-12)
    assert set(updates) == set(model.parameters)


def test_updates_change_nothing_and_repeat_under_a_seed(model, images):
    before = {name: value.clone() for name, value in model.parameters.items()}
    first, _ = model.updates(images, seeded(3))
    second, _ = model.updates(images, seeded(3))
    other, _ = model.updates(images, seeded(4))
    for name, value in model.parameters.items():
        assert torch.equal(value, before[name])
        assert torch.equal(first[name], second[name])
    assert not torch.equal(first["g2.weight"], other["g2.weight"])


def test_a_small_step_along_the_updates_lowers_every_loss(images):
    model = build(
        input_noise=0.0, hidden_noise=0.0, iterations=0
    )  # without noise or inference the targets stay put
    updates, before = model.updates(images, seeded(5))
    for name in ("g1", "g2"):  # maps down: their targets do not depend on their own parameters
        model.parameters[f"{name}.weight"] += 1e-3 * updates[f"{name}.weight"]
        model.parameters[f"{name}.bias"] += 1e-3 * updates[f"{name}.bias"]
    _, after = model.updates(images, seeded(5))
    assert after["g1"] < before["g1"]
    assert after["g2"] < before["g2"]


def test_fit_prior_is_the_inferred_mean_and_the_widened_variance(model, images):
    model.fit_prior(images)
    h2 = naive_inference(model, images, alpha=model.alpha, iterations=model.iterations)[1].numpy()
    numpy.testing.assert_allclose(model.buffers["prior.mean"], h2.mean(0), rtol=1e-12)
    numpy.testing.assert_allclose(
        model.buffers["prior.variance"], 4.0 * numpy.var(h2, axis=0), rtol=1e-9
    )


def test_fit_prior_and_samplers_do_not_depend_on_the_batching(model, images, monkeypatch):
    model.fit_prior(images)
    whole = {**model.buffers, "generated": model.generate(7, seeded(6))}
    monkeypatch.setattr("replications.bengio2015.model.BATCH", 3)
    model.fit_prior(images)
    torch.testing.assert_close({**model.buffers, "generated": model.generate(7, seeded(6))}, whole)


def test_log_joint_is_the_normals_without_their_constants(model, images):
    model.fit_prior(images)
    h1, h2 = model.infer(images, alpha=0.01)
    maps = naive_maps(model.parameters)
    mean, variance = model.buffers["prior.mean"], model.buffers["prior.variance"]
    full = (
        torch.distributions.Normal(maps["g1"](h1), 1.0).log_prob(images).sum(1)
        + torch.distributions.Normal(maps["g2"](h2), 1.0).log_prob(h1).sum(1)
        + torch.distributions.Normal(mean, variance.sqrt()).log_prob(h2).sum(1)
    )
    constants = -0.5 * sum(LAYERS) * math.log(2 * math.pi) - 0.5 * variance.log().sum()
    actual = model.log_joint(images, h1, h2)
    assert actual.shape == (len(images),)
    torch.testing.assert_close(actual, full - constants, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("sampler", ["ancestral", "generate"])
def test_samplers_give_images_and_repeat_under_a_seed(model, images, sampler):
    model.fit_prior(images)
    draw = getattr(model, sampler)
    samples = draw(11, seeded(7))
    assert samples.shape == (11, LAYERS[0])
    assert samples.dtype == torch.float64
    assert samples.min() >= 0 and samples.max() <= 1
    assert torch.equal(samples, draw(11, seeded(7)))
    assert not torch.equal(samples, draw(11, seeded(8)))


def test_samplers_are_the_printed_chain(model, images):
    model.fit_prior(images)
    maps = naive_maps(model.parameters)
    noise = torch.randn(4, LAYERS[2], generator=seeded(9), dtype=torch.float64)
    x = maps["g1"](
        maps["g2"](model.buffers["prior.mean"] + model.buffers["prior.variance"].sqrt() * noise)
    )
    torch.testing.assert_close(model.ancestral(4, seeded(9)), x)
    for _ in range(3):
        h1, _ = naive_inference(model, x, alpha=0.3, iterations=model.iterations)
        x = maps["g1"](h1)
    torch.testing.assert_close(model.generate(4, seeded(9)), x)


def test_initial_parameters(images):
    model = build(layers=[400, 300, 50], dtype=torch.float32)
    assert {name: tuple(value.shape) for name, value in model.parameters.items()} == {
        "g1.weight": (400, 300),
        "g1.bias": (400,),
        "f1.weight": (300, 400),
        "f1.bias": (300,),
        "g2.weight": (300, 50),
        "g2.bias": (300,),
        "f2.weight": (50, 300),
        "f2.bias": (50,),
    }
    for name, gain in SETTINGS["initial_gain"].items():
        weight = model.parameters[f"{name}.weight"]
        assert weight.dtype == torch.float32
        assert weight.std().item() == pytest.approx(gain / weight.shape[1] ** 0.5, rel=0.05)
        assert (model.parameters[f"{name}.bias"] == SETTINGS["initial_bias"][name]).all()


def test_every_hyperparameter_must_be_given():
    for missing in SETTINGS:
        incomplete = {name: value for name, value in SETTINGS.items() if name != missing}
        with pytest.raises(TypeError, match=missing):
            DeepGenerativeModel(**incomplete, generator=seeded(0), device="cpu")


def test_the_model_has_three_layers():
    with pytest.raises(ValueError, match="three layers"):
        build(layers=[12, 9, 5, 4])
