"""Many images at once, each to a copy of the network that is at rest, with nothing learnt."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from replications.diehl2015.network import DiehlCookNetwork

PIECE = 16  # ticks whose input is summed at once: what fits into a processor's cache


def spike_counts(
    network: DiehlCookNetwork, images: int, ticks: int, who: Tensor, when: Tensor
) -> Tensor:
    """Spikes of each excitatory neuron to each image, (images, neurons), in `ticks`.

    Input spikes come as for `images` · inputs inputs in a row: `who`, (S,), and `when`, (S,).
    """
    copies = Copies(network, images)
    image, pixel = who.div(network.inputs, rounding_mode="floor"), who % network.inputs
    key, order = torch.sort(when * images + image, stable=True)
    pixel = pixel[order]
    bags = torch.arange(ticks * images + 1, device=key.device)
    offsets = torch.searchsorted(key, bags)  # of each tick and image, (ticks · images + 1,)
    for start in range(0, ticks, PIECE):
        first, last = start * images, min(start + PIECE, ticks) * images
        low, high = offsets[first], offsets[last]
        drive = embedding_bag(
            pixel[low:high], network.parameters["W"], offsets[first:last] - low, mode="sum"
        )
        for arriving in drive.view(-1, images, network.neurons):
            copies.tick(arriving)
    return copies.counts


class Copies:
    """B copies of the network: potentials x and conductances, (B, neurons); spikes so far."""

    def __init__(self, network: DiehlCookNetwork, images: int) -> None:
        self.network = network
        theta = network.parameters["theta"]
        self.threshold = network.threshold + theta
        self.x = torch.full_like(theta, network.rest).repeat(images, 1)
        self.g_e, self.g_i, self.counts = (torch.zeros_like(self.x) for _ in range(3))
        self.flow = torch.empty_like(self.x)
        none = torch.zeros(0, dtype=torch.int64, device=theta.device)
        self.fired = deque([none] * network.refractory, maxlen=network.refractory)  # last first

    def tick(self, arriving: Tensor) -> None:
        """One tick that starts with sums of weights arriving, (B, neurons), which it overwrites.

        x <- x exp(−leak g_i), then dx = leak ((rest − x) + g_e (top − x)).
        """
        n, x = self.network, self.x
        self.g_e = arriving.add_(self.g_e, alpha=n.keep_e)
        x.mul_(torch.mul(self.g_i, -n.leak, out=self.flow).exp_())
        torch.mul(self.g_e, -n.leak, out=self.flow).add_(1 - n.leak)
        x.mul_(self.flow).add_(self.g_e, alpha=n.leak * n.top).add_(n.leak * n.rest)
        flat = x.view(-1)
        flat.index_fill_(0, torch.cat(list(self.fired)[:-1]), 0.0)  # as in `online`
        flat.index_fill_(0, self.fired[-1], n.reset)
        self.g_i.mul_(n.keep_i)
        self.relay(self.fired[0])
        (fired,) = (x > self.threshold).view(-1).nonzero(as_tuple=True)
        self.counts.view(-1).index_add_(0, fired, torch.ones_like(fired, dtype=x.dtype))
        self.fired.appendleft(fired)

    def relay(self, fired: Tensor) -> None:
        """Inhibit all neurons of a copy but those whose own inhibitory neurons now fire."""
        if len(fired):
            strength = self.g_i.new_full((len(fired), 1), self.network.inhibition)
            rows = fired.div(self.network.neurons, rounding_mode="floor")
            self.g_i.index_add_(0, rows, strength.expand(-1, self.network.neurons))
            self.g_i.view(-1).index_add_(0, fired, -strength[:, 0])
