"""How updates change parameters. Rates are per parameter: p <- p + rate * (what the rule says)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor

from replications.core.learn.choices import chosen


def rates_for(parameters: Mapping[str, Tensor], patterns: Mapping[str, float]) -> dict[str, float]:
    """The learning rate of each parameter, from shell-style patterns such as "[Wb]1".

    Raises ValueError for a parameter that matches no pattern, or several, and for a pattern that
    matches no parameter.
    """
    rates = {}
    unused = set(patterns)
    for name in parameters:
        matching = [pattern for pattern in patterns if fnmatchcase(name, pattern)]
        if len(matching) != 1:
            raise ValueError(
                f"training.learning_rates: parameter {name} needs exactly one pattern, "
                f"has {matching or 'none'} of {list(patterns)}"
            )
        rates[name] = patterns[matching[0]]
        unused.discard(matching[0])
    if unused:
        raise ValueError(
            f"training.learning_rates: {sorted(unused)} match none of {list(parameters)}"
        )
    return rates


def constant(done: float) -> float:
    """1: the rates stay as they are."""
    return 1.0


def linear(done: float) -> float:
    """1 - done: the rates fall to zero over the training."""
    return 1.0 - done


def stepped(done: float, *, factor: float, at: Sequence[float]) -> float:
    """factor^k where k of the shares `at` of the training are done."""
    return factor ** sum(done >= share for share in at)


SCHEDULES: dict[str, Callable[..., float]] = {
    "constant": constant,
    "linear": linear,
    "stepped": stepped,
}


def schedule_of(declared: str | Mapping[str, Mapping[str, Any]]) -> Callable[[float], float]:
    """What all rates are multiplied by when a share, in [0, 1), of the training's steps is done.

    A name, or a name with its options: linear, or {stepped: {factor: 0.1, at: [0.5, 0.75]}}.
    Raises ValueError for a schedule that is not here.
    """
    options = {declared: {}} if isinstance(declared, str) else declared
    return chosen(options, SCHEDULES, "training.schedule")


class SGD:
    """v <- k v + update;  p <- p + rate * v, with momentum k; k = 0 is plain gradient descent."""

    def __init__(
        self, parameters: Mapping[str, Tensor], rates: Mapping[str, float], *, momentum: float
    ) -> None:
        self.parameters = parameters
        self.rates = rates
        self.momentum = momentum
        self.state: dict[str, Tensor] = {}
        if momentum:
            self.state = {f"velocity.{name}": torch.zeros_like(p) for name, p in parameters.items()}

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        """Apply one update per named parameter, in place, with rates multiplied by `scale`."""
        for name, update in updates.items():
            if self.momentum:
                update = self.state[f"velocity.{name}"].mul_(self.momentum).add_(update)
            self.parameters[name].add_(update, alpha=scale * self.rates[name])


class DecayedSGD(SGD):
    """SGD of update - decay p: weights decay, as in torch.optim.SGD."""

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        rates: Mapping[str, float],
        *,
        momentum: float,
        decay: float,
    ) -> None:
        super().__init__(parameters, rates, momentum=momentum)
        self.decay = decay

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        """Apply one update per named parameter, in place, with rates multiplied by `scale`."""
        less = {n: u.sub(self.parameters[n], alpha=self.decay) for n, u in updates.items()}
        super().step(less, scale)


class RMSprop:
    """n <- d n + (1-d) u^2;  p <- p + rate u / (sqrt(n) + floor)

    for an update u, with decay d (Tieleman & Hinton 2012), as in torch.optim.RMSprop.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        rates: Mapping[str, float],
        *,
        decay: float,
        floor: float,
    ) -> None:
        self.parameters, self.rates = parameters, rates
        self.decay, self.floor = decay, floor
        self.state = {f"square.{name}": torch.zeros_like(p) for name, p in parameters.items()}

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        """Apply one update per named parameter, in place, with rates multiplied by `scale`."""
        for name, update in updates.items():
            square = self.state[f"square.{name}"]
            square.mul_(self.decay).addcmul_(update, update, value=1 - self.decay)
            rate = scale * self.rates[name]
            self.parameters[name].addcdiv_(update, square.sqrt().add_(self.floor), value=rate)


class Adam:
    """m <- d1 m + (1-d1) u;  n <- d2 n + (1-d2) u^2;
    p <- p + rate (m / (1 - d1^t)) / (sqrt(n / (1 - d2^t)) + floor)

    for the t-th update u of a parameter, with decays d1 and d2 (Kingma & Ba 2015, Algorithm 1).
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        rates: Mapping[str, float],
        *,
        mean_decay: float,
        square_decay: float,
        floor: float,
    ) -> None:
        self.parameters, self.rates = parameters, rates
        self.decays, self.floor = (mean_decay, square_decay), floor
        self.state = {
            f"{kind}.{name}": torch.zeros_like(p)
            for name, p in parameters.items()
            for kind in ("mean", "square")
        }
        # A count of its own for each: a sweep may update some parameters alone.
        self.state |= {
            f"count.{n}": torch.zeros_like(p.flatten()[0]) for n, p in parameters.items()
        }

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        """Apply one update per named parameter, in place, with rates multiplied by `scale`."""
        first, second = self.decays
        for name, update in updates.items():
            mean, square, count = (
                self.state[f"{kind}.{name}"] for kind in ("mean", "square", "count")
            )
            count += 1
            mean.lerp_(update, 1 - first)
            square.mul_(second).addcmul_(update, update, value=1 - second)
            spread = (square / (1 - second**count)).sqrt_().add_(self.floor)
            step = mean / (1 - first**count)
            self.parameters[name].addcdiv_(step, spread, value=scale * self.rates[name])


class CentredRMSprop:
    """m <- d m + (1-d) u;  n <- d n + (1-d) u^2;
    v <- k v + rate u / sqrt(n - m^2 + floor);  p <- p + v

    for an update u, with decay d and momentum k. Graves (2013) as in the code released with
    Lee et al. (2015): the floor stands inside the root, unlike in torch.optim.RMSprop.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        rates: Mapping[str, float],
        *,
        decay: float,
        momentum: float,
        floor: float,
    ) -> None:
        self.parameters = parameters
        self.rates = rates
        self.decay, self.momentum, self.floor = decay, momentum, floor
        self.state = {
            f"{kind}.{name}": torch.zeros_like(p)
            for name, p in parameters.items()
            for kind in ("mean", "square", "velocity")
        }

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        """Apply one update per named parameter, in place, with rates multiplied by `scale`."""
        for name, update in updates.items():
            mean, square, velocity = (
                self.state[f"{kind}.{name}"] for kind in ("mean", "square", "velocity")
            )
            mean.lerp_(update, 1 - self.decay)
            square.mul_(self.decay).addcmul_(update, update, value=1 - self.decay)
            spread = torch.addcmul(square, mean, mean, value=-1).add_(self.floor).sqrt_()
            rate = scale * self.rates[name]
            velocity.mul_(self.momentum).addcdiv_(update, spread, value=rate)
            self.parameters[name].add_(velocity)
