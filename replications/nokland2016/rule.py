"""Direct feedback alignment (Nøkland 2016, arXiv 1609.01596)."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from replications.lillicrap2016.rule import FeedbackAlignment


class DirectFeedbackAlignment(FeedbackAlignment):
    """The error at the top goes to every hidden layer at once, by fixed random weights.

        e_i = (e_L B_i) phi'(a_i)

    where back-propagation has (e_{i+1} W_{i+1}') phi'(a_i). `state` holds "B1", ..., "B{L-1}",
    (C, n_i), which are drawn once, for C outputs.
    """

    def initialise(self, examples: int) -> None:
        _, *hidden, classes = self.network.widths
        for i, width in enumerate(hidden, start=1):
            self.state[f"B{i}"] = self.drawn(classes, width)

    def layer_errors(self, activities: list[Tensor], top: Tensor) -> Iterator[tuple[int, Tensor]]:
        yield self.network.depth, top
        for i in range(self.network.depth - 1, 0, -1):
            yield i, self.network.through_units(i, activities, top @ self.state[f"B{i}"])
