"""Errors of images that keep particles too, as the authors' released code measures them (read)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from replications.core.learn.learning import Batch, Monitor, Updates
from replications.scellier2017.network import Clamped, HopfieldNetwork
from replications.scellier2017.rule import EquilibriumPropagation
from replications.scellier2017.solvers import Phase, settle


class ValidationParticles(EquilibriumPropagation):
    """Equilibrium propagation whose validation images have persistent particles like its own.

    An image that is predicted settles for T steps from where it ended when it was predicted last,
    an epoch ago and with other weights; the first time from rest. In `state` there are particles
    for `images` of them, behind those of the training examples. Who is who is told by order:
    between two updates the same images are predicted, in the same order. Raises ValueError without
    `persistent` particles, and where more images are predicted.
    """

    def __init__(self, *, network: HopfieldNetwork, examples: int, generator: torch.Generator,
                 solver: Mapping[str, Mapping], free_steps: int, tolerance: float,
                 second_steps: int, cost_scale: float, persistent: bool, settling_steps: int,
                 beta: float, nudging: str, images: int) -> None:  # fmt: skip
        if not persistent:
            raise ValueError("settings.persistent is false: validation_particles needs particles")
        super().__init__(
            network=network, examples=examples + images, generator=generator, solver=solver,
            free_steps=free_steps, tolerance=tolerance, second_steps=second_steps,
            cost_scale=cost_scale, persistent=persistent, settling_steps=settling_steps, beta=beta,
            nudging=nudging,
        )  # fmt: skip
        self.examples, self.images = examples, images
        self.predicted = 0  # images since the last update

    def updates(self, batch: Batch) -> tuple[Updates, Monitor]:
        self.predicted = 0
        return super().updates(batch)

    def predict(self, inputs: Tensor) -> Tensor:
        """The output layer after T steps from the images' particles, which it moves, (N, C)."""
        first = self.examples + self.predicted
        self.predicted += len(inputs)
        if self.predicted > self.images:
            raise ValueError(
                f"settings.images is {self.images}: there are more to predict; give their number"
            )
        rows = slice(first, first + len(inputs))
        phase = Phase(Clamped(self.network, inputs), [p[rows] for p in self.state.values()])
        settle(phase, self.solver, steps=self.free_steps, tolerance=self.tolerance)
        for particle, state in zip(self.state.values(), phase.states, strict=True):
            particle[rows] = state
        return phase.states[-1]
