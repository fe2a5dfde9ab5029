"""How updates change parameters. Rates are per parameter: p <- p + rate * (what the rule says)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from replications.core.learn.choices import Choice, chosen


def by_pattern(
    parameters: Mapping[str, Tensor], patterns: Mapping[str, float], where: str
) -> dict[str, float]:
    """The number of each parameter, from shell-style patterns such as "[Wb]1".

    Raises ValueError, naming the place in the file, for a parameter that matches no pattern, or
    several, and for a pattern that matches no parameter.
    """
    numbers = {}
    unused = set(patterns)
    for name in parameters:
        matching = [pattern for pattern in patterns if fnmatchcase(name, pattern)]
        if len(matching) != 1:
            raise ValueError(
                f"{where}: parameter {name} needs exactly one pattern, "
                f"has {matching or 'none'} of {list(patterns)}"
            )
        numbers[name] = patterns[matching[0]]
        unused.discard(matching[0])
    if unused:
        raise ValueError(f"{where}: {sorted(unused)} match none of {list(parameters)}")
    return numbers


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


def schedule_of(declared: Choice) -> Callable[[float], float]:
    """What all rates are multiplied by when a share, in [0, 1), of the training's steps is done.

    A name, or a name with its options: linear, or {stepped: {factor: 0.1, at: [0.5, 0.75]}}.
    Raises ValueError for a schedule that is not here.
    """
    return chosen(declared, SCHEDULES, "training.schedule")


class Optimiser:
    """Changes `parameters` in place by what a rule says; `rates` has a rate for each.

    `state` holds what is remembered between steps, by "<kind>.<parameter>": of each of the `kinds`
    a tensor of the parameter's shape that starts at zero.
    """

    def __init__(
        self, parameters: Mapping[str, Tensor], rates: Mapping[str, float], *kinds: str
    ) -> None:
        self.parameters, self.rates = parameters, rates
        self.state = {
            f"{kind}.{name}": torch.zeros_like(p)
            for name, p in parameters.items()
            for kind in kinds
        }

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        """Apply one update per named parameter, in place, with rates multiplied by `scale`."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it steps")

    def remembered(self, name: str, *kinds: str) -> list[Tensor]:
        """Its tensors of these kinds for a parameter, to be changed in place."""
        return [self.state[f"{kind}.{name}"] for kind in kinds]


class SGD(Optimiser):
    """v <- k v + update;  p <- p + rate * v, with momentum k; k = 0 is plain gradient descent."""

    def __init__(
        self, parameters: Mapping[str, Tensor], rates: Mapping[str, float], *, momentum: float
    ) -> None:
        super().__init__(parameters, rates, *(["velocity"] if momentum else []))
        self.momentum = momentum

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        for name, update in updates.items():
            if self.momentum:
                (velocity,) = self.remembered(name, "velocity")
                update = velocity.mul_(self.momentum).add_(update)
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
        less = {n: u.sub(self.parameters[n], alpha=self.decay) for n, u in updates.items()}
        super().step(less, scale)


class SignedSGD(DecayedSGD):
    """DecayedSGD of the update's signs: "batch Manhattan" (Liao, Leibo & Poggio 2016)."""

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        super().step({name: update.sign() for name, update in updates.items()}, scale)


class ProjectedSGD(SGD):
    """SGD, and then p <- max(p, 0) for the parameters that match one of the patterns `at_least_0`.

    Raises ValueError for a pattern that matches no parameter.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        rates: Mapping[str, float],
        *,
        momentum: float,
        at_least_0: Sequence[str],
    ) -> None:
        super().__init__(parameters, rates, momentum=momentum)
        matching = {p: {n for n in parameters if fnmatchcase(n, p)} for p in at_least_0}
        if unused := [pattern for pattern, names in matching.items() if not names]:
            raise ValueError(
                f"training.optimiser.projected_sgd.at_least_0: {unused} match none of "
                f"{list(parameters)}"
            )
        self.projected = set().union(*matching.values())

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        super().step(updates, scale)
        for name in self.projected & updates.keys():
            self.parameters[name].clamp_(min=0)


class RMSprop(Optimiser):
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
        super().__init__(parameters, rates, "square")
        self.decay, self.floor = decay, floor

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        for name, update in updates.items():
            (square,) = self.remembered(name, "square")
            square.mul_(self.decay).addcmul_(update, update, value=1 - self.decay)
            rate = scale * self.rates[name]
            self.parameters[name].addcdiv_(update, square.sqrt().add_(self.floor), value=rate)


class Adam(Optimiser):
    """m <- d1 m + (1-d1) u;  n <- d2 n + (1-d2) u^2;
    p <- p + rate (m / (1 - d1^t)) / (sqrt(n / (1 - d2^t)) + floor)

    for the t-th update u of a parameter, with decays d1 and d2 (Kingma & Ba 2015, Algorithm 1).
    Decays and floor are given by patterns of the parameters' names, as rates are.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        rates: Mapping[str, float],
        *,
        mean_decay: Mapping[str, float],
        square_decay: Mapping[str, float],
        floor: Mapping[str, float],
    ) -> None:
        super().__init__(parameters, rates, "mean", "square")
        where = "training.optimiser.adam"
        self.mean_decay = by_pattern(parameters, mean_decay, f"{where}.mean_decay")
        self.square_decay = by_pattern(parameters, square_decay, f"{where}.square_decay")
        self.floor = by_pattern(parameters, floor, f"{where}.floor")
        # A count of its own for each: a sweep may update some parameters alone.
        self.state |= {
            f"count.{n}": torch.zeros_like(p.flatten()[0]) for n, p in parameters.items()
        }

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        for name, update in updates.items():
            mean, square, count = self.remembered(name, "mean", "square", "count")
            first, second = self.mean_decay[name], self.square_decay[name]
            count += 1
            mean.lerp_(update, 1 - first)
            square.mul_(second).addcmul_(update, update, value=1 - second)
            spread = (square / (1 - second**count)).sqrt_().add_(self.floor[name])
            step = mean / (1 - first**count)
            self.parameters[name].addcdiv_(step, spread, value=scale * self.rates[name])


class CentredRMSprop(Optimiser):
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
        super().__init__(parameters, rates, "mean", "square", "velocity")
        self.decay, self.momentum, self.floor = decay, momentum, floor

    def step(self, updates: Mapping[str, Tensor], scale: float) -> None:
        for name, update in updates.items():
            mean, square, velocity = self.remembered(name, "mean", "square", "velocity")
            mean.lerp_(update, 1 - self.decay)
            square.mul_(self.decay).addcmul_(update, update, value=1 - self.decay)
            spread = torch.addcmul(square, mean, mean, value=-1).add_(self.floor).sqrt_()
            rate = scale * self.rates[name]
            velocity.mul_(self.momentum).addcdiv_(update, spread, value=rate)
            self.parameters[name].add_(velocity)
