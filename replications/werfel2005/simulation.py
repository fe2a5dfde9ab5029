"""Learning by perturbation of a linear perceptron (Werfel, Xie & Seung 2005), in float64.

y = W x has M outputs and N inputs x ~ N(0, I), new in every step; a teacher says what y is to be.
W less the teacher's weights is w, so that the error of a step is E = |w x|^2 / 2, and its mean over
inputs |w|^2 / 2. Gradient descent changes w by -rate (w x) x'. Perturbation knows no gradient: it
tries a Gaussian xi and follows how E answers,

    node     dw = -(rate / sigma^2) (E(y + xi) - E(y)) xi x'
    weight   dw = -(rate / sigma^2) (E(W + xi) - E(W)) xi

of all nodes or weights at once, or of one that is drawn at random ("sequential"). "Two-sided" is
(E(+xi) - E(-xi)) / 2 instead of the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import cosine_similarity, one_hot

Arrays = dict[str, np.ndarray]
PARALLEL = ("gradient", "node", "weight")
RULES = (*PARALLEL, "node, sequential", "weight, sequential")
BASELINES = ("no baseline", "mean reward")  # of REINFORCE


def normal(*shape: int, generator: Generator) -> Tensor:
    """Numbers from N(0, 1)."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@dataclass(frozen=True)
class Recursion:
    """E|w|^2 from step to step: |w|^2 (1 - drift r + spread r^2) + noise r^2 at the rate r.

    Derived here from the moments of Gaussians; what the suite measures is compared with it.
    """

    drift: float
    spread: float
    noise: float

    @property
    def bound(self) -> float:
        """The rate from which on the error grows."""
        return self.drift / self.spread

    @property
    def best(self) -> float:
        """The rate at which |w|^2 shrinks most in a step."""
        return self.bound / 2

    def factor(self, rate: float) -> float:
        """What a step multiplies |w|^2 by, but for the noise."""
        return 1 - self.drift * rate + self.spread * rate**2

    def decay(self, rate: float) -> float:
        """At what rate per step |w|^2 decays exponentially, but for the noise."""
        return float(-np.log(self.factor(rate)))

    def floor(self, rate: float) -> float:
        """The mean error |w|^2 / 2 that a step leaves as it is: where it ends, below the bound."""
        return self.noise * rate / (self.drift - self.spread * rate) / 2

    def curve(self, start: float, rate: float, steps: np.ndarray) -> np.ndarray:
        """The mean error after so many steps from a mean error `start`, (K,)."""
        end = self.floor(rate)
        return end + (start - end) * self.factor(rate) ** steps


def recursion(rule: str, *, outputs: int, inputs: int, sigma: float, two_sided: bool) -> Recursion:
    """That of one of RULES; of two-sided differences there is no noise."""
    m, n = outputs, inputs
    drift, spread, noise = {
        "gradient": (2, n + 2, 0),
        "node": (2, (m + 2) * (n + 2), n * m * (m + 2) * (m + 4) / 4),
        "weight": (2, (n + 2) * (m * n + 2), n * (n + 2) * m * (m + 2) * (m * n + 4) / 4),
        "node, sequential": (2 / m, 3 * (n + 2) / m, 15 * n / 4),
        "weight, sequential": (2 / (m * n), 3 * (n + 2) / (m * n), 45 / 4),
    }[rule]
    return Recursion(drift, spread, 0.0 if two_sided else noise * sigma**2)


def stepped(
    w: Tensor,
    x: Tensor,
    rule: str,
    *,
    rate: float,
    sigma: float,
    two_sided: bool,
    generator: Generator,
) -> Tensor:
    """w, (R, M, N), after a step of each of R networks on its own input x, (R, N)."""
    networks, outputs, inputs = w.shape
    error = (w @ x[:, :, None])[:, :, 0]  # (R, M)
    if rule == "gradient":
        return w - rate * error[:, :, None] * x[:, None, :]
    of_weights = rule.startswith("weight")
    noise = sigma * normal(networks, outputs * (inputs if of_weights else 1), generator=generator)
    if rule.endswith("sequential"):
        which = torch.randint(noise.shape[1], (networks,), generator=generator)
        noise = noise * one_hot(which, noise.shape[1])
    if of_weights:
        changed = noise.reshape(w.shape)
        told = (changed @ x[:, :, None])[:, :, 0]  # what it does to the outputs
    else:
        told, changed = noise, noise[:, :, None] * x[:, None, :]

    def cost(e: Tensor) -> Tensor:
        return e.square().sum(1) / 2

    if two_sided:
        worse = (cost(error + told) - cost(error - told)) / 2
    else:
        worse = cost(error + told) - cost(error)
    return w - rate / sigma**2 * worse[:, None, None] * changed


def learnt(
    rule: str,
    *,
    outputs: int,
    inputs: int,
    rate: float,
    sigma: float,
    two_sided: bool,
    networks: int,
    steps: int,
    generator: Generator,
) -> np.ndarray:
    """The error |w|^2 / 2, a mean over so many networks, before and after each step, (steps + 1,).

    Every network starts at |w|^2 = 2 M, in a direction of its own.
    """
    w = normal(networks, outputs, inputs, generator=generator)
    w *= (2 * outputs / w.square().sum((1, 2), keepdim=True)).sqrt()
    errors = [w.square().sum((1, 2)).mean() / 2]
    for _ in range(steps):
        x = normal(networks, inputs, generator=generator)
        w = stepped(w, x, rule, rate=rate, sigma=sigma, two_sided=two_sided, generator=generator)
        errors.append(w.square().sum((1, 2)).mean() / 2)
    return torch.stack(errors).numpy()


def learning_curves(
    *,
    generator: Generator,
    outputs: int,
    inputs: int,
    sigma: float,
    lifetimes: float,
    networks: int,
) -> Arrays:
    """One-sided perturbation at each rule's best rate, for so many lifetimes of its decay.

    By rule: "<rule>, steps", (K,), "<rule>, measured", (K,), the mean error over the networks, and
    "<rule>, derived", (K,), that of the recursion.
    """
    found: Arrays = {}
    for rule in RULES:
        size = {"outputs": outputs, "inputs": inputs, "sigma": sigma, "two_sided": False}
        theory = recursion(rule, **size)
        steps = round(lifetimes / theory.decay(theory.best))
        measured = learnt(
            rule, **size, rate=theory.best, networks=networks, steps=steps, generator=generator
        )
        found[f"{rule}, steps"] = np.arange(steps + 1)
        found[f"{rule}, measured"] = measured
        found[f"{rule}, derived"] = theory.curve(measured[0], theory.best, np.arange(steps + 1))
    return found


def decays(
    rules: Sequence[str],
    sizes: Sequence[Sequence[int]],
    *,
    generator: Generator,
    sigma: float,
    lifetimes: float,
    networks: int,
) -> Arrays:
    """The rate of exponential decay at each rule's best rate, by M and N, of two-sided differences.

    "sizes", (S, 2); "<rule>, measured", (S,), ln(first error / last) per step, and
    "<rule>, derived", (S,).
    """
    found: dict[str, list[float]] = {
        f"{rule}, {what}": [] for rule, what in product(rules, ("measured", "derived"))
    }
    for (outputs, inputs), rule in product(sizes, rules):
        size = {"outputs": outputs, "inputs": inputs, "sigma": sigma, "two_sided": True}
        theory = recursion(rule, **size)
        decay = theory.decay(theory.best)
        steps = round(lifetimes / decay)
        errors = learnt(
            rule, **size, rate=theory.best, networks=networks, steps=steps, generator=generator
        )
        found[f"{rule}, measured"].append(np.log(errors[0] / errors[-1]) / steps)
        found[f"{rule}, derived"].append(decay)
    return {"sizes": np.array(sizes)} | {name: np.array(v) for name, v in found.items()}


def speeds(
    *,
    generator: Generator,
    sizes: Sequence[Sequence[int]],
    sigma: float,
    lifetimes: float,
    networks: int,
) -> Arrays:
    """The decay of every rule's error at some sizes: see `decays`."""
    return decays(
        RULES, sizes, generator=generator, sigma=sigma, lifetimes=lifetimes, networks=networks
    )


def widths(
    *,
    generator: Generator,
    outputs: Sequence[int],
    inputs: int,
    sigma: float,
    lifetimes: float,
    networks: int,
) -> Arrays:
    """The decay of the parallel rules' error as the number of outputs grows: see `decays`."""
    sizes = [(m, inputs) for m in outputs]
    return decays(
        PARALLEL, sizes, generator=generator, sigma=sigma, lifetimes=lifetimes, networks=networks
    )


def rates(
    *,
    generator: Generator,
    outputs: int,
    inputs: int,
    sigma: float,
    shares: Sequence[float],
    lifetimes: float,
    networks: int,
) -> Arrays:
    """The error after `lifetimes` of the best rate's decay, by the rate's share of its bound.

    "shares", (S,); "start", (1,), the error before; by rule "<rule>, measured" and "<rule>,
    derived", (S,).
    """
    found: Arrays = {"shares": np.array(shares), "start": np.array([float(outputs)])}
    for rule in RULES:
        size = {"outputs": outputs, "inputs": inputs, "sigma": sigma, "two_sided": False}
        theory = recursion(rule, **size)
        steps = round(lifetimes / theory.decay(theory.best))
        measured, derived = [], []
        for share in shares:
            rate = share * theory.bound
            errors = learnt(
                rule, **size, rate=rate, networks=networks, steps=steps, generator=generator
            )
            measured.append(errors[-1])
            derived.append(theory.curve(errors[0], rate, np.array([steps]))[0])
        found[f"{rule}, measured"], found[f"{rule}, derived"] = map(np.array, (measured, derived))
    return found


def small_rates(
    *,
    generator: Generator,
    outputs: int,
    inputs: int,
    sigma: float,
    share: float,
    lifetimes: float,
    networks: int,
) -> Arrays:
    """All three parallel rules at one small rate: that share of weight perturbation's bound.

    "steps", (K,); "<rule>", (K,), the mean error, of two-sided differences.
    """
    size = {"outputs": outputs, "inputs": inputs, "sigma": sigma, "two_sided": True}
    slowest = recursion("weight", **size)
    rate = share * slowest.bound
    steps = round(lifetimes / slowest.decay(rate))
    found = {"steps": np.arange(steps + 1)}
    for rule in PARALLEL:
        found[rule] = learnt(
            rule, **size, rate=rate, networks=networks, steps=steps, generator=generator
        )
    return found


def reinforce(
    *, generator: Generator, hidden: int, inputs: int, samples: Sequence[int], repeats: int
) -> Arrays:
    """REINFORCE of Bernoulli units against the gradient that all their states are counted for.

        y_k = 1 with probability p_k = 1 / (1 + exp(-(V x)_k)),   dV = (r - b) (y - p) x'

    (Williams 1992), with a reward r(y) drawn for every state of the H hidden units. "samples",
    (K,); "<baseline>", (K,): cosine of the mean of so many samples to the gradient of E[r], a mean
    over `repeats`, for a baseline b of zero and of E[r]; "exact, <baseline>", (1,): the distance
    of the mean over all states to the gradient, over its norm.
    """
    states = torch.tensor([*product((0.0, 1.0), repeat=hidden)], dtype=torch.float64)  # (2^H, H)
    reward = 1 + normal(len(states), generator=generator)
    x = normal(inputs, generator=generator)
    weights = (normal(hidden, inputs, generator=generator) / inputs**0.5).requires_grad_()

    def probabilities(v: Tensor) -> tuple[Tensor, Tensor]:
        p = (v @ x).sigmoid()
        return p, (states * p + (1 - states) * (1 - p)).prod(dim=1)

    with torch.enable_grad():
        p, of_state = probabilities(weights)
        (gradient,) = torch.autograd.grad(of_state @ reward, weights)
    p, of_state = p.detach(), of_state.detach()
    each = (states - p)[:, :, None] * x  # (2^H, H, N)
    found: Arrays = {"samples": np.array(samples)}
    for name, baseline in zip(BASELINES, (0.0, of_state @ reward), strict=True):
        told = (reward - baseline)[:, None, None] * each
        mean = (of_state[:, None, None] * told).sum(0)
        found[f"exact, {name}"] = np.array([float((mean - gradient).norm() / gradient.norm())])
        cosines = []
        for count in samples:
            drawn = torch.multinomial(
                of_state, repeats * count, replacement=True, generator=generator
            )
            means = told[drawn].reshape(repeats, count, -1).mean(1)
            cosines.append(float(cosine_similarity(means, gradient.flatten()[None]).mean()))
        found[name] = np.array(cosines)
    return found
