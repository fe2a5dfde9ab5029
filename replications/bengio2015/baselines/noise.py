"""Binary units, the corruption of images, and initial weights."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from replications.core.learn.noise import random_tensor


def bernoulli(mean: Tensor, generator: Generator) -> Tensor:
    """1 with probability `mean`, else 0, for every entry; no gradient passes."""
    return (random_tensor(torch.rand, mean.shape, generator, mean) < mean).to(mean.dtype)


def salt_and_pepper(x: Tensor, rate: float, generator: Generator) -> Tensor:
    """Each entry of x is replaced with probability `rate`, by 0 or 1 with equal chances.

    So a share rate / 2 of the pixels of a binary image changes. One uniform draw for each entry:
    below rate / 2 salt (1), below rate pepper (0).
    """
    uniform = random_tensor(torch.rand, x.shape, generator, x)
    return torch.where(uniform < rate, (uniform < rate / 2).to(x.dtype), x)


def glorot(shape: Sequence[int], generator: Generator, like: Tensor) -> Tensor:
    """Weights U(-a, a), a = sqrt(6 / (inputs + outputs)): Glorot & Bengio 2010 for tanh units."""
    return (2 * random_tensor(torch.rand, shape, generator, like) - 1) * (6 / sum(shape)) ** 0.5
