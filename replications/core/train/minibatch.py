"""What every training from minibatches shares: the order of the data and the steps down."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import torch
from torch import Tensor

from replications.core.learn.optimisers import by_pattern, schedule_of
from replications.core.run.build import generator
from replications.core.run.runs import Run


class Minibatches:
    """The first `examples` images in batches, and the optimiser of `parameters`.

    A step is one batch; an epoch makes `sweeps` sweeps over the images, in file order or, if the
    training says `shuffle`, in an order that is new in every epoch. The last batch of a sweep is
    dropped where it would be smaller than the others.
    """

    parameters: dict[str, Tensor]  # a subclass's: kept in the run directory

    def __init__(
        self, run: Run, parameters: Mapping[str, Tensor], *, sweeps: int, noise: torch.Generator
    ) -> None:
        training, budget = (run.experiment.resolved[key] for key in ("training", "budget"))
        (options,) = training["optimiser"].values()
        assert run.experiment.optimiser, "the schema gives every training an optimiser"
        module, name = run.experiment.optimiser
        rates = by_pattern(parameters, training["learning_rates"], "training.learning_rates")
        self.optimiser = getattr(import_module(module), name)(parameters, rates, **options)
        self.schedule, self.batch = schedule_of(training["schedule"]), training["batch"]
        self.batches = budget["examples"] // self.batch
        if self.batches == 0:
            raise ValueError(
                f"training.batch is {self.batch}, budget.examples {budget['examples']}: give at "
                "least as many examples as make one batch"
            )
        self.steps = self.batches * sweeps
        self.total = self.steps * budget["epochs"]
        self.order = torch.arange(budget["examples"]) if training["shuffle"] else None
        self.generators = {"noise": noise, "order": generator(run, "order")}

    @property
    def state(self) -> dict[str, Tensor]:
        """The optimiser's tensors, and the order of the images if they are shuffled."""
        order = {} if self.order is None else {"order": self.order}
        return self.optimiser.state | order

    def rows(self, index: int) -> Tensor | slice:
        """Which images step `index` of an epoch sees; the first step draws the epoch's order."""
        if index == 0 and self.order is not None:
            examples = len(self.order)
            self.order.copy_(torch.randperm(examples, generator=self.generators["order"]))
        first = index % self.batches * self.batch
        part = slice(first, first + self.batch)
        return part if self.order is None else self.order[part]

    def apply(self, updates: Mapping[str, Tensor], epoch: int, index: int) -> None:
        """Step down by what a learning rule says, at the rates of this step."""
        done = (epoch * self.steps + index) / self.total
        self.optimiser.step(updates, self.schedule(done))
