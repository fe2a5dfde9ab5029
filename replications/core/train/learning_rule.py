"""Trains a network by a learning rule: the task behind every `learning_rule` experiment."""

from __future__ import annotations

from importlib import import_module

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from replications.core.datasets import Split, load
from replications.core.learning import Batch, LearningRule
from replications.core.optimisers import OPTIMISERS, rates_for
from replications.core.runs import Run
from replications.core.train.loop import train as run_loop

EVALUATION_BATCH = 1000


def generator(run: Run, source: str) -> torch.Generator:
    """The generator of one source of a run's randomness; on the CPU whatever the device."""
    return torch.Generator().manual_seed(run.seed(source))


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


class Classification:
    """One network, its rule and its optimiser on the first `examples` training images.

    A step is one batch of one sweep; an epoch makes each of the rule's sweeps over the data. The
    last batch is dropped where it would be smaller than the others.
    """

    def __init__(self, run: Run) -> None:
        resolved = run.experiment.resolved
        images = load(resolved["data"], run.data).to(run.device)
        examples = resolved["budget"]["examples"]
        split = images.train.first(examples)
        self.inputs, self.labels = split.inputs, split.labels
        self.targets = one_hot(self.labels, images.classes).to(self.inputs.dtype)
        self.validation = images.validation
        self.network, self.rule = build(run, examples=examples)
        self.parameters = self.network.parameters | self.rule.parameters
        training = resolved["training"]
        ((name, options),) = training["optimiser"].items()
        rates = rates_for(self.parameters, training["learning_rates"])
        self.optimiser = OPTIMISERS[name](self.parameters, rates, **options)
        self.batch = training["batch"]
        self.batches = examples // self.batch
        self.steps = self.batches * len(self.rule.sweeps)
        self.order = torch.arange(examples) if training["shuffle"] else None
        self.generators = {"noise": self.rule.generator, "order": generator(run, "order")}

    @property
    def state(self) -> dict[str, Tensor]:
        """The rule's and the optimiser's tensors, and the order of the data if it is shuffled."""
        order = {} if self.order is None else {"order": self.order}
        return self.rule.state | self.optimiser.state | order

    def rows(self, index: int) -> Tensor | slice:
        """Which training images the `index`-th batch of an epoch is made of."""
        part = slice(index * self.batch, (index + 1) * self.batch)
        return part if self.order is None else self.order[part].to(self.inputs.device)

    def step(self, epoch: int, index: int) -> dict[str, Tensor]:
        """One update from one batch; returns what the rule monitors."""
        if index == 0 and self.order is not None:
            examples = len(self.order)
            self.order.copy_(torch.randperm(examples, generator=self.generators["order"]))
        sweep, number = divmod(index, self.batches)
        rows = self.rows(number)
        batch = Batch(self.inputs[rows], self.labels[rows], self.targets[rows], rows)
        updates, monitor = self.rule.sweeps[sweep](self.network, batch)
        self.optimiser.step(updates)
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
