"""The path of annealed importance sampling: its betas, and the steps of its transitions.

Both come from chains of their own, so that the weighted chains keep E[w] = p(x). Wu, Burda,
Salakhutdinov & Grosse 2017 (arXiv 1611.04273) take sigmoidal betas and adapt a step shared by all
images to the weighted chains themselves; this departs from them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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

PILOT = 2  # chains of the pilot run for each image
FLAT = 1e-6  # a decoder that ignores z has no curvature: its betas are linear


@dataclass(frozen=True)
class Path:
    """betas from 0 to 1, and the steps (N, H) of the transition at each but the first and last."""

    sigma: float
    betas: Sequence[float]
    steps: Sequence[Tensor]

    def reversed(self) -> Path:
        return Path(self.sigma, self.betas[::-1], self.steps[::-1])


def logarithmic(temperatures: int, curvature: float) -> list[float]:
    """`temperatures` + 1 values from 0 to 1: beta_t = ((1 + c)^(t / temperatures) - 1) / c.

    For a Gaussian posterior whose likelihood has curvature c in every latent, log(1 + c beta) is
    the distance from the prior at which log weights have constant variance for each step.
    """
    rate = math.log1p(curvature) / temperatures
    inner = [math.expm1(t * rate) / curvature for t in range(1, temperatures)]
    return [0.0, *inner, 1.0]


def pilot(
    decode: Decoder,
    latents: int,
    images: Tensor,
    *,
    sigma: float,
    temperatures: int,
    leapfrogs: int,
    generator: Generator,
) -> Path:
    """Betas and steps from chains that are then thrown away.

    The curvature c of the betas is that of the Gaussian case, in which log p(x|z) has the standard
    deviation c sqrt(H / 2) under the prior. The step of latent h is that of its image, adapted to
    an acceptance of 0.65, times (1 + beta E[J'J]_hh / sigma^2)^(-1/2).
    """
    observed = Observed(decode, images, chains=PILOT)
    bend = curvature(decode, latents, images, generator)  # (H,)
    point = observed.at(
        random_tensor(torch.randn, (len(images) * PILOT, latents), generator, images)
    )
    spread = observed.by_image(observed.likelihood(point, sigma)).var(1).mean().sqrt()
    betas = logarithmic(temperatures, max(float(spread) * math.sqrt(2 / latents), FLAT))
    size, steps = images.new_full((len(images), 1), STEPS[1]), []
    for precision in (beta / sigma**2 for beta in betas[1:-1]):
        steps.append(size * (1 + precision * bend).rsqrt())  # (N, H)
        point, probability = transition(
            observed,
            point,
            precision=precision,
            step=steps[-1],
            leapfrogs=leapfrogs,
            generator=generator,
        )
        size = adapt(observed, size, probability)
    return Path(sigma, betas, steps)
