"""Feed-forward networks whose hidden layers send signs, or samples."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from replications.core.learn.networks import FeedForward
from replications.core.learn.noise import random_tensor


def signs(h: Tensor) -> Tensor:
    """1 where h > 0, else -1."""
    return torch.where(h > 0, torch.ones_like(h), -torch.ones_like(h))


def sample(probabilities: Tensor, generator: Generator) -> Tensor:
    """1 with a probability, else 0; one below 0 counts as 0, one above 1 as 1."""
    uniform = random_tensor(torch.rand, probabilities.shape, generator, probabilities)
    return (uniform < probabilities).to(probabilities.dtype)


class SignedFeedForward(FeedForward):
    """A FeedForward whose hidden layers read the signs of the hidden layer below.

    Layer 1 reads the image, the top layer h_{L-1} itself. A sign has the derivative 0: no gradient
    goes through it.
    """

    def read(self, i: int, below: Tensor) -> Tensor:
        return signs(below) if 1 < i < self.depth else below

    def slope(self, i: int, h: Tensor) -> Tensor:
        return super().slope(i, h) if i == self.depth - 1 else torch.zeros_like(h)


class BernoulliFeedForward(FeedForward):
    """A FeedForward of probabilities: the layer above a hidden one reads samples of its units."""

    def sampled(self, inputs: Tensor, generator: Generator) -> tuple[list[Tensor], list[Tensor]]:
        """What the layers 1 to L read, and [h_0, ..., h_{L-1}, z], of `inputs`, (B, n_0)."""
        read, activities = [inputs], [inputs]
        for i in range(1, self.depth):
            activities.append(self.layer(i, read[-1]))
            read.append(sample(activities[-1], generator))
        return read, [*activities, self.layer(self.depth, read[-1])]

    def mean_answer(self, inputs: Tensor, passes: int, generator: Generator) -> Tensor:
        """softmax(z), (B, C), its mean over so many passes."""
        first = self.layer(1, inputs)  # the same in every pass
        total = torch.zeros((), dtype=inputs.dtype, device=inputs.device)
        for _ in range(passes):
            h = first
            for i in range(2, self.depth + 1):
                h = self.layer(i, sample(h, generator))
            total = total + h.softmax(dim=1)
        return total / passes
