"""Restricted Boltzmann machine, trained by contrastive divergence.

Hinton, Training products of experts by minimizing contrastive divergence, Neural Computation
14(8), 2002. Binary visible units v and hidden units h with

    p(v, h) = exp(-E) / Z      E(v, h) = -h^T W v - b^T v - c^T h

    p(h_j = 1 | v) = sigmoid(W v + c)_j      p(v_i = 1 | h) = sigmoid(W^T h + b)_i

Image intensities stand for the probabilities of binary pixels, without being sampled, and weights
start and decay as in the code released with Hinton & Salakhutdinov 2006. Departure from that code:
reconstructed pixels are sampled (it takes their means), so that the steps of contrastive divergence
are those of the Gibbs chain and many of them give the gradient of the log-likelihood.
Shapes are written for B images and layers [784, 500].
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Generator, Tensor
from torch.nn.functional import binary_cross_entropy

from replications.bengio2015.baselines.chains import ChainSampled
from replications.bengio2015.baselines.noise import bernoulli
from replications.core.learn.noise import random_tensor


class RestrictedBoltzmannMachine(ChainSampled):
    """Two layers of binary units, sampled by block Gibbs sampling. Biases start at zero."""

    @dataclass(frozen=True, kw_only=True)
    class Settings(ChainSampled.Settings):
        """`layers`: widths of v and h; `gibbs_steps`: k of CD-k, the steps of the chain between the
        two phases; `weight_decay`: what is subtracted from the update of W, in units of W;
        `initial_scale`: standard deviation of the normal initial weights.
        """

        layers: Sequence[int]
        gibbs_steps: int
        weight_decay: float
        initial_scale: float

    settings: Settings

    def initialise(self, generator: Generator) -> None:
        visible, hidden = self.settings.layers
        weight = random_tensor(torch.randn, (hidden, visible), generator, self.like)
        self.parameters = {
            "weight": self.settings.initial_scale * weight,
            "visible.bias": self.like.new_zeros(visible),
            "hidden.bias": self.like.new_zeros(hidden),
        }
        self.buffers = {"start": self.like.new_zeros(self.settings.chains, visible)}

    def hidden(self, visible: Tensor) -> Tensor:
        """p(h = 1 | v), (B, 784) -> (B, 500)."""
        weight, bias = self.parameters["weight"], self.parameters["hidden.bias"]
        return torch.addmm(bias, visible, weight.T).sigmoid_()

    def visible(self, hidden: Tensor) -> Tensor:
        """p(v = 1 | h), (B, 500) -> (B, 784)."""
        weight, bias = self.parameters["weight"], self.parameters["visible.bias"]
        return torch.addmm(bias, hidden, weight).sigmoid_()

    def gibbs(self, visible: Tensor, generator: Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """The endless chain h ~ p(h | v), v ~ p(v | h) from `visible`.

        Yields p(v = 1 | h) and the v drawn from it, both (B, 784), after every step.
        """
        while True:
            means = self.visible(bernoulli(self.hidden(visible), generator))
            visible = bernoulli(means, generator)
            yield means, visible

    @torch.no_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """CD-k (Hinton 2002): the batch mean of statistics of the data, less those k steps later.

            dW = <h v^T>_0 - <h v^T>_k      db = <v>_0 - <v>_k      dc = <h>_0 - <h>_k

        with h replaced by its mean given v, and weight decay. The loss is the cross-entropy, in
        nats for an image, of x and the means of its reconstruction after k steps.
        """
        *_, (means, dreamt) = islice(self.gibbs(x, generator), self.settings.gibbs_steps)
        data, model = self.hidden(x), self.hidden(dreamt)  # (B, 500)
        correlation = (data.T @ x).sub_(model.T @ dreamt).div_(len(x))  # (500, 784)
        updates = {
            "weight": correlation.sub_(self.parameters["weight"], alpha=self.settings.weight_decay),
            "visible.bias": (x - dreamt).mean(0),
            "hidden.bias": (data - model).mean(0),
        }
        error = binary_cross_entropy(means, x, reduction="sum") / len(x)
        return updates, {"reconstruction": error}

    @torch.no_grad()
    def states(self, start: Tensor, generator: Generator) -> Iterator[Tensor]:
        """Block Gibbs from images (B, 784): p(v = 1 | h), (B, 784), after every step, endlessly."""
        for means, _ in self.gibbs(start, generator):
            yield means

    def chain(self, count: int, generator: Generator) -> Tensor:
        """Images (count, 784): pixel means of chains started at the kept training images."""
        return self.kept(count, generator)
