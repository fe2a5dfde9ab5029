"""Hamiltonian Monte Carlo over the latents of a decoder g whose images are seen with noise.

    density of z  ~  exp(-|z|^2 / 2 - precision |x - g(z)|^2 / 2)

is p(z) p(x|z)^beta of Wu, Burda, Salakhutdinov & Grosse 2017 (arXiv 1611.04273), with p(z) =
N(0, I), p(x|z) = N(g(z), sigma^2 I) and precision = beta / sigma^2. The target acceptance and the
range of step sizes are those of the authors' code; jitter and steps by curvature are ours.

Shapes: N images of D pixels, H latents, and R rows, one for each chain of each image.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from replications.core.learn.noise import random_tensor

Decoder = Callable[[Tensor], Tensor]  # (R, H) -> (R, D), differentiable by autograd

ACCEPTANCE = 0.65  # aimed at, by steps in this range: read in the authors' code
STEPS = (1e-4, 0.5)
GAIN = 0.3  # log step += GAIN (acceptance - ACCEPTANCE): follows a few hundred temperatures
JITTER = 0.2  # steps vary by a fifth either way, or 2 pi of a Gaussian's orbit leads nowhere


class Point(NamedTuple):
    """Latents z (R, H), misfit |x - g(z)|^2 / 2 (R,) and its gradient in z, slope (R, H)."""

    z: Tensor
    misfit: Tensor
    slope: Tensor


class Observed:
    """Misfits of a decoder to images that are repeated to one row for each chain."""

    def __init__(self, decode: Decoder, images: Tensor, *, chains: int) -> None:
        self.decode, self.chains = decode, chains
        self.images = images.repeat_interleave(chains, 0)  # (N, D) -> (R, D)

    def at(self, z: Tensor) -> Point:
        """The misfits at latents (R, H), one for each row."""
        z = z.detach().requires_grad_()
        with torch.enable_grad():
            misfit = 0.5 * (self.decode(z) - self.images).square().sum(1)  # (R,)
            (slope,) = torch.autograd.grad(misfit.sum(), z)  # (R, H)
        return Point(z.detach(), misfit.detach(), slope)

    def likelihood(self, point: Point, sigma: float) -> Tensor:
        """log p(x|z) = -misfit / sigma^2 - (D / 2) log(2 pi sigma^2), (R,), in float64 on the CPU.

        Not every device has float64.
        """
        constant = self.images.shape[1] / 2 * math.log(2 * math.pi * sigma**2)
        return -point.misfit.cpu().double() / sigma**2 - constant

    def by_image(self, rows: Tensor) -> Tensor:
        return rows.view(-1, self.chains)  # (R,) -> (N, chains)


def curvature(decode: Decoder, latents: int, like: Tensor, generator: Generator) -> Tensor:
    """Diagonal of E_{z ~ p(z)}[J'J], J = dg/dz, (H,): the mean square of J'v for v ~ N(0, I)."""
    z = random_tensor(torch.randn, (256, latents), generator, like).requires_grad_()
    with torch.enable_grad():
        decoded = decode(z)  # (256, D)
        probe = random_tensor(torch.randn, decoded.shape, generator, like)
        (projected,) = torch.autograd.grad(decoded, z, probe)  # (256, H)
    return projected.square().mean(0)


def leapfrog(
    observed: Observed,
    point: Point,
    momentum: Tensor,
    *,
    precision: float,
    step: Tensor,
    leapfrogs: int,
) -> tuple[Point, Tensor]:
    """Hamilton's equations for the energy of `hamiltonian`; step (R, H) or what broadcasts to it.

    A step for each latent is a diagonal mass matrix, written in units where momenta are N(0, I).
    """
    for _ in range(leapfrogs):
        momentum = momentum - step / 2 * (precision * point.slope + point.z)  # (R, H)
        point = observed.at(point.z + step * momentum)
        momentum = momentum - step / 2 * (precision * point.slope + point.z)
    return point, momentum


def hamiltonian(point: Point, momentum: Tensor, precision: float) -> Tensor:
    """|z|^2 / 2 + precision |x - g(z)|^2 / 2 + |momentum|^2 / 2 of each row, (R,)."""
    return 0.5 * (point.z.square() + momentum.square()).sum(1) + precision * point.misfit


def transition(
    observed: Observed,
    point: Point,
    *,
    precision: float,
    step: Tensor,
    leapfrogs: int,
    generator: Generator,
) -> tuple[Point, Tensor]:
    """One transition that leaves the density of z invariant; its acceptance probability, (R,).

    step : (N, H), of each image and latent.
    """
    jitter = 1 + JITTER * (2 * random_tensor(torch.rand, (1,), generator, step) - 1)
    step = (jitter * step).repeat_interleave(observed.chains, 0)  # (R, H)
    start = random_tensor(torch.randn, point.z.shape, generator, point.z)
    end, momentum = leapfrog(
        observed, point, start, precision=precision, step=step, leapfrogs=leapfrogs
    )
    change = hamiltonian(end, momentum, precision) - hamiltonian(point, start, precision)
    probability = (-change).exp().clamp(max=1).nan_to_num(0)  # 0 where a trajectory overflowed
    accepted = random_tensor(torch.rand, change.shape, generator, change) < probability
    z, slope = (torch.where(accepted[:, None], end[i], point[i]) for i in (0, 2))  # (R, H)
    return Point(z, torch.where(accepted, end.misfit, point.misfit), slope), probability


def adapt(observed: Observed, step: Tensor, probability: Tensor) -> Tensor:
    """The next step of each image, (N, 1): longer if more than 0.65 was accepted, else shorter."""
    excess = observed.by_image(probability).mean(1, keepdim=True) - ACCEPTANCE
    return (step * (GAIN * excess).exp()).clamp(*STEPS)
