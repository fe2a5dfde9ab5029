"""Trains a network by a learning rule: the task behind every `learning_rule` experiment."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from replications.core.learn.learning import Batch, errors
from replications.core.run.build import images_of, rule_of
from replications.core.run.runs import Run
from replications.core.train.loop import Monitorable, Monitored, run_epochs
from replications.core.train.minibatch import Minibatches
from replications.core.train.updates import Watched


class Classification(Minibatches):
    """One network and its rule on the first training images; a step is a batch of a sweep."""

    def __init__(self, run: Run) -> None:
        resolved = run.experiment.resolved
        images = images_of(run)
        split = images.train.first(resolved["budget"]["examples"])
        self.inputs, self.labels = split.inputs, split.labels
        self.targets = one_hot(self.labels, images.classes).to(self.inputs.dtype)
        self.validation, self.test = images.validation, images.test
        self.tests = resolved["training"].get("test_each_epoch", False)
        self.rule = rule_of(run, examples=len(split))
        self.parameters = self.rule.tensors
        learnt = self.rule.network.parameters | self.rule.parameters
        sweeps = len(self.rule.sweeps)
        self.watched = Watched(self.rule)
        super().__init__(run, learnt, sweeps=sweeps, noise=self.rule.generator)

    @property
    def state(self) -> dict[str, Tensor]:
        """The rule's own tensors, and those of the minibatches."""
        return self.rule.state | super().state

    def step(self, epoch: int, index: int) -> Monitored:
        """One update from one batch; returns what the rule monitors."""
        rows = self.rows(index)
        batch = Batch(self.inputs[rows], self.labels[rows], self.targets[rows], rows)
        sweep = index // self.batches
        updates, monitor = self.rule.sweeps[sweep](batch)
        self.watched.look(sweep, updates)
        self.apply(updates, epoch, index)
        return {(metric, ""): value for metric, value in monitor.items()}

    def end_epoch(self, epoch: int) -> dict[Monitorable, float]:
        """How the validation images are answered; the test images, where the training says so."""
        held_out = self.validation
        found = errors(self.rule, held_out.inputs, held_out.labels, "validation")
        if self.tests:
            tested = errors(self.rule, self.test.inputs, self.test.labels, "test")
            found["test_error_by_epoch"] = tested["test_error"]
        return {(metric, ""): value for metric, value in found.items()}

    def finish(self) -> None:
        """Nothing is left to do after the last epoch."""


@torch.no_grad()
def train(run: Run) -> None:
    """Train a `learning_rule` experiment into its run directory."""
    training, budget = (run.experiment.resolved[key] for key in ("training", "budget"))
    snapshots = training.get("snapshots", ())
    run_epochs(Classification(run), run, epochs=budget["epochs"], snapshots=snapshots)
