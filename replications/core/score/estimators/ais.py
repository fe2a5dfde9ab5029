"""Log-likelihood of a decoder by annealed importance sampling, and how far off it may be.

Wu, Burda, Salakhutdinov & Grosse 2017 (arXiv 1611.04273): the decoder g of a Gaussian latent is
given a spherical Gaussian observation model, p(z) = N(0, I) and p(x|z) = N(g(z), sigma^2 I), and

    p(x) = int p(z) p(x|z) dz

is estimated by annealing from p(z) to p(z) p(x|z) through p(z) p(x|z)^beta, with one transition
of Hamiltonian Monte Carlo at each beta. The log of the estimate is a stochastic lower bound;
annealing back from an exact posterior sample, which images simulated from the model come with,
gives a stochastic upper bound (bidirectional Monte Carlo).

Departures from the authors' code. `sigma` is a standard deviation: theirs is a variance. Steps
and betas come from a pilot run of other chains and are then fixed, so that E[estimate] = p(x)
holds: theirs adapt to the past of the very chains that are weighted. Betas are logarithmic, not
sigmoidal: with 100 of them, the gap measured was a half to a third (VAE 100-1000-784, MNIST).

Shapes: N images of D pixels, H latents, and R rows, one for each chain of each image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Generator, Tensor

from replications.core.learn.noise import random_tensor
from replications.core.score.estimators.hmc import (
    STEPS,
    Decoder,
    Observed,
    adapt,
    curvature,
    transition,
)
from replications.core.score.estimators.pilot import Path, pilot


@dataclass(frozen=True)
class Estimate:
    """log p(x) of each image in nats, (N,), in float64; mean acceptance of its chains, (N,)."""

    log_likelihoods: Tensor
    acceptance: Tensor


@dataclass(frozen=True)
class Bounds:
    """Stochastic bounds on log p(x) of simulated images in nats, (N,) and (N,), in float64."""

    lower: Tensor
    upper: Tensor

    @property
    def gap(self) -> float:
        """Mean of upper - lower: on average either bound is off by no more, in nats."""
        return float((self.upper - self.lower).mean())


def anneal(
    observed: Observed, z: Tensor, path: Path, *, leapfrogs: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Log weights of AIS along the path, (N, chains), and mean acceptance, (N,).

        log w = sum_t (beta_t - beta_{t-1}) log p(x|z_{t-1}),   z_t ~ HMC at beta_t from z_{t-1}

    z : (R, H), exact samples at the first beta. No transition at the last: no weight would see it.
    """
    point = observed.at(z)
    weights, acceptance = torch.zeros(2, len(z), dtype=torch.float64)
    for (before, beta), step in zip(pairwise(path.betas), [*path.steps, None], strict=True):
        weights += (beta - before) * observed.likelihood(point, path.sigma)
        if step is not None:
            point, probability = transition(
                observed,
                point,
                precision=beta / path.sigma**2,
                step=step,
                leapfrogs=leapfrogs,
                generator=generator,
            )
            acceptance += probability.cpu() / len(path.steps)
    return observed.by_image(weights), observed.by_image(acceptance).mean(1)


def log_mean_exp(log_weights: Tensor) -> Tensor:
    return log_weights.logsumexp(1) - math.log(log_weights.shape[1])  # (N, chains) -> (N,)


@torch.no_grad()
def ais_log_likelihoods(
    decode: Decoder,
    latents: int,
    images: Tensor,
    *,
    sigma: float,
    temperatures: int,
    leapfrogs: int,
    chains: int,
    generator: Generator,
) -> Estimate:
    """Stochastic lower bounds on log p(x) of images (N, D), in nats: log mean_chains w.

    E[exp(estimate)] = p(x), so E[estimate] <= log p(x). One temperature is simple importance
    sampling from the prior. Costs temperatures * leapfrogs * (chains + 2) gradients an image.
    """
    settings: dict[str, Any] = {"leapfrogs": leapfrogs, "generator": generator}
    path = pilot(decode, latents, images, sigma=sigma, temperatures=temperatures, **settings)
    z = random_tensor(torch.randn, (len(images) * chains, latents), generator, images)
    observed = Observed(decode, images, chains=chains)
    weights, acceptance = anneal(observed, z, path, **settings)
    return Estimate(log_mean_exp(weights), acceptance)


@torch.no_grad()
def bidirectional_bounds(
    decode: Decoder,
    latents: int,
    count: int,
    *,
    sigma: float,
    temperatures: int,
    leapfrogs: int,
    chains: int,
    generator: Generator,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Bounds:
    """Bounds on log p(x) of `count` images simulated from the model: bidirectional Monte Carlo.

    z ~ p(z) and x ~ p(x|z) make z an exact sample of p(z|x). Annealed from there to the prior,
    E[w] = 1 / p(x), so -log mean_chains w is an upper bound on average. The chains of an image
    all start from its one z. Costs twice `ais_log_likelihoods` of as many images.
    """
    settings: dict[str, Any] = {"leapfrogs": leapfrogs, "generator": generator}
    like = torch.empty(0, device=device, dtype=dtype)
    exact = random_tensor(torch.randn, (count, latents), generator, like)  # (N, H)
    means = decode(exact)  # (N, D)
    images = means + sigma * random_tensor(torch.randn, means.shape, generator, like)
    path = pilot(decode, latents, images, sigma=sigma, temperatures=temperatures, **settings)
    prior = random_tensor(torch.randn, (count * chains, latents), generator, like)
    observed = Observed(decode, images, chains=chains)
    forward, _ = anneal(observed, prior, path, **settings)
    back, _ = anneal(observed, exact.repeat_interleave(chains, 0), path.reversed(), **settings)
    return Bounds(log_mean_exp(forward), -log_mean_exp(back))


@torch.no_grad()
def fit_sigma(
    decode: Decoder,
    latents: int,
    images: Tensor,
    *,
    transitions: int,
    leapfrogs: int,
    generator: Generator,
) -> float:
    """The sigma under which images (N, D) are likeliest, by Monte Carlo EM: for validation images.

    At a maximum of sum_i log p(x_i) over sigma

        sigma^2 = 1 / (N D) sum_i E_{p(z|x_i)} |x_i - g(z)|^2

    so one chain for each image samples p(z|x_i) under the current sigma, which its residual then
    replaces. From prior samples on, sigma falls as they fit: the chains anneal by themselves.
    Returns the root of the mean of sigma^2 over the second half of the transitions.
    """
    observed = Observed(decode, images, chains=1)
    bend = curvature(decode, latents, images, generator)  # (H,)
    point = observed.at(random_tensor(torch.randn, (len(images), latents), generator, images))
    size, variances = images.new_full((len(images), 1), STEPS[1]), []
    for _ in range(transitions):
        variances.append(2 * float(point.misfit.mean()) / images.shape[1])
        point, probability = transition(
            observed,
            point,
            precision=1 / variances[-1],
            step=size * (1 + bend / variances[-1]).rsqrt(),
            leapfrogs=leapfrogs,
            generator=generator,
        )
        size = adapt(observed, size, probability)
    kept = variances[transitions // 2 :]
    return math.sqrt(sum(kept) / len(kept))
