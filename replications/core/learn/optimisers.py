"""How updates change parameters. Rates are per parameter: p <- p + rate * (what the rule says)."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import torch
from torch import Tensor


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


def rate_scale(schedule: str, done: float) -> float:
    """What all rates are multiplied by when a share `done` of the training's steps is done.

    "constant": 1; "linear": 1 - done, so that the rates fall to zero over the training.
    """
    return {"constant": 1.0, "linear": 1.0 - done}[schedule]


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
