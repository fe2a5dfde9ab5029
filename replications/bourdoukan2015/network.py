"""Balanced spiking networks with fast and slow connections, several at once.

N integrate-and-fire neurons with fixed input weights F, (N, J), code x, (J,), in their filtered
spikes, x̂ = Fᵀr, ṙ = −λ r + s. With the command c and the error e = x − x̂ their potentials follow

    V̇ = −λ V + F c + W_slow r + W_fast s + K F e.

A neuron fires at V_i > T_i = (‖F_i‖² + μ) / 2. For V = F e − μ r that is when its spike lowers
‖e‖² + μ ‖r‖². With x̂ in place of x, which leaves out F (A + λ I) e, that V stands for ẋ = A x + c
if W_fast and W_slow are

    W_fast = −F Fᵀ − μ I,    W_slow = F (A + λ I) Fᵀ.

Both are learned at their synapses alone: at a spike of k, with V of just before it, and always,

    ΔW_fast[:, k] = −η_fast (V / β + W_fast[:, k]),    dW_slow/dt = η_slow (F e) rᵀ.

Time in s, rates in Hz; Euler steps of dt; at most one spike of a network in a step, that of the
largest V − T.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


def optimal_fast(decoder: Tensor, regularisation: float) -> Tensor:
    """−F Fᵀ − μ I, ``(N, N)``: a spike of k moves every V_i = F_i e − μ r_i by this column."""
    eye = torch.eye(len(decoder), dtype=decoder.dtype, device=decoder.device)
    return -decoder @ decoder.T - regularisation * eye


def optimal_slow(decoder: Tensor, dynamics: Tensor, leak: float) -> Tensor:
    """F (A + λ I) Fᵀ, ``(N, N)``: what r tells of ẋ, and the leak of x̂ given back."""
    eye = torch.eye(len(dynamics), dtype=decoder.dtype, device=decoder.device)
    return decoder @ (dynamics + leak * eye) @ decoder.T


def trajectory(commands: Tensor, dynamics: Tensor, *, dt: float) -> Tensor:
    """x of ẋ = A x + c from x = 0, before each step; ``(T, J)`` as the commands."""
    step = torch.eye(len(dynamics), dtype=commands.dtype, device=commands.device) + dt * dynamics
    x = torch.zeros_like(commands)
    for now, after, command in zip(x, x[1:], commands * dt, strict=False):
        torch.addmv(command, step, now, out=after)
    return x


class Networks:
    """R networks that share F; their weights are `fast` and `slow`, ``(R, N, N)``.

    `feedback` is K of each, ``(R,)``, 1/s. `fast_rates` and `slow_rates`, ``(R,)``, are η_fast, of
    a spike, and η_slow, 1/s; zeros: weights stay as they are. `beta`: β above.
    """

    def __init__(
        self, decoder: Tensor, fast: Tensor, slow: Tensor, *, leak: float, regularisation: float,
        feedback: Tensor, beta: float, dt: float,
    ) -> None:  # fmt: skip
        self.decoder, self.fast, self.slow = decoder, fast.clone(), slow.clone()
        self.leak, self.dt, self.beta = leak, dt, beta
        self.feedback_step = feedback[:, None] * dt
        self.threshold = (decoder.square().sum(dim=1) + regularisation) / 2  # (N,)

    def run(
        self, commands: Tensor, target: Tensor, *, fast_rates: Tensor, slow_rates: Tensor
    ) -> tuple[Tensor, Tensor]:
        """A time that starts silent, V = r = 0, with these commands and x, both ``(T, J)``.

        Returns e of before each step, ``(T, R, J)``, and which neuron fired in it, ``(T, R)``, −1
        for none; `state` holds V and r of the end.
        """
        count, size = self.fast.shape[:2]
        state = self.state = State(count, size, like=target)
        drive = commands @ self.decoder.T * self.dt  # (T, N)
        errors = target.new_empty(len(target), count, target.shape[1])
        spikes = torch.empty(len(target), count, dtype=torch.long, device=target.device)
        fast = self.fast.transpose(1, 2).reshape(-1, size)  # a row for what one spike does
        decay, to_neurons = 1 - self.leak * self.dt, self.decoder.T.contiguous()
        slow_steps = slow_rates[:, None] * self.dt
        none = torch.full_like(spikes[0], -1)
        learns = bool(fast_rates.any()), bool(slow_rates.any())
        for error, x, driven, fired in zip(errors, target, drive, spikes, strict=True):
            torch.addmm(x, state.r, self.decoder, alpha=-1, out=error)
            local = torch.mm(error, to_neurons)  # F e, (R, N)
            state.v_column.baddbmm_(self.slow, state.r_column, beta=decay, alpha=self.dt)
            state.v.add_(driven).addcmul_(local, self.feedback_step)
            if learns[1]:
                self.slow.baddbmm_(local.mul_(slow_steps)[:, :, None], state.r_row)
            state.r.mul_(decay)
            over, first = torch.sub(state.v, self.threshold).max(dim=1)
            fires = over > 0
            torch.where(fires, first, none, out=fired)
            state.spike(fires, first, fast, fast_rates if learns[0] else None, beta=self.beta)
        self.fast = fast.view(count, size, size).transpose(1, 2).contiguous()
        return errors, spikes


class State:
    """V and r of R networks, ``(R, N)``, with views as matrices of one column or row."""

    def __init__(self, count: int, size: int, *, like: Tensor) -> None:
        self.v, self.r = like.new_zeros(count, size), like.new_zeros(count, size)
        self.v_column, self.r_column = self.v[:, :, None], self.r[:, :, None]
        self.r_row = self.r[:, None]
        self.r_flat = self.r.view(-1)
        self.starts = torch.arange(count, device=like.device) * size

    def spike(
        self, fires: Tensor, first: Tensor, fast: Tensor, rates: Tensor | None, *, beta: float
    ) -> None:
        """Neuron `first` of the networks that `fires`, both ``(R,)``: V, r and W_fast change.

        `fast`, ``(R N, N)``, has the columns of W_fast as rows and changes in place, unless
        `rates`, η_fast, is None. The spike acts by the weights of before it.
        """
        counts = fires.to(self.v.dtype)
        at = self.starts + first
        column = fast.index_select(0, at)  # W_fast[:, k] of each network, (R, N)
        if rates is not None:
            change = torch.add(column, self.v, alpha=1 / beta).mul_((rates * counts)[:, None])
            fast.index_add_(0, at, change, alpha=-1)
        self.v.addcmul_(column, counts[:, None])
        self.r_flat.index_add_(0, at, counts)


@dataclass(frozen=True)
class System:
    """What is to be learned: A, ``(J, J)``, 1/s, and commands of some size and smoothness."""

    dynamics: Tensor
    amplitude: float  # standard deviation of c, 1/s
    smoothing: float  # s, of the Gaussian that white noise is filtered by
    dt: float  # s

    def draw(self, seconds: float, generator: Generator) -> tuple[Tensor, Tensor]:
        """Commands, and x from x = 0, each ``(T, J)``."""
        width = self.smoothing / self.dt  # ticks
        reach = round(4 * width)
        lags = torch.arange(-reach, reach + 1, dtype=torch.float64, device=generator.device)
        kernel = torch.exp(-0.5 * (lags / width) ** 2)
        kernel *= self.amplitude / kernel.square().sum().sqrt()
        count = round(seconds / self.dt) + 2 * reach
        white = torch.randn(
            len(self.dynamics), 1, count, generator=generator, device=generator.device,
            dtype=torch.float64,
        )  # fmt: skip
        commands = torch.conv1d(white, kernel[None, None])[:, 0].T.contiguous()
        return commands, trajectory(commands, self.dynamics, dt=self.dt)


@dataclass(frozen=True)
class Population:
    """The networks' decoder F, ``(N, J)``, and what goes with it."""

    decoder: Tensor
    leak: float  # λ, 1/s
    regularisation: float  # μ
    beta: float  # of the fast rule

    def optimal(self, dynamics: Tensor) -> tuple[Tensor, Tensor]:
        """The fast and slow weights in closed form, each ``(N, N)``."""
        return (
            optimal_fast(self.decoder, self.regularisation),
            optimal_slow(self.decoder, dynamics, self.leak),
        )

    def start(self, conditions: Mapping[str, Mapping], dynamics: Tensor) -> tuple[Tensor, Tensor]:
        """First weights of every condition, each ``(R, N, N)``.

        "unlearned": a neuron inhibits itself alone, by the optimal amount, which is its reset;
        slow weights are zero. "optimal": in closed form.
        """
        fast, slow = self.optimal(dynamics)
        starts = {
            "unlearned": (torch.diag(fast.diag()), torch.zeros_like(slow)),
            "optimal": (fast, slow),
        }
        chosen = [starts[condition["start"]] for condition in conditions.values()]
        return torch.stack([f for f, _ in chosen]), torch.stack([s for _, s in chosen])

    def networks(self, fast: Tensor, slow: Tensor, feedback: Tensor, dt: float) -> Networks:
        """Networks with these weights, each ``(R, N, N)``, and feedback, ``(R,)``."""
        return Networks(
            self.decoder, fast, slow, leak=self.leak, regularisation=self.regularisation,
            feedback=feedback, beta=self.beta, dt=dt,
        )  # fmt: skip
