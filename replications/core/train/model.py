"""Trains a generative model: the task behind every `model` experiment."""

from __future__ import annotations

from importlib import import_module

import torch
from torch import Tensor

from replications.core.datasets import load
from replications.core.optimisers import OPTIMISERS, rates_for
from replications.core.runs import Run
from replications.core.train.loop import train as run_loop


def build(run: Run):
    """The generative model of an experiment, as a run starts it."""
    module, name = run.experiment.science
    return getattr(import_module(module), name)(
        **run.experiment.resolved["settings"],
        generator=torch.Generator().manual_seed(run.seed("initialisation")),
        device=run.device,
    )


class Generation:
    """One generative model and its optimiser on the first `examples` training images.

    Each epoch goes through the images in a new order. The last batch is dropped where it would be
    smaller than the others.
    """

    def __init__(self, run: Run) -> None:
        resolved = run.experiment.resolved
        images = load(resolved["data"], run.data).to(run.device)
        self.inputs = images.train.first(resolved["budget"]["examples"]).inputs
        self.model = build(run)
        training = resolved["training"]
        ((name, options),) = training["optimiser"].items()
        rates = rates_for(self.model.parameters, training["learning_rates"])
        self.optimiser = OPTIMISERS[name](self.model.parameters, rates, **options)
        self.parameters = self.model.parameters | self.model.buffers
        self.batch = training["batch"]
        self.steps = len(self.inputs) // self.batch
        self.order = torch.arange(len(self.inputs))
        self.generators = {
            source: torch.Generator().manual_seed(run.seed(source)) for source in ("noise", "order")
        }

    @property
    def state(self) -> dict[str, Tensor]:
        """The optimiser's tensors and the order of the images in this epoch."""
        return self.optimiser.state | {"order": self.order}

    def step(self, epoch: int, index: int) -> dict[str, Tensor]:
        """One update from one batch; returns the loss of each of the model's regressions."""
        if index == 0:
            count = len(self.order)
            self.order.copy_(torch.randperm(count, generator=self.generators["order"]))
        rows = self.order[index * self.batch : (index + 1) * self.batch].to(self.inputs.device)
        updates, losses = self.model.updates(self.inputs[rows], self.generators["noise"])
        self.optimiser.step(updates)
        return {f"local_loss/{name}": loss for name, loss in losses.items()}

    def end_epoch(self, epoch: int) -> dict[str, float]:
        """Nothing is measured between epochs."""
        return {}

    def finish(self) -> None:
        """Fit the prior to the training images, in place."""
        self.model.fit_prior(self.inputs)


@torch.no_grad()
def train(run: Run) -> None:
    """Train a `model` experiment into its run directory."""
    run_loop(Generation(run), run, epochs=run.experiment.resolved["budget"]["epochs"])
