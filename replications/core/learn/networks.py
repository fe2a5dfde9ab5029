"""Networks that several papers share. A paper's own kind of network stands beside its rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from replications.core.learn.choices import chosen


def glorot_uniform(
    fan_in: int, fan_out: int, *, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """W ~ U(-r, r), r = sqrt(6 / (fan_in + fan_out)), shape (fan_in, fan_out); on the CPU."""
    bound = (6 / (fan_in + fan_out)) ** 0.5
    uniform = torch.rand(fan_in, fan_out, generator=generator, dtype=dtype)
    return bound * (2 * uniform - 1)


def orthogonal(
    fan_in: int, fan_out: int, *, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """U V' of the singular value decomposition of a uniform matrix: all singular values are 1.

    Shape (fan_in, fan_out). As in the code released with Lee et al. (2015).
    """
    matrix = glorot_uniform(fan_in, fan_out, generator=generator, dtype=dtype)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    return left @ right


INITIALISATIONS = {"glorot_uniform": glorot_uniform, "orthogonal": orthogonal}


def initialisation_of(
    declared: Mapping[str, Mapping[str, Any]], known: Mapping[str, Callable[..., Tensor]]
) -> Callable[..., Tensor]:
    """The one of the `known` that is declared; its network gives the generator and the dtype."""
    provided = frozenset({"generator", "dtype"})
    return chosen(declared, known, "network.initialisation", provided=provided)


class FeedForward:
    """h_0 = x, h_i = tanh(h_{i-1} W_i + b_i), and logits h_{L-1} W_L + b_L.

    `parameters` holds "W1", (in, out), "b1", (out,), and so on up from the input; biases start
    at zero. Raises ValueError for an `initialisation` that is not here.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int],
        initialisation: str,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        initial = initialisation_of({initialisation: {}}, INITIALISATIONS)
        self.depth = len(layers) - 1
        self.parameters: dict[str, Tensor] = {}
        for i, (fan_in, fan_out) in enumerate(pairwise(layers), start=1):
            weights = initial(fan_in, fan_out, generator=generator, dtype=dtype)
            self.parameters[f"W{i}"] = weights.to(device)
            self.parameters[f"b{i}"] = torch.zeros(fan_out, device=device, dtype=dtype)

    def layer(self, i: int, below: Tensor) -> Tensor:
        """h_i, (B, n_i), from h_{i-1}, (B, n_{i-1}); for the last layer the logits."""
        before = torch.addmm(self.parameters[f"b{i}"], below, self.parameters[f"W{i}"])
        return before if i == self.depth else before.tanh_()

    def activities(self, inputs: Tensor) -> list[Tensor]:
        """[h_0, h_1, ..., h_{L-1}, logits] for `inputs`, (B, n_0)."""
        activities = [inputs]
        for i in range(1, self.depth + 1):
            activities.append(self.layer(i, activities[-1]))
        return activities

    def cost(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of the softmax over the batch, in nats."""
        return cross_entropy(self.activities(inputs)[-1], labels)
