"""Errors of images that keep particles too, as the authors' released code measures them (read)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from replications.core.learn.learning import Batch, Monitor, Updates
from replications.scellier2017.network import Clamped
from replications.scellier2017.rule import EquilibriumPropagation


class ValidationParticles(EquilibriumPropagation):
    """Equilibrium propagation whose validation images have persistent particles like its own.

    An image that is predicted settles for T steps from where it ended when it was predicted last,
    an epoch ago and with other weights; the first time from rest. In `state` there are particles
    for them, too, behind those of the training examples. Who is who is told by order:
    between two updates the same images are predicted, in the same order. Raises ValueError without
    `persistent` particles, and where more images are predicted.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(EquilibriumPropagation.Settings):
        """`images`: how many are predicted."""

        images: int

        def __post_init__(self) -> None:
            super().__post_init__()
            if not self.persistent:
                raise ValueError(
                    "settings.persistent is false: validation_particles needs particles"
                )

    settings: Settings

    def initialise(self, examples: int) -> None:
        super().initialise(examples + self.settings.images)
        self.examples = examples
        self.predicted = 0  # images since the last update

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        self.predicted = 0
        return super().updates(batch)

    def predict(self, inputs: Tensor) -> Tensor:
        """The output layer after T steps from the images' particles, which it moves, (N, C)."""
        first = self.examples + self.predicted
        self.predicted += len(inputs)
        if self.predicted > self.settings.images:
            raise ValueError(
                f"settings.images is {self.settings.images}: there are more to predict; give "
                "their number"
            )
        rows = slice(first, first + len(inputs))
        phase = self.start(Clamped(self.network, inputs), rows)
        self.settle_freely(phase, self.settings.free_steps)
        self.keep(phase.states, rows)
        return phase.states[-1]
