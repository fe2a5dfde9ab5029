"""The generative adversarial network against its equations written out, in float64."""

import math

import pytest
import torch
from torch.distributions import Normal

from replications.bengio2015.baselines.generative_adversarial_network import (
    GenerativeAdversarialNetwork,
)

SETTINGS = {
    "generator_layers": [3, 8, 7, 6],
    "discriminator_layers": [6, 5, 4, 1],
    "pieces": 3,
    "keep_input": 0.8,
    "keep_hidden": 0.5,
    "generator_range": 0.9,
    "discriminator_range": 0.6,
    "output_bias": -0.4,
}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(**changes) -> GenerativeAdversarialNetwork:
    settings = {**SETTINGS, "dtype": torch.float64, **changes}
    return GenerativeAdversarialNetwork(**settings, generator=seeded(0), device="cpu")


@pytest.fixture
def model() -> GenerativeAdversarialNetwork:
    return build()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(9, 6, generator=seeded(1), dtype=torch.float64)


def naive_generator(p, z):
    u = math.sqrt(3) * (2 * Normal(0.0, 1.0).cdf(z) - 1)
    h = torch.relu(u @ p["generator1.weight"].T + p["generator1.bias"])
    h = torch.relu(h @ p["generator2.weight"].T + p["generator2.bias"])
    return torch.sigmoid(h @ p["generator3.weight"].T + p["generator3.bias"])


def naive_discriminator(p, x, masks):
    """D(x), with maxout taken unit by unit."""
    for layer, width in ((1, 5), (2, 4)):
        weight, bias = p[f"discriminator{layer}.weight"], p[f"discriminator{layer}.bias"]
        maps = (x * masks[layer - 1]) @ weight.T + bias
        units = [maps[:, [j, j + width, j + 2 * width]].max(1).values for j in range(width)]
        x = torch.stack(units, 1)
    p_out = (x * masks[2]) @ p["discriminator3.weight"].T + p["discriminator3.bias"]
    return torch.sigmoid(p_out[:, 0])


def test_updates_are_each_players_gradient_of_its_own_loss_at_the_same_point(model, images):
    updates, losses = model.updates(images, seeded(2))
    noise = seeded(2)  # the same draws in the documented order: latents, then dropout
    z = torch.randn(9, 3, generator=noise, dtype=torch.float64)
    masks = model.masks(18, noise)
    p = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
    real = naive_discriminator(p, images, [mask[:9] for mask in masks])
    fake = naive_discriminator(p, naive_generator(p, z), [mask[9:] for mask in masks])
    expected = {
        "discriminator": -0.5 * (real.log().mean() + (1 - fake).log().mean()),
        "generator": -fake.log().mean(),
    }
    for player, loss in expected.items():
        torch.testing.assert_close(losses[player], loss.detach())
        for name in (name for name in p if name.startswith(player)):
            (gradient,) = torch.autograd.grad(loss, p[name], retain_graph=True)
            assert gradient.abs().max() > 0
            torch.testing.assert_close(updates[name], -gradient)
    assert set(updates) == set(p)


def test_dropout_keeps_the_stated_share_and_the_mean():
    masks = build().masks(4000, seeded(3))
    assert [mask.shape[1] for mask in masks] == [6, 5, 4]
    for mask, keep in zip(masks, [0.8, 0.5, 0.5], strict=True):
        assert set(mask.unique().tolist()) == {0.0, 1 / keep}
        assert mask.mean().item() == pytest.approx(1.0, abs=0.03)


def test_latents_are_uniform_with_unit_variance():
    one = build(generator_layers=[1, 1])  # a sigmoid of the latent alone
    one.parameters["generator1.weight"].fill_(1.0)
    one.parameters["generator1.bias"].zero_()
    latents = torch.logit(one.ancestral(50_000, seeded(4))).flatten()
    shares = torch.linspace(0.05, 0.95, 7, dtype=torch.float64)
    expected = math.sqrt(3) * (2 * shares - 1)
    torch.testing.assert_close(latents.quantile(shares), expected, rtol=0, atol=0.03)
    assert latents.var().item() == pytest.approx(1.0, abs=0.02)


def test_updates_work_where_the_outer_loop_records_no_gradients(model, images):
    with torch.no_grad():
        quiet, losses = model.updates(images, seeded(5))
    loud, _ = model.updates(images, seeded(5))
    torch.testing.assert_close(quiet, loud, rtol=0, atol=0)
    assert not any(value.requires_grad for value in [*quiet.values(), *losses.values()])


def test_ancestral_is_the_decoder_of_normal_draws_which_passes_gradients(model):
    samples = model.ancestral(1003, seeded(6))
    assert samples.shape == (1003, 6)
    assert samples.min() >= 0 and samples.max() <= 1
    z = torch.randn(1003, model.latents, generator=seeded(6), dtype=torch.float64)
    torch.testing.assert_close(samples, naive_generator(model.parameters, z))
    assert torch.autograd.gradcheck(model.decoder("ancestral"), z[:2].requires_grad_())
    with pytest.raises(KeyError):
        model.decoder("chain")


def test_initial_parameters():
    model = build(dtype=torch.float32)
    assert model.parameters["discriminator1.weight"].shape == (15, 6)
    assert model.parameters["generator1.weight"].abs().max() <= 0.9
    assert 0.5 < model.parameters["discriminator1.weight"].abs().max() <= 0.6
    assert (model.parameters["generator3.bias"] == -0.4).all()
