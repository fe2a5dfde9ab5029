"""Target propagation without the difference: what an imperfect inverse does to the targets."""

from __future__ import annotations

from torch import Tensor

from replications.lee2015.rule import DifferenceTargetPropagation


class TargetPropagation(DifferenceTargetPropagation):
    """t_{i-1} = g_i(t_i): the target is what the inverse gives, its own error included."""

    def target(self, i: int, activities: list[Tensor], above: Tensor) -> Tensor:
        return self.inverse(i, above)
