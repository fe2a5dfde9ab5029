"""Networks with convolutions, with batch normalisation or without: LeNet is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d
from torch.nn.grad import conv2d_input, conv2d_weight

from replications.core.learn.choices import Choice
from replications.core.learn.networks import FeedForward

EPSILON = 1e-5  # added to a variance before its root is taken, as in torch.nn.BatchNorm2d
MOMENTUM = 0.1  # what a batch counts in the running means, as there


@dataclass(frozen=True)
class Convolution:
    """`channels` out, a square `kernel`, `padding` by zeros, and the largest of `pool` x `pool`.

    Rows and columns that fill no pool are left out.
    """

    channels: int
    kernel: int
    padding: int
    pool: int

    def side(self, size: int) -> int:
        """Height and width of what it gives before pooling, from those of what it reads."""
        return size + 2 * self.padding - self.kernel + 1


class Activities(list[Tensor]):
    """[h_0, ..., h_{L-1}, z], and what the way down has to know of the way up, by layer:

    `largest`, (B, c, P'): which of the P places was the largest of each pool. Of normalised
    layers, `normal`, (B, c, P): (a - m) / sqrt(v + 1e-5); and m and v, `mean` and `variance`, (c,).
    """

    def __init__(self, inputs: Tensor) -> None:
        super().__init__([inputs])
        self.largest: dict[int, Tensor] = {}
        self.normal: dict[int, Tensor] = {}
        self.mean: dict[int, Tensor] = {}
        self.variance: dict[int, Tensor] = {}


class Convolutional(FeedForward):
    """Convolutions, and dense layers above: h_i = pool(phi(y_i)), and at the top z = y_L.

        y_i = a_i + b_i,   or, where `normalised`,   y_i = g_i (a_i - m) / sqrt(v + 1e-5) + b_i

    with a_i = h_{i-1} * W_i, and m and v the mean and variance of a channel over the batch and all
    places (Ioffe & Szegedy 2015); the top is not normalised. Answers come by running means of m
    and v instead: `buffers` "m1", "v1", ..., (c,).

    An image has `channels` and is `size` high and wide; `convolutions` are what Convolution takes,
    from the bottom up; `layers` are the widths above. A layer has c channels at P places, a dense
    one at one place, and is (B, c P) between layers. `parameters`: W_i is (c k k, c') for a kernel
    of k x k, so that feedback matrices serve it as they serve a dense layer; b_i and g_i, (c',),
    start at zero and one. Raises TypeError for a convolution with other options, ValueError as
    FeedForward does.
    """

    def __init__(
        self,
        *,
        channels: int,
        size: int,
        convolutions: Sequence[Mapping[str, int]],
        layers: Sequence[int],
        normalised: bool,
        initialisation: Choice,
        units: str,
        cost: str,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.convolutions = [Convolution(**options) for options in convolutions]
        self.images = [(channels, size)]  # channels and height of h_0, h_1, ... of convolutions
        self.sides: dict[int, int] = {}  # height of a_1, a_2, ... of convolutions
        for i, made in enumerate(self.convolutions, start=1):
            self.sides[i] = made.side(size)
            size = self.sides[i] // made.pool
            self.images.append((made.channels, size))
        super().__init__(
            layers=layers, initialisation=initialisation, units=units, cost=cost,
            generator=generator, device=device, dtype=dtype,
        )  # fmt: skip
        self.widths = [*(c * s**2 for c, s in self.images), *layers]
        for i in range(1, self.depth) if normalised else ():
            like = self.parameters[f"b{i}"]
            self.parameters[f"g{i}"] = torch.ones_like(like)
            self.buffers |= {f"m{i}": torch.zeros_like(like), f"v{i}": torch.ones_like(like)}

    def fans(self, layers: Sequence[int]) -> list[tuple[int, int]]:
        convolved = [
            (below * made.kernel**2, made.channels)
            for (below, _), made in zip(self.images[:-1], self.convolutions, strict=True)
        ]
        channels, size = self.images[-1]
        return convolved + super().fans([channels * size**2, *layers])

    def image(self, i: int, h: Tensor) -> Tensor:
        """h_i, (B, c, height, width), of h_i, (B, n_i)."""
        channels, size = self.images[i]
        return h.reshape(-1, channels, size, size)

    def square(self, i: int, summed: Tensor) -> Tensor:
        """(B, c, height, width), of a_i or what has its shape, (B, c, P)."""
        return summed.unflatten(2, (self.sides[i], self.sides[i]))

    def kernels(self, i: int, weights: Tensor) -> Tensor:
        """(c', c, k, k), of a convolution's weights, (c k k, c')."""
        below, _ = self.images[i - 1]
        made = self.convolutions[i - 1]
        return weights.T.reshape(made.channels, below, made.kernel, made.kernel)

    def weighted(self, i: int, below: Tensor) -> Tensor:
        """a_i, (B, c, P), of h_{i-1}, (B, n_{i-1})."""
        weights = self.parameters[f"W{i}"]
        if i not in self.sides:
            return (below @ weights)[:, :, None]
        image, kernels = self.image(i - 1, below), self.kernels(i, weights)
        return conv2d(image, kernels, padding=self.convolutions[i - 1].padding).flatten(2)

    def passed(
        self, inputs: Tensor, statistics: Callable[[int, Tensor], tuple[Tensor, Tensor]]
    ) -> Activities:
        """All activities; `statistics` tells m and v, (c,), of a layer i from its a_i."""
        activities = Activities(inputs)
        for i in range(1, self.depth + 1):
            y = self.weighted(i, activities[-1])
            if f"g{i}" in self.parameters:
                mean, variance = statistics(i, y)
                normal = (y - mean[:, None]) * (variance + EPSILON).rsqrt()[:, None]
                y = self.parameters[f"g{i}"][:, None] * normal
                activities.normal[i] = normal
                activities.mean[i], activities.variance[i] = mean, variance
            y = y + self.parameters[f"b{i}"][:, None]
            h = y if i == self.depth else self.units.phi(y)
            if i in self.sides:
                pool = self.convolutions[i - 1].pool
                h, largest = max_pool2d(self.square(i, h), pool, return_indices=True)
                activities.largest[i] = largest.flatten(2)
            activities.append(h.flatten(1))
        return activities

    def activities(self, inputs: Tensor) -> Activities:
        """As it learns: by the statistics of the batch."""

        def of_batch(i: int, a: Tensor) -> tuple[Tensor, Tensor]:
            mean = a.mean((0, 2))
            return mean, (a - mean[:, None]).square().mean((0, 2))

        return self.passed(inputs, of_batch)

    def outputs(self, inputs: Tensor) -> Tensor:
        """As it answers: by running means."""
        return self.passed(inputs, lambda i, _: (self.buffers[f"m{i}"], self.buffers[f"v{i}"]))[-1]

    def update_running_statistics(self, activities: list[Tensor]) -> None:
        """Let the running means come nearer to the batch's m, and to v without its bias."""
        of_batch = cast(Activities, activities)
        for i, normal in of_batch.normal.items():
            count = normal[:, 0].numel()
            self.buffers[f"m{i}"].lerp_(of_batch.mean[i], MOMENTUM)
            self.buffers[f"v{i}"].lerp_(of_batch.variance[i] * count / (count - 1), MOMENTUM)

    def through_normalisation(self, i: int, activities: list[Tensor], error: Tensor) -> Tensor:
        """dC/da_i, (B, c, P), where `error`, (B, c P), is dC/dy_i; through m and v, too.

        dC/da = g / s (e - mean(e) - n mean(e n)),   n = (a - m) / s,   s = sqrt(v + 1e-5)
        """
        channels = len(self.parameters[f"b{i}"])
        error = error.reshape(len(error), channels, -1)
        passed = cast(Activities, activities)
        if i not in passed.normal:
            return error
        normal = passed.normal[i]
        scale = self.parameters[f"g{i}"] * (passed.variance[i] + EPSILON).rsqrt()
        mean, along = (e.mean((0, 2), keepdim=True) for e in (error, error * normal))
        return scale[:, None] * (error - mean - normal * along)

    def descent(self, i: int, activities: list[Tensor], error: Tensor) -> dict[str, Tensor]:
        """-dC/dW_i, -dC/db_i and -dC/dg_i, where `error`, (B, c P), is dC/dy_i."""
        summed = self.through_normalisation(i, activities, error)
        below, weights = activities[i - 1], self.parameters[f"W{i}"]
        if i in self.sides:
            image, kernels = self.image(i - 1, below), self.kernels(i, weights)
            padding = self.convolutions[i - 1].padding
            slope = conv2d_weight(image, kernels.shape, self.square(i, summed), padding=padding)
            found = {f"W{i}": -slope.flatten(1).T}
        else:
            found = {f"W{i}": -below.T @ summed[:, :, 0]}
        error = error.reshape(summed.shape)
        found[f"b{i}"] = -error.sum((0, 2))
        if f"g{i}" in self.parameters:
            normal = cast(Activities, activities).normal[i]
            found[f"g{i}"] = -(error * normal).sum((0, 2))
        return found

    def through_weights(
        self, i: int, activities: list[Tensor], error: Tensor, feedback: Tensor
    ) -> Tensor:
        """What reaches h_{i-1} of an error dC/dy_i, (B, c P), by F_i in the place of W_i'."""
        summed = self.through_normalisation(i, activities, error)
        if i not in self.sides:
            return summed[:, :, 0] @ feedback
        shape, kernels = self.image(i - 1, activities[i - 1]).shape, self.kernels(i, feedback.T)
        padding = self.convolutions[i - 1].padding
        return conv2d_input(shape, kernels, self.square(i, summed), padding=padding).flatten(1)

    def through_units(self, i: int, activities: list[Tensor], error: Tensor) -> Tensor:
        """dC/dy_i, (B, c P), where `error`, (B, n_i), is dC/dh_i: the largest of a pool gets it."""
        error = super().through_units(i, activities, error)
        if i not in self.sides:
            return error
        largest = cast(Activities, activities).largest[i]
        spread = error.new_zeros(*largest.shape[:2], self.sides[i] ** 2)
        return spread.scatter(2, largest, error.reshape(largest.shape)).flatten(1)
