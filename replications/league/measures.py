"""What a step of a rule computes."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Generator, Tensor
from torch.nn.functional import one_hot
from torch.utils.flop_counter import FlopCounterMode

from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.learning import Batch, LearningRule


def multiply_adds(
    rule: LearningRule,
    images: Images,
    kept: Mapping[int, Mapping[str, Tensor]],
    generator: Generator,
    *,
    batch: int,
) -> tuple[list[Score], dict[str, Tensor]]:
    """Multiply-adds of all that a rule does with an example, of a batch of so many.

    Those of its matrix products and convolutions, in every sweep; what optimisers do is left out.
    """
    split = images.train.first(batch)
    targets = one_hot(split.labels, images.classes).to(split.inputs.dtype)
    given = Batch(split.inputs, split.labels, targets, slice(0, batch))
    with FlopCounterMode(display=False) as counter:
        for sweep in rule.sweeps:
            sweep(given)
    return [Score("multiply_adds", counter.get_total_flops() / 2 / batch, step=max(kept))], {}
