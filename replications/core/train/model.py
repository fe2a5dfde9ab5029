"""Trains a generative model: the task behind every `model` experiment."""

from __future__ import annotations

import torch

from replications.core.run.build import generative_model, generator, images_of
from replications.core.run.runs import Run
from replications.core.train.loop import Monitorable, Monitored, run_epochs
from replications.core.train.minibatch import Minibatches


class Generation(Minibatches):
    """One generative model on the first training images."""

    def __init__(self, run: Run) -> None:
        resolved = run.experiment.resolved
        images = images_of(run)
        self.inputs = images.train.first(resolved["budget"]["examples"]).inputs
        self.model = generative_model(run)
        self.parameters = self.model.parameters | self.model.buffers
        noise = generator(run, "noise")
        super().__init__(run, self.model.parameters, sweeps=1, noise=noise)

    def step(self, epoch: int, index: int) -> Monitored:
        """One update from one batch; returns the losses that the model names."""
        inputs = self.inputs[self.rows(index)]
        updates, losses = self.model.updates(inputs, self.generators["noise"])
        self.apply(updates, epoch, index)
        return {("local_loss", name): loss for name, loss in losses.items()}

    def end_epoch(self, epoch: int) -> dict[Monitorable, float]:
        """Nothing is measured between epochs."""
        return {}

    def finish(self) -> None:
        """Let the model complete its buffers from the training images, in place."""
        self.model.finish(self.inputs)


@torch.no_grad()
def train(run: Run) -> None:
    """Train a `model` experiment into its run directory."""
    run_epochs(Generation(run), run, epochs=run.experiment.resolved["budget"]["epochs"])
