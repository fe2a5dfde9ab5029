"""Log-likelihood of a decoder by annealed importance sampling, and how far off it may be.

Wu, Burda, Salakhutdinov & Grosse 2017 (arXiv 1611.04273): the decoder g of a Gaussian latent is
given a spherical Gaussian observation model, p(z) = N(0, I) and p(x|z) = N(g(z), sigma^2 I), and

    log p(x) = log int p(z) p(x|z) dz

is estimated by annealing from p(z) to p(z) p(x|z) through p(z) p(x|z)^beta. The estimate is a
stochastic lower bound; annealing back from an exact posterior sample, which images simulated from
the model come with, gives a stochastic upper bound (bidirectional Monte Carlo).

As in the authors' code: Hamiltonian Monte Carlo, one transition at each temperature, steps aimed
at an acceptance of 0.65. Unlike it: `sigma` is a standard deviation (theirs is a variance), and
the steps are adapted in a pilot run of other chains and then fixed, because steps that follow
from the same chain's past would cost the estimate of p(x) its unbiasedness. Theirs are also
shared by all images.

Shapes: N images of D pixels, H latents, and R rows, one for each chain of each image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Generator, Tensor

Decoder = Callable[[Tensor], Tensor]  # (R, H) -> (R, D), differentiable by autograd

ACCEPTANCE = 0.65  # the authors' target, and their range of step sizes
STEPS = (1e-4, 0.5)
GAIN = 0.3  # log step += GAIN (acceptance - 0.65): ours, to follow a few hundred temperatures
PILOT = 4  # chains of the pilot run for each image: ours


@dataclass(frozen=True)
class Estimate:
    """log p(x) of each image in nats, (N,), in float64; mean acceptance of its chains, (N,)."""

    log_likelihoods: Tensor
    acceptance: Tensor


@dataclass(frozen=True)
class Bounds:
    """Stochastic bounds on log p(x) of simulated images: lower and upper, (N,), in nats."""

    lower: Tensor
    upper: Tensor

    @property
    def gap(self) -> float:
        """Mean of upper - lower: on average the lower bound is off by no more, in nats."""
        return float((self.upper - self.lower).mean())


class Point(NamedTuple):
    """Latents z (R, H), log p(x|z) (R,) and its gradient in z (R, H): what no beta changes."""

    z: Tensor
    likelihood: Tensor
    score: Tensor


class Joint:
    """p(z) p(x|z), for images repeated to one row for each chain."""

    def __init__(self, decode: Decoder, images: Tensor, sigma: float, chains: int) -> None:
        self.decode, self.sigma, self.chains = decode, sigma, chains
        self.images = images.repeat_interleave(chains, 0)  # (N, D) -> (R, D), an image's together

    def at(self, z: Tensor) -> Point:
        """log p(x|z) = -|x - g(z)|^2 / (2 sigma^2) - (D / 2) log(2 pi sigma^2), and gradient."""
        z = z.detach().requires_grad_()
        with torch.enable_grad():
            half = 0.5 * (self.decode(z) - self.images).square().sum(1)  # (R,)
            (gradient,) = torch.autograd.grad(half.sum(), z)  # (R, H)
        constant = self.images.shape[1] / 2 * math.log(2 * math.pi * self.sigma**2)
        return Point(
            z.detach(), -half.detach() / self.sigma**2 - constant, -gradient / self.sigma**2
        )

    def by_image(self, rows: Tensor) -> Tensor:
        return rows.view(-1, self.chains)  # (R,) -> (N, chains)


def draw(law: Callable[..., Tensor], shape: Sequence[int], like: Tensor, source: Generator):
    """Drawn on the generator's device and moved: one seed, the same numbers on every device."""
    return law(shape, generator=source, device=source.device, dtype=like.dtype).to(like.device)


def sigmoidal(temperatures: int, steepness: float = 4.0) -> list[float]:
    """`temperatures` + 1 values of beta from 0 to 1: a logistic sigmoid, rescaled."""
    ramp = torch.linspace(-steepness, steepness, temperatures + 1, dtype=torch.float64).sigmoid()
    return ((ramp - ramp[0]) / (ramp[-1] - ramp[0])).tolist()


def leapfrog(
    joint: Joint, point: Point, momentum: Tensor, *, beta: float, step: Tensor, leapfrogs: int
) -> tuple[Point, Tensor]:
    """Hamilton's equations for the energy -log p(z) - beta log p(x|z) + |momentum|^2 / 2."""
    for _ in range(leapfrogs):
        momentum = momentum + step / 2 * (beta * point.score - point.z)  # (R, H)
        point = joint.at(point.z + step * momentum)
        momentum = momentum + step / 2 * (beta * point.score - point.z)
    return point, momentum


def hamiltonian(point: Point, momentum: Tensor, beta: float) -> Tensor:
    """Energy of each row, (R,), up to a constant."""
    return 0.5 * (point.z.square() + momentum.square()).sum(1) - beta * point.likelihood


def transition(
    joint: Joint, point: Point, *, beta: float, step: Tensor, leapfrogs: int, generator: Generator
) -> tuple[Point, Tensor]:
    """One step of HMC that leaves p(z) p(x|z)^beta invariant; its acceptance probability, (R,).

    step : (N,), one for each image.
    """
    step = step.repeat_interleave(joint.chains)[:, None]  # (R, 1)
    start = draw(torch.randn, point.z.shape, point.z, generator)
    end, momentum = leapfrog(joint, point, start, beta=beta, step=step, leapfrogs=leapfrogs)
    change = hamiltonian(end, momentum, beta) - hamiltonian(point, start, beta)
    probability = (-change).exp().clamp(max=1).nan_to_num(0)  # a trajectory that overflows: 0
    accepted = draw(torch.rand, change.shape, change, generator) < probability
    moved = [
        torch.where(accepted.view(-1, *[1] * (new.dim() - 1)), new, old)
        for new, old in zip(end, point, strict=True)
    ]
    return Point(*moved), probability


def adapt(joint: Joint, step: Tensor, probability: Tensor) -> Tensor:
    """The next step of each image, (N,): longer if more than 0.65 was accepted, else shorter."""
    excess = joint.by_image(probability).mean(1) - ACCEPTANCE
    return (step * (GAIN * excess).exp()).clamp(*STEPS)


def pilot(
    decode: Decoder,
    latents: int,
    images: Tensor,
    betas: Sequence[float],
    *,
    sigma: float,
    leapfrogs: int,
    generator: Generator,
) -> list[Tensor]:
    """Steps (N,) for each intermediate beta, adapted on chains that are then thrown away."""
    joint = Joint(decode, images, sigma, PILOT)
    point = joint.at(draw(torch.randn, (len(joint.images), latents), images, generator))
    step, steps = images.new_full((len(images),), STEPS[1]), []
    for beta in betas[1:-1]:
        steps.append(step)
        point, probability = transition(
            joint, point, beta=beta, step=step, leapfrogs=leapfrogs, generator=generator
        )
        step = adapt(joint, step, probability)
    return steps


def anneal(
    joint: Joint,
    z: Tensor,
    betas: Sequence[float],
    steps: Sequence[Tensor],
    *,
    leapfrogs: int,
    generator: Generator,
) -> tuple[Tensor, Tensor]:
    """Log weights of AIS, (N, chains), and mean acceptance, (N,), from betas[0] to betas[-1].

        log w = sum_t (beta_t - beta_{t-1}) log p(x|z_{t-1}),   z_t ~ HMC at beta_t from z_{t-1}

    z : (R, H), exact samples at betas[0]. No transition at betas[-1]: no weight would see it.
    """
    point = joint.at(z)
    weights, acceptance = torch.zeros(2, len(z), dtype=torch.float64, device=z.device)
    for (before, beta), step in zip(pairwise(betas), [*steps, None], strict=True):
        weights += (beta - before) * point.likelihood
        if step is not None:
            point, probability = transition(
                joint, point, beta=beta, step=step, leapfrogs=leapfrogs, generator=generator
            )
            acceptance += probability / len(steps)
    return joint.by_image(weights), joint.by_image(acceptance).mean(1)
