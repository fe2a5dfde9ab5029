"""What a learning rule is, and back-propagation as one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    """What every network has, by name: its parameters, which training changes in place.

    And buffers: what it only counts while it learns, such as means of its activities.
    """

    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]


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
    def tensors(self) -> dict[str, Tensor]:
        """What a run keeps of network and rule: all that they learn and count."""
        return self.network.parameters | self.parameters | self.network.buffers

    @property
    def sweeps(self) -> tuple[Callable[..., tuple[Updates, Monitor]], ...]:
        """An epoch passes over the data once for each of these, with the updates it computes."""
        return (self.updates,)

    def predict(self, inputs: Tensor) -> Tensor:
        """Class scores, (N, C), of `inputs`, (N, D)."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it predicts")

    def estimate(self, batch: Batch) -> Updates:
        """The updates of a batch outside the training set, to compare with a gradient.

        It counts in the network's buffers as a batch of the training does.
        """
        return self.updates(batch)[0]


class FeedForwardRule(LearningRule):
    """A rule of a feed-forward network: its logits answer, its gradient is that of its cost."""

    network: FeedForward

    def predict(self, inputs: Tensor) -> Tensor:
        return self.network.outputs(inputs)

    def gradient(self, batch: Batch) -> Updates:
        """By automatic differentiation; 0 where the cost does not change with a parameter."""
        twin = copy(self.network)
        leaves = {name: p.detach().requires_grad_() for name, p in twin.parameters.items()}
        twin.parameters = leaves
        cost = twin.cost(batch.inputs, batch.targets)
        gradients = torch.autograd.grad(cost, list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, gradients, strict=True))


class ErrorFeedback(FeedForwardRule):
    """The error at the top goes down the layers, which descend what reaches them.

        e_L = dC/dz,   e_{i-1} = (e_i F_i) phi'(a_{i-1}),   dW_i = -h_{i-1}' e_i,   db_i = -sum e_i

    in a network h_i = phi(h_{i-1} W_i + b_i) with cost C, sums and means over the batch as in C.
    Rules differ in F_i, (n_i, n_{i-1}), the `feedback` from layer i. How an error passes units,
    pools and a normalisation, and what a layer learns from it, is exact: the network tells.
    """

    def feedback(self, i: int) -> Tensor:
        """F_i, (n_i, n_{i-1}): how the error of layer i reaches the layer below."""
        raise NotImplementedError(f"{type(self).__name__} does not say what feeds errors back")

    def layer_errors(self, activities: list[Tensor], top: Tensor) -> Iterator[tuple[int, Tensor]]:
        """(i, e_i), e_i (B, n_i), from layer L, whose error is `top`, to layer 1."""
        error = top
        for i in range(self.network.depth, 0, -1):
            yield i, error
            if i > 1:
                error = self.error_below(i, activities, error, self.feedback(i))

    def error_below(
        self, i: int, activities: list[Tensor], error: Tensor, feedback: Tensor
    ) -> Tensor:
        """e_{i-1}, (B, n_{i-1}), from e_i, (B, n_i), by a matrix F_i."""
        back = self.network.through_weights(i, activities, error, feedback)
        return self.network.through_units(i - 1, activities, back)

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        network = self.network
        activities = network.activities(batch.inputs)
        cost, top = network.top_cost(activities[-1], batch.targets)
        updates: Updates = {}
        for i, error in self.layer_errors(activities, top):
            updates |= network.descent(i, activities, error)
        network.update_running_statistics(activities)
        return updates, classification_monitor(activities[-1], cost, batch)


class Backpropagation(ErrorFeedback):
    """F_i = W_i': the updates are -dC/dW_i, the gradient (Rumelhart, Hinton & Williams 1986)."""

    def feedback(self, i: int) -> Tensor:
        return self.network.parameters[f"W{i}"].T


class OutputLayerAlone(ErrorFeedback):
    """The top layer descends the gradient; no error goes further, all others stay as they start."""

    def layer_errors(self, activities: list[Tensor], top: Tensor) -> Iterator[tuple[int, Tensor]]:
        yield self.network.depth, top

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        updates, monitor = super().updates(batch)
        others = self.network.parameters.keys() - updates.keys()
        still = {name: torch.zeros_like(self.network.parameters[name]) for name in others}
        return updates | still, monitor


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


def classification_monitor(outputs: Tensor, cost: Tensor, batch: Batch) -> Monitor:
    """Error in percent of the largest of the outputs, (B, C), and the cost, before the update."""
    return {"train_error": percent_wrong(outputs, batch.labels), "train_cost": cost}


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
