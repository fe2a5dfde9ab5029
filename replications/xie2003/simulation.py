"""How near contrastive Hebbian learning is to back-propagation, and where its contrast fails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from replications.core.learn.learning import Batch
from replications.core.learn.networks import FeedForward
from replications.xie2003.rule import ContrastiveHebbian

Arrays = dict[str, np.ndarray]
PATTERNS = 4  # examples in the batch of a network
COSTS = {"linear": "squared_error", "sigmoid": "sigmoid_cross_entropy"}  # by kind of output
STARTS = ("from the clamped state", "from random states")  # of the free phase


def drawn(
    layers: Sequence[int],
    cost: str,
    gain: float,
    *,
    gamma: float,
    steps: int,
    step_size: float,
    generator: Generator,
) -> tuple[ContrastiveHebbian, Batch]:
    """A network of sigmoid units with W ~ U(-gain / sqrt(n), gain / sqrt(n)), n the fan-in.

    And a batch: inputs from U(0, 1) and random labels.
    """
    network = FeedForward(
        layers=layers, initialisation={"fan_in_uniform": {"gain": gain}}, units="sigmoid",
        cost=cost, generator=generator, dtype=torch.float64,
    )  # fmt: skip
    rule = ContrastiveHebbian(
        network=network, examples=PATTERNS, generator=generator,
        gamma=gamma, steps=steps, step_size=step_size,
    )  # fmt: skip
    inputs = torch.rand(PATTERNS, layers[0], generator=generator, dtype=torch.float64)
    labels = torch.randint(layers[-1], (PATTERNS,), generator=generator)
    targets = one_hot(labels, layers[-1]).to(inputs.dtype)
    return rule, Batch(inputs, labels, targets, slice(0, PATTERNS))


def feedback_strengths(
    *,
    generator: Generator,
    layers: Sequence[int],
    gain: float,
    gammas: Sequence[float],
    steps: int,
    step_size: float,
    networks: int,
) -> Arrays:
    """The update beside back-propagation's, by gamma, in so many networks for each kind of output.

    "gammas", (G,); "<outputs>, W<k>, cosine", "..., norm ratio" and "..., error", that of the
    update over the gradient's norm, (G, networks); and "..., plain ratio", the norm ratio without
    the factor gamma^{k-L}.
    """
    depth = len(layers) - 1
    found = {
        f"{outputs}, W{k}, {what}": np.zeros((len(gammas), networks))
        for outputs in COSTS
        for k in range(1, depth + 1)
        for what in ("cosine", "norm ratio", "error", "plain ratio")
    }
    state = generator.get_state()
    for outputs, cost in COSTS.items():
        for g, gamma in enumerate(gammas):
            generator.set_state(state)  # the same networks for every gamma
            for n in range(networks):
                rule, batch = drawn(
                    layers, cost, gain, gamma=gamma, steps=steps, step_size=step_size,
                    generator=generator,
                )  # fmt: skip
                updates = rule.estimate(batch)
                with torch.enable_grad():
                    gradients = rule.gradient(batch)
                for k in range(1, depth + 1):
                    ours, theirs = updates[f"W{k}"].flatten(), -gradients[f"W{k}"].flatten()
                    ratio = float(ours.norm() / theirs.norm())
                    values = {
                        "cosine": float(ours @ theirs / ours.norm() / theirs.norm()),
                        "norm ratio": ratio,
                        "error": float((ours - theirs).norm() / theirs.norm()),
                        "plain ratio": ratio * gamma ** (depth - k),
                    }
                    for what, value in values.items():
                        found[f"{outputs}, W{k}, {what}"][g, n] = value
    return {"gammas": np.array(gammas)} | found


def energy(rule: ContrastiveHebbian, inputs: Tensor, states: list[Tensor]) -> Tensor:
    """E of each example, (B,), for sigmoid units throughout: F(x) = x ln x + (1 - x) ln(1 - x)."""
    top, below, total = rule.network.depth, inputs, torch.zeros(len(inputs), dtype=inputs.dtype)
    for k, x in enumerate(states, start=1):
        entropy = torch.special.entr(x) + torch.special.entr(1 - x)  # -F, 0 at the bounds
        pulled = rule.network.summed(k, below) * x
        total = total - rule.settings.gamma ** (k - top) * (entropy + pulled).sum(1)
        below = x
    return total


def contrasts(
    *,
    generator: Generator,
    layers: Sequence[int],
    gains: Sequence[float],
    gamma: float,
    steps: int,
    step_size: float,
    networks: int,
) -> Arrays:
    """E(clamped) - E(free) by the size of the weights, of PATTERNS examples in each network.

    "gains", (G,); and for either of STARTS, (G, networks PATTERNS). The first is the paper's.
    """
    found: dict[str, list[np.ndarray]] = {start: [] for start in STARTS}
    for gain in gains:
        of_gain: dict[str, list[Tensor]] = {start: [] for start in STARTS}
        for _ in range(networks):
            rule, batch = drawn(
                layers, "sigmoid_cross_entropy", gain, gamma=gamma, steps=steps,
                step_size=step_size, generator=generator,
            )  # fmt: skip
            clamped, free = rule.phases(batch)
            drive, _ = rule.begun(batch.inputs)
            anew = [torch.rand(x.shape, generator=generator, dtype=x.dtype) for x in free]
            anew = rule.settled(drive, anew, clamped=False)
            high = energy(rule, batch.inputs, clamped)
            for start, low in zip(STARTS, (free, anew), strict=True):
                of_gain[start].append(high - energy(rule, batch.inputs, low))
        for start, values in of_gain.items():
            found[start].append(torch.cat(values).numpy())
    return {"gains": np.array(gains)} | {start: np.stack(v) for start, v in found.items()}
