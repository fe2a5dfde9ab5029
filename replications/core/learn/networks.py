"""Networks that several papers share. A paper's own kind of network stands beside its rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from replications.core.learn.choices import Choice, chosen, named


def glorot_uniform(
    fan_in: int, fan_out: int, *, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """W ~ U(-r, r), r = sqrt(6 / (fan_in + fan_out)), shape (fan_in, fan_out); on the CPU."""
    bound = (6 / (fan_in + fan_out)) ** 0.5
    return uniform(fan_in, fan_out, generator=generator, dtype=dtype, bound=bound)


def glorot_normal(
    fan_in: int, fan_out: int, *, generator: torch.Generator, dtype: torch.dtype, gain: float
) -> Tensor:
    """W ~ N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)), shape (fan_in, fan_out); on the CPU."""
    deviation = gain * (2 / (fan_in + fan_out)) ** 0.5
    return deviation * torch.randn(fan_in, fan_out, generator=generator, dtype=dtype)


def orthogonal(
    fan_in: int, fan_out: int, *, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """U V' of the singular value decomposition of a uniform matrix: all singular values are 1.

    Shape (fan_in, fan_out). As in the code released with Lee et al. (2015).
    """
    matrix = glorot_uniform(fan_in, fan_out, generator=generator, dtype=dtype)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    return left @ right


def uniform(
    fan_in: int, fan_out: int, *, generator: torch.Generator, dtype: torch.dtype, bound: float
) -> Tensor:
    """W ~ U(-bound, bound), shape (fan_in, fan_out); on the CPU."""
    return bound * (2 * torch.rand(fan_in, fan_out, generator=generator, dtype=dtype) - 1)


def fan_in_uniform(
    fan_in: int, fan_out: int, *, generator: torch.Generator, dtype: torch.dtype, gain: float
) -> Tensor:
    """W ~ U(-r, r), r = gain / sqrt(fan_in), shape (fan_in, fan_out); on the CPU."""
    bound = gain / fan_in**0.5
    return uniform(fan_in, fan_out, generator=generator, dtype=dtype, bound=bound)


def fan_out_uniform(
    fan_in: int, fan_out: int, *, generator: torch.Generator, dtype: torch.dtype, gain: float
) -> Tensor:
    """W ~ U(-r, r), r = gain / sqrt(fan_out), shape (fan_in, fan_out); on the CPU."""
    bound = gain / fan_out**0.5
    return uniform(fan_in, fan_out, generator=generator, dtype=dtype, bound=bound)


def zeros(fan_in: int, fan_out: int, *, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    """W = 0, shape (fan_in, fan_out); on the CPU. Nothing is drawn."""
    return torch.zeros(fan_in, fan_out, dtype=dtype)


INITIALISATIONS: dict[str, Callable[..., Tensor]] = {
    initialise.__name__: initialise
    for initialise in (
        glorot_uniform, glorot_normal, orthogonal, uniform, fan_in_uniform, fan_out_uniform, zeros
    )
}  # fmt: skip


def initialisation_of(
    declared: Choice, where: str = "network.initialisation"
) -> Callable[..., Tensor]:
    """The one of the INITIALISATIONS that is declared; called with sizes, generator and dtype.

    Raises ValueError, naming the place in the file, for one that is not here.
    """
    provided = frozenset({"generator", "dtype"})
    return chosen(declared, INITIALISATIONS, where, provided=provided)


@dataclass(frozen=True)
class Unit:
    """A unit's output h = phi(a), and its slope phi'(a), which h alone tells."""

    phi: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


UNITS = {
    "tanh": Unit(torch.tanh, lambda h: 1 - h**2),
    "sigmoid": Unit(torch.sigmoid, lambda h: h * (1 - h)),
    "relu": Unit(torch.relu, lambda h: (h > 0).to(h.dtype)),
    "linear": Unit(lambda a: a, torch.ones_like),
}

# A cost of the top layer's inputs z, (B, C), and the targets t, (B, C), returns its mean over the
# batch, C, a scalar, and its derivative dC/dz, (B, C).
Cost = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def softmax_cross_entropy(z: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """-sum_c t_c log p_c with p = softmax(z), in nats; dC/dz = (p - t) / B."""
    log_p = z.log_softmax(dim=1)
    return -(log_p * targets).sum(1).mean(), (log_p.exp() - targets) / len(z)


def sigmoid_cross_entropy(z: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """-sum_c t_c log p_c + (1 - t_c) log(1 - p_c) with p = sigmoid(z), in nats;
    dC/dz = (p - t) / B."""
    total = binary_cross_entropy_with_logits(z, targets, reduction="sum")
    return total / len(z), (z.sigmoid() - targets) / len(z)


def squared_error(z: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """|z - t|^2 / 2, of linear outputs; dC/dz = (z - t) / B."""
    error = z - targets
    return error.square().sum(1).mean() / 2, error / len(z)


def sigmoid_squared_error(z: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """|y - t|^2 / 2 with outputs y = sigmoid(z); dC/dz = (y - t) y (1 - y) / B."""
    y = z.sigmoid()
    error = y - targets
    return error.square().sum(1).mean() / 2, error * y * (1 - y) / len(z)


COSTS: dict[str, Cost] = {
    cost.__name__: cost
    for cost in (
        softmax_cross_entropy,
        sigmoid_cross_entropy,
        squared_error,
        sigmoid_squared_error,
    )
}


class FeedForward:
    """h_0 = x, h_i = phi(h_{i-1} W_i + b_i), and at the top z = h_{L-1} W_L + b_L.

    `units` names phi, `cost` what z is trained for: a function of this module. `parameters` holds
    "W1", (in, out), "b1", (out,), and so on up from the input; biases start at zero. `widths` are
    n_0, ..., n_L. Raises ValueError for an `initialisation`, `units` or a `cost` that is not here.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int],
        initialisation: Choice,
        units: str,
        cost: str,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.units, self.top_cost = named(units, UNITS, "units"), named(cost, COSTS, "cost")
        initial = initialisation_of(initialisation)
        fans = self.fans(layers)
        self.widths, self.depth = list(layers), len(fans)
        self.parameters: dict[str, Tensor] = {}
        self.buffers: dict[str, Tensor] = {}
        for i, (fan_in, fan_out) in enumerate(fans, start=1):
            weights = initial(fan_in, fan_out, generator=generator, dtype=dtype)
            self.parameters[f"W{i}"] = weights.to(device)
            self.parameters[f"b{i}"] = torch.zeros(fan_out, device=device, dtype=dtype)

    def fans(self, layers: Sequence[int]) -> list[tuple[int, int]]:
        """The shape of each W_i, from the `layers` that are declared."""
        return [*pairwise(layers)]

    def read(self, i: int, below: Tensor) -> Tensor:
        """What layer i reads of h_{i-1}, (B, n_{i-1}): all of it."""
        return below

    def slope(self, i: int, h: Tensor) -> Tensor:
        """The derivative of what the layer above reads of h_i by its input a_i, (B, n_i)."""
        return self.units.slope(h)

    def summed(self, i: int, below: Tensor) -> Tensor:
        """a_i, (B, n_i), from h_{i-1}, (B, n_{i-1})."""
        read = self.read(i, below)
        return torch.addmm(self.parameters[f"b{i}"], read, self.parameters[f"W{i}"])

    def layer(self, i: int, below: Tensor) -> Tensor:
        """h_i, (B, n_i), from h_{i-1}, (B, n_{i-1}); for the top layer z."""
        before = self.summed(i, below)
        return before if i == self.depth else self.units.phi(before)

    def activities(self, inputs: Tensor) -> list[Tensor]:
        """[h_0, h_1, ..., h_{L-1}, z] for `inputs`, (B, n_0)."""
        activities = [inputs]
        for i in range(1, self.depth + 1):
            activities.append(self.layer(i, activities[-1]))
        return activities

    def outputs(self, inputs: Tensor) -> Tensor:
        """z, (B, n_L), of `inputs`, (B, n_0): its answer, once it has learnt."""
        return self.activities(inputs)[-1]

    def descent(self, i: int, activities: list[Tensor], error: Tensor) -> dict[str, Tensor]:
        """-dC/dW_i and -dC/db_i, by parameter, where `error`, (B, n_i), is dC/da_i."""
        below = self.read(i, activities[i - 1])
        return {f"W{i}": -below.T @ error, f"b{i}": -error.sum(0)}

    def through_weights(
        self, i: int, activities: list[Tensor], error: Tensor, feedback: Tensor
    ) -> Tensor:
        """What reaches h_{i-1} of an error dC/da_i, (B, n_i), by F_i in the place of W_i'."""
        return error @ feedback

    def through_units(self, i: int, activities: list[Tensor], error: Tensor) -> Tensor:
        """dC/da_i, (B, n_i), where `error`, (B, n_i), is dC/dh_i."""
        return error * self.slope(i, activities[i])

    def update_running_statistics(self, activities: list[Tensor]) -> None:
        """Count in `buffers` what a batch's activities tell: nothing here."""

    def cost(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The cost of the targets, (B, C), a mean over the batch."""
        return self.top_cost(self.activities(inputs)[-1], targets)[0]
