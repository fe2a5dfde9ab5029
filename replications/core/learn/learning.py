"""What a learning rule is, and back-propagation as one of them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from replications.core.learn.networks import FeedForward

EVALUATION_BATCH = 1000

Updates = dict[str, Tensor]  # by parameter name, of the parameter's shape: descent directions
Monitor = dict[str, Tensor]  # by metric name, a scalar: the batch's mean before the update


@dataclass(frozen=True)
class Batch:
    """B examples: inputs (B, D), labels (B,), one-hot targets (B, C), and their rows in the set."""

    inputs: Tensor
    labels: Tensor
    targets: Tensor
    rows: Tensor | slice


class Network(Protocol):
    """What every network has: its parameters by name, which training changes in place."""

    parameters: dict[str, Tensor]


class LearningRule:
    """Computes the updates of a network's parameters from a batch.

    A rule is built for one `network` and a training set of `examples` images; the other keywords
    are its `Settings`, which a rule extends by its own. `parameters` and `state` hold tensors that
    it has of its own: those it learns (feedback weights), and those it only keeps (persistent
    particles). A rule says how it learns and predicts, and, if its alignment is to be scored, has a
    method `gradient(batch)`: that of the network's cost, by parameter. Raises TypeError for
    settings that are missing or unknown.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings:
        """No settings: a rule adds its own."""

    settings: Settings
    network: Network

    def __init__(
        self, *, network: Network, examples: int, generator: torch.Generator, **settings: Any
    ) -> None:
        self.network, self.generator = network, generator
        self.settings = self.Settings(**settings)
        self.parameters: dict[str, Tensor] = {}
        self.state: dict[str, Tensor] = {}
        self.initialise(examples)

    def initialise(self, examples: int) -> None:
        """Fill `parameters` and `state`, where the rule has any, for `examples` images."""

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        """One tensor per parameter: add a small multiple to it, and the rule's cost falls."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it learns")

    @property
    def sweeps(self) -> tuple[Callable[..., tuple[Updates, Monitor]], ...]:
        """An epoch passes over the data once for each of these, with the updates it computes."""
        return (self.updates,)

    def predict(self, inputs: Tensor) -> Tensor:
        """Class scores, (N, C), of `inputs`, (N, D)."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it predicts")

    def estimate(self, batch: Batch) -> Updates:
        """The updates of a batch outside the training set, to compare with a gradient."""
        return self.updates(batch)[0]


class FeedForwardRule(LearningRule):
    """A rule of a feed-forward network: its logits answer, its gradient is that of its cost."""

    network: FeedForward

    def predict(self, inputs: Tensor) -> Tensor:
        return self.network.activities(inputs)[-1]

    def gradient(self, batch: Batch) -> Updates:
        """By automatic differentiation."""
        twin = copy(self.network)
        leaves = {name: p.detach().requires_grad_() for name, p in twin.parameters.items()}
        twin.parameters = leaves
        cost = twin.cost(batch.inputs, batch.labels)
        gradients = torch.autograd.grad(cost, list(leaves.values()))
        return dict(zip(leaves, gradients, strict=True))


class Backpropagation(FeedForwardRule):
    """dW = -dC/dW, C the network's cost: the gradient itself, by the chain rule.

    For h_i = tanh(a_i), a_i = h_{i-1} W_i + b_i and softmax cross-entropy at the top:
    e_L = (p - t) / B, e_i = (e_{i+1} W_{i+1}') (1 - h_i^2), dC/dW_i = h_{i-1}' e_i
    (Rumelhart, Hinton & Williams 1986).
    """

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        network = self.network
        activities = network.activities(batch.inputs)
        log_p = activities[-1].log_softmax(dim=1)
        error = (log_p.exp() - batch.targets) / len(batch.labels)  # (B, C)
        updates: Updates = {}
        for i in range(network.depth, 0, -1):
            updates[f"W{i}"] = -activities[i - 1].T @ error
            updates[f"b{i}"] = -error.sum(0)
            if i > 1:
                below = activities[i - 1]  # (B, n_{i-1})
                error = (error @ network.parameters[f"W{i}"].T) * (1 - below**2)
        return updates, classification_monitor(activities[-1], log_p, batch)


NO_ANSWER = -1  # no class: what outputs say that are largest together


def answers(outputs: Tensor) -> Tensor:
    """The class of the largest of the outputs, (N, C), of each image: (N,).

    NO_ANSWER where several are largest, as in a network whose outputs are all at one bound: it
    tells no class from another. So it is where an output is not a number.
    """
    largest = outputs.amax(1, keepdim=True)
    return outputs.argmax(1).masked_fill((outputs == largest).sum(1) != 1, NO_ANSWER)


def percent_wrong(outputs: Tensor, labels: Tensor) -> Tensor:
    """Percent of the outputs, (N, C), whose answer is not the label, (N,); no answer is wrong."""
    return 100 * (answers(outputs) != labels).float().mean()


def classification_monitor(outputs: Tensor, log_p: Tensor, batch: Batch) -> Monitor:
    """Error in percent of the largest output and mean cross-entropy in nats, before the update."""
    return {
        "train_error": percent_wrong(outputs, batch.labels),
        "train_cost": -(log_p * batch.targets).sum(1).mean(),
    }


def errors(rule: LearningRule, inputs: Tensor, labels: Tensor, of: str) -> dict[str, float]:
    """How a rule answers `inputs`, (N, D), with the labels (N,): metrics of `of`, in percent.

    <of>_error: answered by another class or by none; <of>_undecided: by none; <of>_error_argmax:
    by another class, if of several largest outputs the first answers. `of`: validation or test.
    """
    wrong = undecided = wrong_first = 0
    for start in range(0, len(labels), EVALUATION_BATCH):
        rows = slice(start, start + EVALUATION_BATCH)
        outputs = rule.predict(inputs[rows])
        given = answers(outputs)
        wrong += int((given != labels[rows]).sum())
        undecided += int((given == NO_ANSWER).sum())
        wrong_first += int((outputs.argmax(1) != labels[rows]).sum())
    counts = {"error": wrong, "undecided": undecided, "error_argmax": wrong_first}
    return {f"{of}_{metric}": 100 * count / len(labels) for metric, count in counts.items()}
