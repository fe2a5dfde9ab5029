"""Feedback alignment with the weights of the released code as they start."""

from __future__ import annotations

from replications.lillicrap2016.rule import FeedbackAlignment


class FeedbackAlignmentFromZero(FeedbackAlignment):
    """W_2, ..., W_L start at zero, so that all they come to know they learn; W_1 does not."""

    def initialise(self, examples: int) -> None:
        super().initialise(examples)
        for i in range(2, self.network.depth + 1):
            self.network.parameters[f"W{i}"].zero_()
