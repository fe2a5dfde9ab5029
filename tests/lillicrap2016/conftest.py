"""A small network of sigmoid units in float64, and a batch, for a rule."""

import pytest
import torch
from torch.nn.functional import one_hot

from replications.core.learn.learning import Batch
from replications.core.learn.networks import FeedForward


@pytest.fixture
def build():
    """A rule on a network, and a batch of 6 images of 5 pixels and 3 classes."""

    def build(rule, *, layers=(5, 8, 7, 3), units="sigmoid", seed=1, **settings):
        generator = torch.Generator().manual_seed(seed)
        network = FeedForward(
            layers=layers, initialisation="glorot_uniform", units=units,
            cost="sigmoid_squared_error", generator=generator, dtype=torch.float64,
        )  # fmt: skip
        inputs = torch.rand(6, layers[0], generator=generator, dtype=torch.float64)
        labels = torch.tensor([0, 2, 1, 0, 1, 1])
        batch = Batch(inputs, labels, one_hot(labels, 3).double(), slice(0, 6))
        return rule(network=network, examples=6, generator=generator, **settings), batch

    return build
