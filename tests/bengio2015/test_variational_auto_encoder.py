"""The variational auto-encoder against Monte Carlo, quadrature and finite differences, float64."""

import numpy
import pytest
import torch
from torch.distributions import Bernoulli, Normal

from replications.bengio2015.baselines.variational_auto_encoder import (
    VariationalAutoEncoder,
    divergence,
)

LAYERS = [6, 5, 4, 1]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def model() -> VariationalAutoEncoder:
    settings = {"layers": LAYERS, "output_bias": -0.5, "dtype": torch.float64}
    model = VariationalAutoEncoder(**settings, generator=seeded(0), device="cpu")
    for value in model.parameters.values():
        value.add_(0.5 * torch.randn(value.shape, generator=seeded(1), dtype=torch.float64))
    return model


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(7, LAYERS[0], generator=seeded(2), dtype=torch.float64)


def test_divergence_is_that_of_monte_carlo():
    mean = torch.tensor([[0.5, -1.0], [0.0, 0.0]], dtype=torch.float64)
    log_sigma = torch.tensor([[-1.0, 0.3], [0.0, 0.0]], dtype=torch.float64)
    z = torch.randn(200_000, 1, 2, generator=seeded(3), dtype=torch.float64)
    z = mean + log_sigma.exp() * z
    ratio = Normal(mean, log_sigma.exp()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)
    torch.testing.assert_close(divergence(mean, log_sigma), ratio.sum(2).mean(0), rtol=0, atol=0.02)
    assert divergence(mean, log_sigma)[1] == 0


def test_the_bound_is_its_quadrature_and_below_the_exact_log_likelihood(model, images):
    x = images.round()
    nodes, masses = map(torch.from_numpy, numpy.polynomial.hermite_e.hermegauss(80))
    masses = masses / masses.sum()  # expectations under N(0, 1)
    weights = model.parameters

    def log_likelihood(z):  # log p(x | z) of all x at one z
        logits = model.decode(z.expand(len(x), 1), weights)
        return Bernoulli(logits=logits).log_prob(x).sum(1)

    exact = torch.logsumexp(
        torch.stack([w.log() + log_likelihood(z) for z, w in zip(nodes, masses, strict=True)]), 0
    )
    mean, log_sigma = model.encode(x, weights)
    posterior = Normal(mean, log_sigma.exp())
    bound, expected = 0, 0
    for node, mass in zip(nodes, masses, strict=True):
        noise = node.expand(len(x), 1)
        reconstruction, excess = model.bound(x, noise, weights)
        bound = bound + mass * (reconstruction - excess)
        z = mean + log_sigma.exp() * noise
        joint = Bernoulli(logits=model.decode(z, weights)).log_prob(x).sum(1)
        joint = joint + Normal(0.0, 1.0).log_prob(z).sum(1)
        expected = expected + mass * (joint - posterior.log_prob(z).sum(1))
    torch.testing.assert_close(bound, expected, rtol=1e-9, atol=1e-9)
    assert (bound < exact).all()
    assert (exact < 0).all()


def test_updates_are_minus_the_finite_differences_of_the_losses(model, images):
    updates, losses = model.updates(images, seeded(4))
    assert set(updates) == set(model.parameters)
    assert not any(value.requires_grad for value in [*updates.values(), *losses.values()])

    def loss():
        _, losses = model.updates(images, seeded(4))
        return sum(losses.values()).item()

    for name, value in model.parameters.items():
        direction = torch.randn(value.shape, generator=seeded(5), dtype=torch.float64)
        value.add_(direction, alpha=1e-5)
        above = loss()
        value.sub_(direction, alpha=2e-5)
        slope = (above - loss()) / 2e-5
        value.add_(direction, alpha=1e-5)
        assert slope == pytest.approx(-(updates[name] * direction).sum().item(), abs=1e-7), name
        assert abs(slope) > 1e-6


def test_updates_work_where_the_outer_loop_records_no_gradients(model, images):
    with torch.no_grad():
        quiet, _ = model.updates(images, seeded(6))
    loud, _ = model.updates(images, seeded(6))
    torch.testing.assert_close(quiet, loud, rtol=0, atol=0)


def test_ancestral_is_the_decoder_of_normal_draws_which_passes_gradients(model):
    samples = model.ancestral(1003, seeded(7))
    assert samples.shape == (1003, LAYERS[0])
    assert samples.min() >= 0 and samples.max() <= 1
    z = torch.randn(1003, model.latents, generator=seeded(7), dtype=torch.float64)
    torch.testing.assert_close(model.decoder("ancestral")(z), samples)
    decode = model.decoder("ancestral")
    assert torch.autograd.gradcheck(decode, z[:2].requires_grad_())
    with pytest.raises(KeyError):
        model.decoder("chain")
