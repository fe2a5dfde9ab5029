"""The training step against the authors' released code, transcribed with automatic differentiation.

What their code does was read, as facts; the transcription is ours. It knows nothing of pressures,
contrasts or solvers: energies and their derivatives alone.
"""

import pytest
import torch
from torch.nn.functional import one_hot

from replications.core.learn.learning import Batch
from replications.scellier2017.network import HopfieldNetwork
from replications.scellier2017.rule import EquilibriumPropagation

SIGNS = (1, -1, -1, 1)
SIZE = 5  # of a batch


class Rho(torch.autograd.Function):
    """clip(s, 0, 1) with slope 1 on [0, 1], as in Theano; PyTorch's clamp has 0 at the bounds."""

    @staticmethod
    def forward(context, s):
        context.save_for_backward(s)
        return s.clamp(0, 1)

    @staticmethod
    def backward(context, slope):
        (s,) = context.saved_tensors
        return slope * ((s >= 0) & (s <= 1))


class Released:
    """Their network: parameters, and a particle for each training image."""

    def __init__(self, network, examples):
        layers = range(1, len(network.sizes) + 1)
        self.weights = [network.parameters[f"W{k}"].clone() for k in layers]
        self.biases = [network.parameters[f"b{k}"].clone() for k in layers]
        self.particles = network.rest(examples)

    def energy(self, inputs, states):
        """|rho(u)|^2 / 2 less the products along weights and biases, by image; rho clips."""
        units = [inputs] + [Rho.apply(s) for s in states]
        total = sum((u * u).sum(1) / 2 for u in units[1:])
        total = total - sum(u @ b for u, b in zip(units[1:], self.biases, strict=True))
        for below, weights, above in zip(units, self.weights, units[1:], strict=False):
            total = total - ((below @ weights) * above).sum(1)
        return total

    def settle(self, inputs, states, steps, beta, targets):
        """Gradient steps of size 1/2 on energy + beta |y - d|^2, clipped."""
        for _ in range(steps):
            states = [s.detach().requires_grad_() for s in states]
            cost = ((states[-1] - targets) ** 2).sum(1)
            total = (self.energy(inputs, states) + beta * cost).sum()
            slopes = torch.autograd.grad(total, states)
            states = [(s - 0.5 * g).clamp(0, 1) for s, g in zip(states, slopes, strict=True)]
        return [s.detach() for s in states]

    def step(self, inputs, targets, rows, *, free_steps, second_steps, beta, rates):
        """One minibatch: W <- W - rate / beta * d(mean energy nudged - free) / dW."""
        free = self.settle(inputs, [p[rows] for p in self.particles], free_steps, 0.0, targets)
        for particle, state in zip(self.particles, free, strict=True):
            particle[rows] = state
        nudged = self.settle(inputs, free, second_steps, beta, targets)
        parameters = [p.requires_grad_() for p in (*self.weights, *self.biases)]
        apart = self.energy(inputs, nudged).mean() - self.energy(inputs, free).mean()
        slopes = torch.autograd.grad(apart / beta, parameters)
        moved = [
            (p - rate * slope).detach()
            for p, slope, rate in zip(parameters, slopes, [*rates, *rates], strict=True)
        ]
        self.weights, self.biases = moved[: len(rates)], moved[len(rates) :]


@pytest.mark.parametrize(
    ("hidden", "free_steps", "second_steps", "beta", "rates"),
    [
        ((11,), 20, 4, 0.5, (0.1, 0.05)),
        ((11, 9), 150, 6, 1.0, (0.4, 0.1, 0.01)),
        ((11, 9, 8), 500, 8, 1.0, (0.128, 0.032, 0.008, 0.002)),
    ],
)
def test_batches_move_the_parameters_as_in_the_released_code(
    hidden, free_steps, second_steps, beta, rates, monkeypatch
):
    generator = torch.Generator().manual_seed(19)
    network = HopfieldNetwork(
        layers=(12, *hidden, 4), outputs="hard_sigmoid", initialisation={"glorot_uniform": {}},
        generator=generator, dtype=torch.float64,
    )  # fmt: skip
    rule = EquilibriumPropagation(
        network=network, examples=2 * SIZE, generator=generator,
        solver={"euler": {"step_size": 0.5}}, tolerance=0, persistent=True,
        free_steps=free_steps, second_steps=second_steps, settling_steps=free_steps,
        cost_scale=1.0, beta=beta, nudging="random_sign",
    )  # fmt: skip
    theirs, signs = Released(network, 2 * SIZE), iter(SIGNS)
    monkeypatch.setattr(rule, "random_sign", lambda: next(signs))
    inputs = torch.rand(2 * SIZE, 12, generator=generator, dtype=torch.float64)
    labels = torch.randint(4, (2 * SIZE,), generator=generator)
    targets = one_hot(labels, 4).double()
    start = {name: p.clone() for name, p in network.parameters.items()}
    for index, sign in enumerate(SIGNS):  # each image twice: the second time from its particle
        rows = slice(SIZE * (index % 2), SIZE * (index % 2) + SIZE)
        updates, _ = rule.updates(Batch(inputs[rows], labels[rows], targets[rows], rows))
        theirs.step(
            inputs[rows], targets[rows], rows, free_steps=free_steps, second_steps=second_steps,
            beta=sign * beta, rates=rates,
        )  # fmt: skip
        for k, rate in enumerate(rates, start=1):
            network.parameters[f"W{k}"].add_(updates[f"W{k}"], alpha=rate)
            network.parameters[f"b{k}"].add_(updates[f"b{k}"], alpha=rate)
        for k in range(1, len(rates) + 1):
            for name, other in ((f"W{k}", theirs.weights), (f"b{k}", theirs.biases)):
                ours = network.parameters[name]
                torch.testing.assert_close(ours, other[k - 1], rtol=0, atol=1e-12)
        for ours, other in zip(rule.state.values(), theirs.particles, strict=True):
            torch.testing.assert_close(ours, other, rtol=0, atol=1e-12)
    moved = [float((p - start[name]).abs().max()) for name, p in network.parameters.items()]
    assert min(moved) > 1e-6, "some parameters have not learnt, and were compared for nothing"
