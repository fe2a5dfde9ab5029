"""Small networks with interneurons, in float64, and batches for them."""

import torch

from replications.core.learn.learning import Batch
from replications.cornford2021.network import DalesFeedForward

CLOSE = {"rtol": 1e-9, "atol": 1e-12}


def generator():
    return torch.Generator().manual_seed(3)


def made(kind, layers, **options):
    return kind(layers=layers, cost="softmax_cross_entropy", generator=generator(),
                dtype=torch.float64, **options)  # fmt: skip


def batch_of(inputs, classes=3):
    labels = torch.arange(len(inputs)) % classes
    targets = torch.nn.functional.one_hot(labels, classes).double()
    return Batch(inputs, labels, targets, slice(0, len(inputs)))


def dann():
    """A network with two hidden layers, whose weights are none of those it starts with."""
    network = made(DalesFeedForward, [6, 8, 7, 3], inhibitory=[3, 2, 1])
    for p in network.parameters.values():
        p.add_(torch.rand(p.shape, generator=generator(), dtype=p.dtype) / 4)
    batch = batch_of(torch.rand(5, 6, generator=generator(), dtype=torch.float64))
    return network, batch
