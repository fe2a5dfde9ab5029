"""A rule on a small network in float64, and a batch: what tests of rules share."""

import torch
from torch.nn.functional import one_hot

from replications.core.learn.convolutional import Convolutional
from replications.core.learn.learning import Batch
from replications.core.learn.networks import FeedForward

EXAMPLES, CLASSES = 6, 3
IMAGES = {  # 2 x 7 x 7 = 98 inputs, then 4 x 3 x 3 and 5 x 2 x 2 units below the dense layers
    "channels": 2, "size": 7, "normalised": True,
    "convolutions": ({"channels": 4, "kernel": 4, "padding": 1, "pool": 2},
                     {"channels": 5, "kernel": 2, "padding": 0, "pool": 1}),
}  # fmt: skip


def build(
    rule, network=FeedForward, *, layers=(5, 8, 7, 6, CLASSES), units="tanh",
    cost="softmax_cross_entropy", initialisation="glorot_uniform", seed=1, **settings,
):  # fmt: skip
    """The rule with its settings on such a network, whose biases are not zero, and a batch.

    `layers` from the inputs up; of a network with convolutions, which are IMAGES', from the first
    dense one.
    """
    generator = torch.Generator().manual_seed(seed)
    images = IMAGES if issubclass(network, Convolutional) else {}
    built = network(layers=layers, initialisation=initialisation, units=units, cost=cost,
                    generator=generator, dtype=torch.float64, **images)  # fmt: skip
    for name, p in built.parameters.items():
        if name[0] == "b":
            p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype) / 3)
    inputs = torch.rand(EXAMPLES, built.widths[0], generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 2, 1, 0, 1, 1])
    batch = Batch(inputs, labels, one_hot(labels, CLASSES).double(), slice(0, EXAMPLES))
    return rule(network=built, examples=EXAMPLES, generator=generator, **settings), batch
