"""Feedback alignment on small tasks, and its theory, in float64 (arXiv 1411.0247).

A linear network y = W A x learns a linear map T, one example x ~ N(0, I) after the other, by the
error e = T x - y. All rules change W by e h', h = A x; they differ in what the hidden layer gets:

    back-propagation  Δh = W'e      feedback alignment  Δh = B e      pseudo-backprop  Δh = W⁺e
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

Arrays = dict[str, np.ndarray]
RULES = ("back-propagation", "feedback alignment", "output layer alone", "node perturbation")


def uniform(bound: float, *shape: int, generator: Generator) -> Tensor:
    """Numbers even in [-bound, bound]."""
    return bound * (2 * torch.rand(*shape, generator=generator, dtype=torch.float64) - 1)


def angles(a: Tensor, b: Tensor) -> Tensor:
    """Degrees between two vectors, (..., n)."""
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=-1)
    return torch.rad2deg(torch.arccos(cosine.clamp(-1, 1)))


@dataclass
class Linear:
    """y = W A x with A, (hidden, in), and W, (out, hidden), and feedback B, (hidden, out)."""

    A: Tensor
    W: Tensor
    B: Tensor

    def step(self, x: Tensor, y: Tensor, rule: str, rate: float, noise: Tensor | None) -> None:
        """One example, x (in,), y (out,), by one of RULES; `noise`, (hidden,), for the last."""
        h = self.A @ x
        e = y - self.W @ h
        if rule == "back-propagation":
            hidden = self.W.T @ e
        elif rule == "feedback alignment":
            hidden = self.B @ e
        elif rule == "node perturbation":
            assert noise is not None
            # L = e'e / 2 with and without noise on h: -dL noise / var is -dL/dh on average.
            worse = (y - self.W @ (h + noise)).square().sum() / 2 - e.square().sum() / 2
            hidden = -worse * noise / noise.square().mean()
        else:
            hidden = torch.zeros_like(h)
        self.W += rate * torch.outer(e, h)
        self.A += rate * torch.outer(hidden, x)

    def error(self, T: Tensor) -> Tensor:
        """Mean |T x - y|^2 over x ~ N(0, I), over that of |T x|^2: exact."""
        return (T - self.W @ self.A).square().sum() / T.square().sum()


def linear_task(
    *,
    generator: Generator,
    layers: tuple[int, int, int],
    weights: float,
    feedback: float,
    rates: Mapping[str, float],
    noise: float,
    every: int,
    shown: int,
) -> Arrays:
    """Task 1: T is drawn, U(-1, 1); W, A ~ U(-weights, weights), B ~ U(-feedback, feedback).

    The rules see the same `shown` examples. "examples", (K,): when it is measured, each `every` of
    them; "<rule>", (K,): the normalised squared error; "angle, <direction>", (K,): mean angle,
    degrees, of feedback alignment's Δh to those of back-propagation and of pseudo-backprop, over
    the `every` examples before.
    """
    n_in, n_hidden, n_out = layers
    T = uniform(1.0, n_out, n_in, generator=generator)
    A = uniform(weights, n_hidden, n_in, generator=generator)
    W = uniform(weights, n_out, n_hidden, generator=generator)
    B = uniform(feedback, n_hidden, n_out, generator=generator)
    nets = {rule: Linear(A.clone(), W.clone(), B) for rule in RULES}
    found: dict[str, list[float]] = {rule: [float(nets[rule].error(T))] for rule in RULES}
    turned: dict[str, list[float]] = {"angle, back-propagation": [], "angle, pseudo-backprop": []}
    seen = []
    for k in range(1, shown + 1):
        x = torch.randn(n_in, generator=generator, dtype=torch.float64)
        perturbation = noise * torch.randn(n_hidden, generator=generator, dtype=torch.float64)
        seen.append(x)
        if k % every == 0:
            batch = torch.stack(seen)
            for name, values in directions(nets["feedback alignment"], T, batch).items():
                turned[name].append(float(values.mean()))
            seen = []
        for rule, net in nets.items():
            net.step(x, T @ x, rule, rates[rule], perturbation)
        if k % every == 0:
            for rule, net in nets.items():
                found[rule].append(float(net.error(T)))
    when = np.arange(0, shown + 1, every)
    return {"examples": when} | {n: np.array(v) for n, v in (found | turned).items()}


def directions(net: Linear, T: Tensor, x: Tensor) -> dict[str, Tensor]:
    """Angles of B e to W'e and to W⁺e, degrees, (N,), at the examples x, (N, in)."""
    e = x @ (T - net.W @ net.A).T  # (N, out)
    ours = e @ net.B.T
    return {
        "angle, back-propagation": angles(ours, e @ net.W),
        "angle, pseudo-backprop": angles(ours, e @ torch.linalg.pinv(net.W).T),
    }


def initial_scales(
    *,
    generator: Generator,
    layers: tuple[int, int, int],
    scales: Sequence[float],
    feedback: float,
    rate: float,
    shown: int,
) -> Arrays:
    """Fig. 4: feedback alignment from W, A ~ U(-scale, scale), for each of the `scales`.

    Each sees the same `shown` examples.

    "scales", (S,); by scale "error", (S,), and mean angles over the last tenth of the examples,
    "angle, back-propagation" and "angle, pseudo-backprop", (S,), degrees.
    """
    n_in, n_hidden, n_out = layers
    T = uniform(1.0, n_out, n_in, generator=generator)
    A = uniform(1.0, n_hidden, n_in, generator=generator)
    W = uniform(1.0, n_out, n_hidden, generator=generator)
    B = uniform(feedback, n_hidden, n_out, generator=generator)
    xs = torch.randn(shown, n_in, generator=generator, dtype=torch.float64)
    found: dict[str, list[float]] = {}
    for scale in scales:
        net = Linear(scale * A, scale * W, B)
        turned: dict[str, list[Tensor]] = {}
        for k, x in enumerate(xs):
            if k >= shown - shown // 10:
                for name, values in directions(net, T, x[None]).items():
                    turned.setdefault(name, []).append(values)
            net.step(x, T @ x, "feedback alignment", rate, None)
        found.setdefault("error", []).append(float(net.error(T)))
        for name, values in turned.items():
            found.setdefault(name, []).append(float(torch.cat(values).mean()))
    return {"scales": np.array(scales)} | {n: np.array(v) for n, v in found.items()}


def conservation(
    *,
    generator: Generator,
    layers: tuple[int, int, int],
    weights: float,
    duration: float,
    steps: int,
) -> Arrays:
    """Gradient flow with the covariance of x the identity, by Runge and Kutta's method:

        dW/dt = E A',   dA/dt = B E,   E = T - W A,

    under which B W + W'B' - A A' stays as it is (Proof 1). From W, A ~ U(-weights, weights), and
    from 0, with B'B = I (Theorem 1: E goes to 0). "<start>, times", (K,), "<start>, drift", (K,):
    the quantity's distance from its start over |A A'|, and "<start>, error", (K,): |E| / |T|.
    """
    n_in, n_hidden, n_out = layers
    T = uniform(1.0, n_out, n_in, generator=generator)
    B = torch.linalg.qr(torch.randn(n_hidden, n_out, generator=generator, dtype=torch.float64))[0]
    starts = {
        "random": (uniform(weights, n_hidden, n_in, generator=generator),
                   uniform(weights, n_out, n_hidden, generator=generator)),
        "zero": (torch.zeros(n_hidden, n_in, dtype=torch.float64),
                 torch.zeros(n_out, n_hidden, dtype=torch.float64)),
    }  # fmt: skip
    arrays: Arrays = {}
    for name, (A, W) in starts.items():
        before = quantity(A, W, B)
        drift, errors = [], []
        for _ in range(steps):
            A, W = runge_kutta(A, W, B, T, duration / steps)
            apart = (quantity(A, W, B) - before).norm() / (A @ A.T).norm()
            drift.append(float(apart))
            errors.append(float((T - W @ A).norm() / T.norm()))
        arrays |= {
            f"{name}, times": duration / steps * np.arange(1, steps + 1),
            f"{name}, drift": np.array(drift),
            f"{name}, error": np.array(errors),
        }
    return arrays


def quantity(A: Tensor, W: Tensor, B: Tensor) -> Tensor:
    """B W + W'B' - A A', (hidden, hidden)."""
    return B @ W + W.mT @ B.mT - A @ A.mT


def flow(A: Tensor, W: Tensor, B: Tensor, T: Tensor) -> tuple[Tensor, Tensor]:
    """dA/dt and dW/dt."""
    E = T - W @ A
    return B @ E, E @ A.mT


def runge_kutta(A: Tensor, W: Tensor, B: Tensor, T: Tensor, dt: float) -> tuple[Tensor, Tensor]:
    """One step of the classical method of order 4."""
    a1, w1 = flow(A, W, B, T)
    a2, w2 = flow(A + dt / 2 * a1, W + dt / 2 * w1, B, T)
    a3, w3 = flow(A + dt / 2 * a2, W + dt / 2 * w2, B, T)
    a4, w4 = flow(A + dt * a3, W + dt * w3, B, T)
    return A + dt / 6 * (a1 + 2 * a2 + 2 * a3 + a4), W + dt / 6 * (w1 + 2 * w2 + 2 * w3 + w4)


def nonlinear_task(
    *,
    generator: Generator,
    teacher: Sequence[int],
    teacher_weights: float,
    students: Mapping[str, Sequence[int]],
    weights: float,
    feedback: float,
    rates: Mapping[str, float],
    networks: int,
    tested: int,
    every: int,
    shown: int,
) -> Arrays:
    """Task 3: networks of tanh units and linear outputs learn what a deeper one computes.

    The teacher is drawn, U(-teacher_weights, teacher_weights), biases too; of each student
    `networks` learn, each from weights and examples of its own, the same for both rules, `shown` of
    them.
    "examples", (K,); "<student>, <rule>", (K, networks): squared error over the variance of the
    teacher's outputs, on `tested` other inputs.
    """
    true = Stack.random([teacher], teacher_weights, 0.0, teacher_weights, generator)
    x = torch.randn(1, tested, teacher[0], generator=generator, dtype=torch.float64)
    y = true.activities(x)[-1]
    spread = (y - y.mean(1, keepdim=True)).square().sum((1, 2))
    arrays: Arrays = {"examples": np.arange(0, shown + 1, every)}
    source = int(torch.randint(2**62, (), generator=generator))
    for student, layers in students.items():
        for rule, rate in rates.items():
            own = torch.Generator().manual_seed(source)
            net = Stack.random([layers] * networks, weights, feedback, 0.0, own)
            errors = [net.error(x, y) / spread]
            for k in range(1, shown + 1):
                seen = torch.randn(networks, 1, teacher[0], generator=own, dtype=torch.float64)
                net.step(seen, true.activities(seen)[-1], rule, rate)
                if k % every == 0:
                    errors.append(net.error(x, y) / spread)
            arrays[f"{student}, {rule}"] = torch.stack(errors).numpy()
    return arrays


@dataclass
class Stack:
    """Networks of one shape side by side: h_i = tanh(h_{i-1} W_i + b_i), the top linear.

    `weights`: (networks, n_{i-1}, n_i), `biases`: (networks, 1, n_i), `feedback`: B_i, i = 2 ... L,
    (networks, n_i, n_{i-1}).
    """

    weights: list[Tensor]
    biases: list[Tensor]
    feedback: list[Tensor]

    @classmethod
    def random(
        cls, layers: Sequence[Sequence[int]], weights: float, feedback: float, biases: float,
        generator: Generator,
    ) -> Stack:  # fmt: skip
        """As many as `layers` names, all of the first one's shape."""
        count, (sizes, *_) = len(layers), layers
        pairs = list(itertools.pairwise(sizes))
        return cls(
            [uniform(weights, count, i, o, generator=generator) for i, o in pairs],
            [uniform(biases, count, 1, o, generator=generator) for _, o in pairs],
            [uniform(feedback, count, o, i, generator=generator) for i, o in pairs[1:]],
        )

    def activities(self, x: Tensor) -> list[Tensor]:
        """[x, h_1, ..., y], of x, (networks, N, n_0)."""
        found = [x]
        for i, (w, b) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            a = found[-1] @ w + b
            found.append(a if i == len(self.weights) else a.tanh())
        return found

    def step(self, x: Tensor, y: Tensor, rule: str, rate: float) -> None:
        """Each network learns its examples, x (networks, N, n_0)."""
        h = self.activities(x)
        delta = y - h[-1]
        deltas = [delta]
        for i in range(len(self.weights) - 1, 0, -1):
            back = self.weights[i].mT if rule == "back-propagation" else self.feedback[i - 1]
            delta = (delta @ back) * (1 - h[i] ** 2)
            deltas.insert(0, delta)
        for i, delta in enumerate(deltas):
            self.weights[i] += rate * h[i].mT @ delta
            self.biases[i] += rate * delta.sum(1, keepdim=True)

    def error(self, x: Tensor, y: Tensor) -> Tensor:
        """Sum of |y - ŷ|² over N inputs, (networks,)."""
        return (self.activities(x)[-1] - y).square().sum((1, 2))


def three_neurons(*, generator: Generator, side: int, duration: float, steps: int) -> Arrays:
    """The net of three neurons, T = B = 1: dw1/dt = 1 - w0 w1, times w0; dw0/dt = 1 - w0 w1.

    From a grid of `side` by `side` starts in [-2, 2]². "paths", (K, side², 2), of (w0, w1) in 50
    equal times, and "quantity", (K, side²), 2 w1 - w0², which stays. Solutions are the hyperbola
    w0 w1 = 1.
    """
    grid = torch.linspace(-2, 2, side, dtype=torch.float64)
    w0, w1 = (axis.flatten()[:, None, None] for axis in torch.meshgrid(grid, grid, indexing="ij"))
    one = torch.ones(1, 1, dtype=torch.float64)
    paths = [torch.stack([w0, w1], 1)[:, :, 0, 0]]
    for k in range(1, steps + 1):
        w0, w1 = runge_kutta(w0, w1, one, one, duration / steps)
        if k % (steps // 50) == 0:
            paths.append(torch.stack([w0, w1], 1)[:, :, 0, 0])
    kept = torch.stack(paths)
    return {"paths": kept.numpy(), "quantity": (2 * kept[..., 1] - kept[..., 0] ** 2).numpy()}
