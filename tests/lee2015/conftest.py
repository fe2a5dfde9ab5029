"""Small networks in float64, and a batch, for rules of target propagation."""

import pytest
import torch
from torch.nn.functional import one_hot

from replications.core.learn.learning import Batch

COST = {"units": "tanh", "cost": "softmax_cross_entropy"}


@pytest.fixture
def build():
    """A rule on a network of a class, and a batch of 6 images of 5 pixels and 3 classes."""

    def build(rule, network, *, layers=(5, 8, 7, 6, 3), units="tanh", seed=1, **settings):
        generator = torch.Generator().manual_seed(seed)
        built = network(
            layers=layers, initialisation="orthogonal", units=units, cost=COST["cost"],
            generator=generator, dtype=torch.float64,
        )  # fmt: skip
        for name, p in built.parameters.items():
            if name[0] == "b":
                p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype) / 3)
        inputs = torch.rand(6, layers[0], generator=generator, dtype=torch.float64)
        labels = torch.tensor([0, 2, 1, 0, 1, 1])
        batch = Batch(inputs, labels, one_hot(labels, 3).double(), slice(0, 6))
        return rule(network=built, examples=6, generator=generator, **settings), batch

    return build
