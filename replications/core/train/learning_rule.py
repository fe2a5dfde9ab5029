"""Trains a network by a learning rule: the task behind every `learning_rule` experiment."""

from __future__ import annotations

from importlib import import_module

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from replications.core.datasets import Split, images_of
from replications.core.learning import Batch, LearningRule
from replications.core.runs import Run
from replications.core.train.loop import train as run_loop
from replications.core.train.minibatch import Minibatches, generator

EVALUATION_BATCH = 1000


def build(run: Run, *, examples: int) -> tuple[object, LearningRule]:
    """The network and the rule of an experiment, as a run starts them."""
    experiment = run.experiment
    network_class = getattr(import_module(experiment.network[0]), experiment.network[1])
    rule_class = getattr(import_module(experiment.science[0]), experiment.science[1])
    (arguments,) = experiment.resolved["network"].values()
    network = network_class(
        **arguments, generator=generator(run, "initialisation"), device=run.device
    )
    rule = rule_class(
        network=network,
        examples=examples,
        generator=generator(run, "noise"),
        **experiment.resolved["settings"],
    )
    return network, rule


def error_rate(rule: LearningRule, network, split: Split) -> float:
    """Percent of `split` whose largest output is not its label."""
    wrong = 0
    for start in range(0, len(split.labels), EVALUATION_BATCH):
        rows = slice(start, start + EVALUATION_BATCH)
        outputs = rule.predict(network, split.inputs[rows])
        wrong += int((outputs.argmax(1) != split.labels[rows]).sum())
    return 100 * wrong / len(split.labels)


class Classification(Minibatches):
    """One network and its rule on the first training images; a step is a batch of a sweep."""

    def __init__(self, run: Run) -> None:
        resolved = run.experiment.resolved
        images = images_of(run)
        split = images.train.first(resolved["budget"]["examples"])
        self.inputs, self.labels = split.inputs, split.labels
        self.targets = one_hot(self.labels, images.classes).to(self.inputs.dtype)
        self.validation = images.validation
        self.network, self.rule = build(run, examples=len(split))
        self.parameters = self.network.parameters | self.rule.parameters
        sweeps = len(self.rule.sweeps)
        super().__init__(run, self.parameters, sweeps=sweeps, noise=self.rule.generator)

    @property
    def state(self) -> dict[str, Tensor]:
        """The rule's own tensors, and those of the minibatches."""
        return self.rule.state | super().state

    def step(self, epoch: int, index: int) -> dict[str, Tensor]:
        """One update from one batch; returns what the rule monitors."""
        rows = self.rows(index)
        batch = Batch(self.inputs[rows], self.labels[rows], self.targets[rows], rows)
        updates, monitor = self.rule.sweeps[index // self.batches](self.network, batch)
        self.apply(updates, epoch, index)
        return monitor

    def end_epoch(self, epoch: int) -> dict[str, float]:
        """The validation error."""
        return {"validation_error": error_rate(self.rule, self.network, self.validation)}

    def finish(self) -> None:
        """Nothing is left to do after the last epoch."""


@torch.no_grad()
def train(run: Run) -> None:
    """Train a `learning_rule` experiment into its run directory."""
    run_loop(Classification(run), run, epochs=run.experiment.resolved["budget"]["epochs"])
