"""Random numbers on every device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor


def random_tensor(
    law: Callable[..., Tensor], shape: Sequence[int], generator: Generator, like: Tensor
) -> Tensor:
    """`law` (torch.rand or torch.randn) of that shape, with the device and dtype of `like`.

    Drawn on the generator's device, then moved: a CPU generator gives every device the same.
    """
    drawn = law(shape, generator=generator, device=generator.device, dtype=like.dtype)
    return drawn.to(like.device)


def noisy(x: Tensor, deviation: Tensor | float, generator: Generator) -> Tensor:
    """x + e with e ~ N(0, deviation^2), of x's shape."""
    return x + deviation * random_tensor(torch.randn, x.shape, generator, x)
