"""What a learning rule returns, looked at once: a fault in it is told, not trained on."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from replications.core.base.errors import Expected
from replications.core.learn.learning import LearningRule


class WrongUpdates(Expected):
    """A rule's updates are not what training can use."""


class Watched:
    """Looks at the first updates of each sweep of a rule."""

    def __init__(self, rule: LearningRule) -> None:
        self.rule = rule
        self.left = set(range(len(rule.sweeps)))  # the sweeps that are still to be looked at
        self.seen: set[str] = set()  # parameters that a sweep has updated

    def look(self, sweep: int, updates: Mapping[str, Tensor]) -> None:
        """Raises WrongUpdates, with what was expected, for the first fault that there is."""
        if sweep not in self.left:
            return
        self.left.remove(sweep)
        learnt = self.rule.network.parameters | self.rule.parameters
        name = type(self.rule).__name__
        if unknown := sorted(updates.keys() - learnt.keys()):
            raise WrongUpdates(f"{name}: updates of {', '.join(unknown)}, which are no parameters; "
                               f"there are {', '.join(learnt)}")  # fmt: skip
        for key, update in updates.items():
            wanted = learnt[key]
            if (update.shape, update.dtype) != (wanted.shape, wanted.dtype):
                raise WrongUpdates(
                    f"{name}: the update of {key} is {tuple(update.shape)}, {update.dtype}; it has "
                    f"to be as the parameter, {tuple(wanted.shape)}, {wanted.dtype}"
                )
            if not update.isfinite().all():
                raise WrongUpdates(f"{name}: the first update of {key} is NaN or infinite")
        self.seen |= updates.keys()
        missing = learnt.keys() - self.seen
        if not self.left and missing:
            raise WrongUpdates(f"{name}: no update of {', '.join(sorted(missing))}: return one for "
                               "every parameter, zeros for what does not learn")  # fmt: skip
