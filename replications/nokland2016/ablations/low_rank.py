"""How much the feedback has to say: direct feedback of a lower rank than the outputs have."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.nokland2016.rule import DirectFeedbackAlignment


def of_rank(matrix: Tensor, rank: int) -> Tensor:
    """The nearest matrix of that rank, scaled to the matrix's own norm."""
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    nearest = (left[:, :rank] * values[:rank]) @ right[:rank]
    return nearest * (matrix.norm() / nearest.norm())


class LowRankFeedback(DirectFeedbackAlignment):
    """Every B_i has the rank `rank`: a hidden layer gets so many numbers of the error, not C.

    An ablation of ours.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(DirectFeedbackAlignment.Settings):
        """`rank`, 1 to C."""

        rank: int

    settings: Settings

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        for name, feedback in self.state.items():
            self.state[name] = of_rank(feedback, self.settings.rank)
