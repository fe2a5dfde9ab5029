"""Annealed importance sampling against the closed form of a linear decoder, in float64."""

import math

import pytest
import torch

from replications.core.score.estimators.ais import (
    ais_log_likelihoods,
    bidirectional_bounds,
    fit_sigma,
)
from replications.core.score.estimators.hmc import (
    Observed,
    curvature,
    hamiltonian,
    leapfrog,
    transition,
)
from replications.core.score.estimators.pilot import logarithmic, pilot

LATENTS, PIXELS, SIGMA = 4, 12, 0.3
SETTINGS = {"sigma": SIGMA, "temperatures": 60, "leapfrogs": 3, "chains": 8}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


WEIGHT, BIAS = normal(LATENTS, PIXELS, seed=0), normal(PIXELS, seed=1)


def decode(z):
    return z @ WEIGHT + BIAS


def bent(z):
    return torch.tanh(z @ WEIGHT) + BIAS


@pytest.fixture
def images():
    return decode(normal(20, LATENTS, seed=2)) + SIGMA * normal(20, PIXELS, seed=3)


def exact(images):
    """x = z W + b + noise is N(b, W'W + sigma^2 I)."""
    covariance = WEIGHT.T @ WEIGHT + SIGMA**2 * torch.eye(PIXELS, dtype=torch.float64)
    return torch.distributions.MultivariateNormal(BIAS, covariance).log_prob(images)


def test_the_estimate_is_the_closed_form_of_a_linear_decoder(images):
    settings = SETTINGS | {"temperatures": 300, "chains": 32}
    found = ais_log_likelihoods(decode, LATENTS, images, **settings, generator=seeded(4))
    assert found.log_likelihoods.dtype == torch.float64
    torch.testing.assert_close(found.log_likelihoods, exact(images), rtol=0, atol=0.25)
    assert abs((found.log_likelihoods - exact(images)).mean()) < 0.05
    assert found.acceptance.shape == (20,)
    assert 0.5 < found.acceptance.mean() < 1


def test_the_estimate_of_p_itself_is_unbiased():
    """Few temperatures and one chain: the mean of p^/p over many runs is 1, though log p^ is low.

    One latent, so that the weights' variance lets 20,000 runs tell.
    """
    weight = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
    image = torch.tensor([[0.8, 0.3]], dtype=torch.float64)
    covariance = weight.T @ weight + 0.25 * torch.eye(2, dtype=torch.float64)
    truth = torch.distributions.MultivariateNormal(torch.zeros(2).double(), covariance)
    settings = SETTINGS | {"sigma": 0.5, "temperatures": 3, "chains": 1}
    found = ais_log_likelihoods(
        lambda z: z @ weight, 1, image.expand(20000, 2), **settings, generator=seeded(5)
    )
    error = found.log_likelihoods - truth.log_prob(image)
    ratio = error.exp()
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / math.sqrt(20000) < 0.05
    assert error.mean() < -4 * error.std() / math.sqrt(20000)


def test_the_bounds_hold_the_exact_value_between_them_and_close():
    gaps = []
    for temperatures in (5, 20, 80):
        settings = SETTINGS | {"temperatures": temperatures, "dtype": torch.float64}
        bounds = bidirectional_bounds(decode, LATENTS, 200, **settings, generator=seeded(6))
        source = seeded(6)  # the same images, drawn again: z, then the noise
        z = torch.randn(200, LATENTS, generator=source, dtype=torch.float64)
        noise = torch.randn(200, PIXELS, generator=source, dtype=torch.float64)
        truth = exact(decode(z) + SIGMA * noise).mean()
        assert bounds.lower.mean() < truth + 0.02
        assert bounds.upper.mean() > truth - 0.02
        gaps.append(bounds.gap)
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2] > 0


@pytest.mark.parametrize("changes", [{"temperatures": 1}, {"leapfrogs": 0}])
def test_without_hmc_it_is_simple_importance_sampling(images, changes):
    found = ais_log_likelihoods(bent, LATENTS, images, **SETTINGS | changes, generator=seeded(7))
    source = seeded(7)
    path = {k: v for k, v in (SETTINGS | changes).items() if k != "chains"}
    pilot(bent, LATENTS, images, **path, generator=source)  # draws first
    z = torch.randn(20, 8, LATENTS, generator=source, dtype=torch.float64)
    terms = torch.distributions.Normal(bent(z), SIGMA).log_prob(images[:, None]).sum(2)  # (20, 8)
    torch.testing.assert_close(
        found.log_likelihoods, terms.logsumexp(1) - math.log(8), rtol=1e-10, atol=1e-9
    )


def test_a_seed_gives_the_same_numbers_and_parameters_get_no_gradient(images):
    weight = WEIGHT.clone().requires_grad_()
    first, again, other = (
        ais_log_likelihoods(lambda z: z @ weight, LATENTS, images, **SETTINGS, generator=seeded(s))
        for s in (8, 8, 9)
    )
    assert torch.equal(first.log_likelihoods, again.log_likelihoods)
    assert not torch.equal(first.log_likelihoods, other.log_likelihoods)
    assert weight.grad is None and not first.log_likelihoods.requires_grad


def test_a_trajectory_run_backwards_returns(images):
    observed = Observed(bent, images, chains=2)
    start = observed.at(normal(40, LATENTS, seed=10))
    momentum = normal(40, LATENTS, seed=11)
    step = torch.linspace(0.02, 0.1, LATENTS, dtype=torch.float64).expand(40, LATENTS)
    settings = {"precision": 5.0, "step": step, "leapfrogs": 7}
    end, turned = leapfrog(observed, start, momentum, **settings)
    back, last = leapfrog(observed, end, -turned, **settings)
    assert (end.z - start.z).abs().max() > 0.1
    torch.testing.assert_close(back.z, start.z, rtol=0, atol=1e-11)
    torch.testing.assert_close(-last, momentum, rtol=0, atol=1e-11)


def test_energy_is_conserved_to_second_order_in_the_step(images):
    observed = Observed(bent, images, chains=2)
    start, momentum = observed.at(normal(40, LATENTS, seed=10)), normal(40, LATENTS, seed=11)
    errors = []
    for leapfrogs in (20, 40, 80):  # one length of time
        step = torch.full((40, LATENTS), 0.4 / leapfrogs, dtype=torch.float64)
        end, last = leapfrog(
            observed, start, momentum, precision=5.0, step=step, leapfrogs=leapfrogs
        )
        change = hamiltonian(end, last, 5.0) - hamiltonian(start, momentum, 5.0)
        errors.append(change.abs().max())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.15)


def test_transitions_leave_the_posterior_of_a_linear_decoder_as_it_is(images):
    """Exact samples of N(m, S), S = (I + precision W W')^-1, have that mean and covariance on."""
    precision, chains = 2.0, 20000
    covariance = torch.linalg.inv(
        torch.eye(LATENTS, dtype=torch.float64) + precision * WEIGHT @ WEIGHT.T
    )
    mean = covariance @ WEIGHT @ (images[0] - BIAS) * precision
    factor = torch.linalg.cholesky(covariance)
    observed = Observed(decode, images[:1], chains=chains)
    point = observed.at(mean + normal(chains, LATENTS, seed=12) @ factor.T)
    before, source = point.z, seeded(13)
    step = torch.full((1, LATENTS), 0.12, dtype=torch.float64)
    for _ in range(3):
        point, probability = transition(
            observed, point, precision=precision, step=step, leapfrogs=3, generator=source
        )
    assert 0.3 < probability.mean() < 0.95  # rejections matter here
    white = torch.linalg.solve_triangular(factor, (point.z - mean).T, upper=False)  # (H, chains)
    assert white.mean(1).abs().max() < 0.03
    torch.testing.assert_close(white @ white.T / chains, torch.eye(4).double(), rtol=0, atol=0.05)
    assert (point.z != before).any(1).double().mean() > 0.5
    torch.testing.assert_close(point.misfit, observed.at(point.z).misfit)
    torch.testing.assert_close(point.slope, observed.at(point.z).slope)


def test_curvature_is_the_diagonal_of_j_transposed_j():
    found = torch.stack([curvature(decode, LATENTS, BIAS, seeded(s)) for s in range(40)]).mean(0)
    torch.testing.assert_close(found, WEIGHT.square().sum(1), rtol=0.05, atol=0)


def test_betas_rise_from_0_to_1_and_are_even_in_their_logarithm():
    betas = torch.tensor(logarithmic(50, 900.0), dtype=torch.float64)
    assert betas[0] == 0 and betas[-1] == 1 and len(betas) == 51
    steps = torch.log1p(900.0 * betas).diff()
    torch.testing.assert_close(steps, torch.full_like(steps, math.log(901) / 50))
    assert logarithmic(1, 900.0) == [0, 1]


def test_the_pilot_finds_the_curvature_of_a_decoder_that_is_the_same_in_every_latent():
    """g(z) = 2 z and sigma = 0.1: c = 2^2 / 0.1^2 = 400."""
    path = pilot(
        lambda z: 2 * z,
        LATENTS,
        torch.zeros(2000, LATENTS, dtype=torch.float64),
        sigma=0.1,
        temperatures=6,
        leapfrogs=2,
        generator=seeded(17),
    )
    assert path.betas == pytest.approx(logarithmic(6, 400.0), rel=0.1)
    assert len(path.steps) == 5
    assert all(step.shape == (2000, LATENTS) and (step > 0).all() for step in path.steps)


def test_a_decoder_that_ignores_z_has_its_closed_form(images):
    found = ais_log_likelihoods(
        lambda z: 0 * z[:, :1] + BIAS, LATENTS, images, **SETTINGS, generator=seeded(0)
    )
    truth = torch.distributions.Normal(BIAS, SIGMA).log_prob(images).sum(1)
    torch.testing.assert_close(found.log_likelihoods, truth)


@pytest.mark.parametrize("sigma", [0.1, 0.5])
def test_sigma_is_the_likeliest_not_that_of_the_best_fit(sigma):
    """Fitting z to each image would leave sqrt((D - H) / D) = 0.82 of it."""
    images = decode(normal(400, LATENTS, seed=14)) + sigma * normal(400, PIXELS, seed=15)
    found = fit_sigma(decode, LATENTS, images, transitions=100, leapfrogs=5, generator=seeded(16))
    assert found == pytest.approx(sigma, rel=0.04)
