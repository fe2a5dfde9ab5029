"""The generative stochastic network against its equations written out, in float64."""

from itertools import islice

import pytest
import torch

from replications.bengio2015.baselines.generative_stochastic_network import (
    GenerativeStochasticNetwork,
)

SETTINGS = {
    "layers": [12, 9, 5],
    "corruption": 0.4,
    "hidden_noise": 2.0,
    "walkback_steps": 4,
    "chains": 4,
    "chain_steps": 3,
}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(**changes) -> GenerativeStochasticNetwork:
    settings = {**SETTINGS, "dtype": torch.float64, **changes}
    return GenerativeStochasticNetwork(**settings, generator=seeded(0), device="cpu")


@pytest.fixture
def model() -> GenerativeStochasticNetwork:
    model = build()
    for i in range(3):  # zero biases would hide a forgotten one
        model.parameters[f"bias{i}"].normal_(generator=seeded(3))
    return model


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(7, 12, generator=seeded(1), dtype=torch.float64)


def salted(x, noise):
    u = torch.rand(7, 12, generator=noise, dtype=torch.float64)
    return torch.where(u < 0.2, 1.0, torch.where(u < 0.4, 0.0, x))


def means_written_out(p, x, noise, steps):
    """h1 from both neighbours without noise, then x and the noisy h2 from h1; yields the mean."""
    h0, h2 = salted(x, noise), torch.zeros(7, 5, dtype=torch.float64)
    for _ in range(steps):
        h1 = torch.tanh(h0 @ p["weight1"].T + h2 @ p["weight2"] + p["bias1"])
        mean = torch.sigmoid(h1 @ p["weight1"] + p["bias0"])
        yield mean
        sample = torch.rand(7, 12, generator=noise, dtype=torch.float64) < mean
        h0 = salted(sample.double(), noise)
        before, after = 2.0 * torch.randn(2, 7, 5, generator=noise, dtype=torch.float64)
        h2 = torch.tanh(h1 @ p["weight2"].T + p["bias2"] + before) + after


def test_updates_are_minus_the_gradient_of_the_walkback_loss(model, images):
    with torch.no_grad():  # as the training loop calls it
        updates, losses = model.updates(images, seeded(2))
    leaves = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
    errors = [
        -(images * mean.log() + (1 - images) * (1 - mean).log()).mean()
        for mean in means_written_out(leaves, images, seeded(2), 4)
    ]
    gradients = torch.autograd.grad(sum(errors), list(leaves.values()))
    expected = {name: -gradient for name, gradient in zip(leaves, gradients, strict=True)}
    assert expected["bias2"].abs().min() > 0  # gradients pass through h2 from step to step
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
            model.parameters[name] += 0.5 * update
    assert sum(history[-20:]) < 0.8 * sum(history[:20])


def test_the_chain_samples_where_training_walked(model, images):
    states = list(islice(model.states(images, seeded(4)), 3))
    torch.testing.assert_close(
        states, list(means_written_out(model.parameters, images, seeded(4), 3))
    )


def test_chain_keeps_the_states_after_its_first_steps(model, images):
    model.finish(images)
    start = images[[0, 1, 3, 5]]
    torch.testing.assert_close(model.buffers["start"], start)
    samples = model.chain(10, seeded(5))
    expected = list(islice(model.states(start, seeded(5)), 5))
    torch.testing.assert_close(samples, torch.cat(expected[2:])[:10])
    assert samples.shape == (10, 12) and samples.dtype == torch.float64
    assert samples.min() >= 0 and samples.max() <= 1
    assert not torch.equal(samples, model.chain(10, seeded(6)))


def test_settings_are_required_and_checked():
    with pytest.raises(ValueError, match="three layers"):
        build(layers=[12, 9])
    with pytest.raises(ValueError, match="second walkback step"):
        build(walkback_steps=1)
    for missing in SETTINGS:
        incomplete = {name: value for name, value in SETTINGS.items() if name != missing}
        with pytest.raises(TypeError, match=missing):
            GenerativeStochasticNetwork(**incomplete, generator=seeded(0), device="cpu")
