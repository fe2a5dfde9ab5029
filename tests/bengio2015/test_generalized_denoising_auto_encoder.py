"""The generalized denoising auto-encoder against its equations written out, in float64."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from replications.bengio2015.baselines.generalized_denoising_auto_encoder import (
    GeneralizedDenoisingAutoEncoder,
)

SETTINGS = {
    "layers": [12, 9],
    "corruption": 0.4,
    "walkback_steps": 3,
    "chains": 4,
    "chain_steps": 3,
}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(**changes) -> GeneralizedDenoisingAutoEncoder:
    settings = {**SETTINGS, "dtype": torch.float64, **changes}
    return GeneralizedDenoisingAutoEncoder(**settings, generator=seeded(0), device="cpu")


@pytest.fixture
def model() -> GeneralizedDenoisingAutoEncoder:
    model = build()
    for name in ("hidden_bias", "visible_bias"):  # zero biases would hide a forgotten one
        model.parameters[name].normal_(generator=seeded(3))
    return model


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(7, 12, generator=seeded(1), dtype=torch.float64)


def uniform(generator):
    return torch.rand(7, 12, generator=generator, dtype=torch.float64)


def means_written_out(p, x, noise, steps):
    """Corrupt, reconstruct, sample; yields the reconstruction."""
    for _ in range(steps):
        u = uniform(noise)
        corrupt = torch.where(u < 0.2, 1.0, torch.where(u < 0.4, 0.0, x))
        h = torch.sigmoid(corrupt @ p["weight"].T + p["hidden_bias"])
        mean = torch.sigmoid(h @ p["weight"] + p["visible_bias"])
        yield mean
        x = (uniform(noise) < mean).double()


@pytest.mark.parametrize("steps", [1, 3])
def test_updates_are_minus_the_gradient_of_the_walkback_loss(model, images, steps):
    model.settings = replace(model.settings, walkback_steps=steps)
    with torch.no_grad():  # as the training loop calls it
        updates, losses = model.updates(images, seeded(2))
    leaves = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
    x = (images > 0.5).double()
    errors = [
        -(x * mean.log() + (1 - x) * (1 - mean).log()).mean()
        for mean in means_written_out(leaves, x, seeded(2), steps)
    ]
    gradients = torch.autograd.grad(sum(errors), list(leaves.values()))
    expected = {name: -gradient for name, gradient in zip(leaves, gradients, strict=True)}
    torch.testing.assert_close(updates, expected)
    torch.testing.assert_close(losses["denoising"], errors[0].detach())
    torch.testing.assert_close(losses["walkback"], errors[-1].detach())
    assert not any(value.requires_grad for value in model.parameters.values())


def test_training_lowers_the_loss(images):
    images = (images[:, :1] > 0.5).double().expand(7, 12)  # black or white: easy to denoise
    model, noise, history = build(), seeded(0), []
    for _ in range(200):
        updates, losses = model.updates(images, noise)
        history.append(losses["walkback"])
        for name, update in updates.items():
            model.parameters[name] += 2.0 * update
    assert sum(history[-20:]) < 0.8 * sum(history[:20])


def test_the_chain_samples_where_training_walked(model, images):
    start = (images > 0.5).double()
    states = list(islice(model.states(start, seeded(4)), 3))
    expected = list(means_written_out(model.parameters, start, seeded(4), 3))
    torch.testing.assert_close(states, expected)


def test_chain_keeps_the_states_after_its_first_steps(model, images):
    model.finish(images)
    start = (images[[0, 1, 3, 5]] > 0.5).double()
    torch.testing.assert_close(model.buffers["start"], start)
    samples = model.chain(10, seeded(5))
    expected = list(islice(model.states(start, seeded(5)), 5))
    torch.testing.assert_close(samples, torch.cat(expected[2:])[:10])
    assert samples.shape == (10, 12) and samples.dtype == torch.float64
    assert samples.min() >= 0 and samples.max() <= 1
    assert not torch.equal(samples, model.chain(10, seeded(6)))


def test_settings_are_required_and_checked():
    with pytest.raises(ValueError, match="two layers"):
        build(layers=[12, 9, 5])
    with pytest.raises(ValueError, match="walkback_steps"):
        build(walkback_steps=0)
    for missing in SETTINGS:
        incomplete = {name: value for name, value in SETTINGS.items() if name != missing}
        with pytest.raises(TypeError, match=missing):
            GeneralizedDenoisingAutoEncoder(**incomplete, generator=seeded(0), device="cpu")
