"""GeneRec and its variants beside back-propagation, in many networks at once, in float64.

Layers k = 0..L of sigmoid units, x_0 the input. Weights W_k bring layer k-1 to layer k, feedback
V_k brings layer k back to layer k-1 (k >= 2). Each phase settles to

    x_k = sigma(x_{k-1} W_k + b_k + x_{k+1} V_{k+1}),

first without targets (x), then with the outputs clamped to them (x+). A connection from a unit with
activity s to one with activity r changes by

    GeneRec                    s (r+ - r)
    midpoint                   (s + s+) (r+ - r) / 2
    symmetric                  s (r+ - r) + r (s+ - s)        the same in both directions
    contrastive Hebbian        s+ r+ - s r                    both: symmetric, midpoint

Recurrent back-propagation (Almeida, Pineda) descends the cross-entropy of the first phase, by
errors e that settle in the same network; back-propagation does it in the network without V.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import cosine_similarity

from replications.oreilly1996.tasks import TASKS, Task

Arrays = dict[str, np.ndarray]
GENEREC = {  # by name, whether senders are taken at the midpoint, and whether updates are symmetric
    "GeneRec": (False, False),
    "midpoint": (True, False),
    "symmetric": (False, True),
    "contrastive Hebbian": (True, True),
}
GRADIENTS = ("back-propagation", "recurrent back-propagation")
RULES = (*GRADIENTS, *GENEREC)
PATTERNS = 4  # in the batch of a network, where rules are compared with the gradient
STEP = 0.5  # of a unit towards what it is to be, in a step of settling


@dataclass(frozen=True)
class Networks:
    """R networks of one shape: W_k (R, n_{k-1}, n_k), b_k (R, 1, n_k), V_k (R, n_k, n_{k-1}).

    Lists start with layer 1; `feedback` starts with V_2.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    feedback: list[Tensor]

    @property
    def parameters(self) -> list[Tensor]:
        return [*self.weights, *self.biases, *self.feedback]

    def chosen(self, which: Tensor) -> Networks:
        """Those networks alone."""
        return Networks(*([p[which] for p in part]
                          for part in (self.weights, self.biases, self.feedback)))  # fmt: skip

    def symmetrised(self) -> Networks:
        """W_k + V_k' both there and, transposed, back: what shared weights change by."""
        shared = [w + v.mT for w, v in zip(self.weights[1:], self.feedback, strict=True)]
        return Networks([self.weights[0], *shared], self.biases, [w.mT for w in shared])

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """[x_1, ..., x_L] without feedback, (R, B, n_k), of inputs (R, B, n_0)."""
        states = [inputs]
        for w, b in zip(self.weights, self.biases, strict=True):
            states.append(torch.baddbmm(b, states[-1], w).sigmoid())
        return states[1:]

    def settled(
        self, inputs: Tensor, states: list[Tensor], *, steps: int, clamped: bool
    ) -> list[Tensor]:
        """[x_1, ..., x_L] after a phase of so many steps from there."""
        drive, top = torch.baddbmm(self.biases[0], inputs, self.weights[0]), len(states) - 1
        for _ in range(steps):
            moved = []
            for k, x in enumerate(states):
                if clamped and k == top:
                    moved.append(x)
                    continue
                before = (
                    drive
                    if k == 0
                    else torch.baddbmm(self.biases[k], states[k - 1], self.weights[k])
                )
                if k < top:
                    before = torch.baddbmm(before, states[k + 1], self.feedback[k])
                moved.append(x.lerp(before.sigmoid(), STEP))
            states = moved
        return states

    def phases(
        self, inputs: Tensor, targets: Tensor, steps: int
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The states of the first phase, and from there those of the second."""
        free = self.settled(inputs, self.forward(inputs), steps=steps, clamped=False)
        return free, self.settled(inputs, [*free[:-1], targets], steps=steps, clamped=True)

    def errors(self, states: list[Tensor], targets: Tensor, steps: int) -> list[Tensor]:
        """e_k = -dC/d(what layer k sums), at rest; C is the cross-entropy of the outputs.

        e_k = x_k (1 - x_k) (e_{k+1} W_{k+1}' + e_{k-1} V_k'), plus (targets - x_L) at the top.
        """
        top = len(states) - 1
        slopes = [x * (1 - x) for x in states]
        errors = [torch.zeros_like(x) for x in states[:-1]] + [targets - states[-1]]
        for _ in range(steps):
            moved = []
            for k, e in enumerate(errors):
                back = torch.zeros_like(e)
                if k < top:
                    back = back + errors[k + 1] @ self.weights[k + 1].mT
                if k > 0:
                    back = back + errors[k - 1] @ self.feedback[k - 1].mT
                goal = slopes[k] * back
                moved.append(e.lerp(goal + targets - states[-1] if k == top else goal, STEP))
            errors = moved
        return errors


def answers(networks: Networks, rule: str, inputs: Tensor, steps: int) -> Tensor:
    """x_L of the first phase; of back-propagation that without feedback."""
    states = networks.forward(inputs)
    if rule != "back-propagation":
        states = networks.settled(inputs, states, steps=steps, clamped=False)
    return states[-1]


def updates(networks: Networks, rule: str, inputs: Tensor, targets: Tensor, steps: int) -> Networks:
    """What one of RULES adds to every parameter at the rate 1, a mean over the batch."""
    midpoint, symmetric = GENEREC.get(rule, (False, False))
    if rule == "back-propagation":
        states = networks.forward(inputs)
        errors = [targets - states[-1]]
        for w, x in zip(networks.weights[:0:-1], states[-2::-1], strict=True):
            errors.insert(0, errors[0] @ w.mT * x * (1 - x))
    elif rule == "recurrent back-propagation":
        states = networks.settled(inputs, networks.forward(inputs), steps=steps, clamped=False)
        errors = networks.errors(states, targets, steps)
    else:
        states, clamped = networks.phases(inputs, targets, steps)
        errors = [plus - minus for plus, minus in zip(clamped, states, strict=True)]
        if midpoint:
            states = [(minus + plus) / 2 for minus, plus in zip(states, clamped, strict=True)]
    size, below = inputs.shape[1], [inputs, *states[:-1]]
    forward = [s.mT @ e / size for s, e in zip(below, errors, strict=True)]
    back = []
    if networks.feedback:
        back = [s.mT @ e / size for s, e in zip(states[1:], errors[:-1], strict=True)]
    changes = Networks(forward, [e.mean(1, keepdim=True) for e in errors], back)
    return changes.symmetrised() if symmetric else changes


def drawn(layers: Sequence[int], gain: float, networks: int, generator: Generator) -> Networks:
    """Weights and biases from U(-gain, gain), V_k = W_k'."""

    def uniform(*shape: int) -> Tensor:
        return gain * (
            2 * torch.rand(networks, *shape, generator=generator, dtype=torch.float64) - 1
        )

    weights = [uniform(*shape) for shape in pairwise(layers)]
    biases = [uniform(1, n) for n in layers[1:]]
    return Networks(weights, biases, [w.mT.clone() for w in weights[1:]])


def approximation(
    *,
    generator: Generator,
    layers: Sequence[int],
    gains: Sequence[float],
    steps: int,
    networks: int,
) -> Arrays:
    """Degrees between a GeneRec rule's update and recurrent back-propagation's, by size of weights.

    "gains", (G,), and "<rule>", (G, networks). Weights are symmetric; of the symmetric rules so is
    what they are compared with. Inputs are from U(0, 1), targets 0 or 1, PATTERNS a network.
    """
    found: dict[str, list[Tensor]] = {rule: [] for rule in GENEREC}
    for gain in gains:
        current = drawn(layers, gain, networks, generator)
        inputs = torch.rand(networks, PATTERNS, layers[0], generator=generator, dtype=torch.float64)
        targets = torch.randint(2, (networks, PATTERNS, layers[-1]), generator=generator).double()
        gradient = updates(current, GRADIENTS[1], inputs, targets, steps)
        for rule, (_, symmetric) in GENEREC.items():
            change = updates(current, rule, inputs, targets, steps)
            truth = gradient.symmetrised() if symmetric else gradient
            ours, theirs = (torch.cat([p.flatten(1) for p in of.parameters], 1)
                            for of in (change, truth))  # fmt: skip
            found[rule].append(cosine_similarity(ours, theirs).clamp(-1, 1).acos().rad2deg())
    return {"gains": np.array(gains)} | {rule: torch.stack(v).numpy() for rule, v in found.items()}


def learning(
    *,
    generator: Generator,
    task: str,
    hidden: Sequence[int],
    gain: float,
    steps: int,
    batch: int,
    rates: Sequence[float],
    networks: int,
    epochs: int,
) -> Arrays:
    """Epochs until every output of every pattern is on its side of 1/2, by rule, rate and network.

    "<rule>, epochs", (rates, networks), infinite where it is not reached in so many `epochs`, and
    "<rule>, right", the share of patterns at the end; "rates" and "epochs". Every rule and rate has
    the same networks, and the same order of patterns in each.
    """
    patterns = TASKS[task](hidden[0])
    layers = (patterns.inputs.shape[1], *hidden, patterns.targets.shape[1])
    first = drawn(layers, gain, networks, generator)
    first.weights[0] *= patterns.seen
    state, found = generator.get_state(), {}
    for rule in RULES:
        generator.set_state(state)
        found[f"{rule}, epochs"], found[f"{rule}, right"] = learnt(
            first, rule, patterns, rates=rates, steps=steps, batch=batch, epochs=epochs,
            generator=generator,
        )  # fmt: skip
    return {"rates": np.array(rates), "epochs": np.array([epochs])} | found


def learnt(
    first: Networks,
    rule: str,
    patterns: Task,
    *,
    rates: Sequence[float],
    steps: int,
    batch: int,
    epochs: int,
    generator: Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """The epochs of one rule and its share of right patterns, (rates, networks)."""
    count = len(first.weights[0])
    current = first.chosen(torch.arange(count).repeat(len(rates)))
    if rule == "back-propagation":
        current = replace(current, feedback=[])
    rate = torch.tensor(rates, dtype=torch.float64).repeat_interleave(count)[:, None, None]
    left = torch.arange(len(rate))  # the networks that go on
    reached, right = torch.full((2, len(rate)), torch.inf, dtype=torch.float64)
    for epoch in range(epochs + 1):
        everything = patterns.inputs.expand(len(left), -1, -1)
        answered = answers(current, rule, everything, steps) > 0.5
        correct = (answered == (patterns.targets > 0.5)).all(2)  # (networks left, P)
        right[left] = correct.double().mean(1)
        wrong = ~correct.all(1)
        reached[left[~wrong]] = epoch
        left, current = left[wrong], current.chosen(wrong)
        if epoch == epochs or len(left) == 0:
            break
        order = torch.rand(count, len(patterns.inputs), generator=generator).argsort(1)
        for rows in order[left % count].split(batch, dim=1):
            changes = updates(current, rule, patterns.inputs[rows], patterns.targets[rows], steps)
            changes.weights[0] *= patterns.seen
            for parameter, change in zip(current.parameters, changes.parameters, strict=True):
                parameter += rate[left] * change
    shape = len(rates), count
    return reached.reshape(shape).numpy(), right.reshape(shape).numpy()
