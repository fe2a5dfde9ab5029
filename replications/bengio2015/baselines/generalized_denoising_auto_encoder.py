"""The generalized denoising auto-encoder and the Markov chain that samples it.

Bengio, Yao, Alain and Vincent, "Generalized Denoising Auto-Encoders as Generative Models", arXiv
1305.6663; details from the authors' code (github.com/yaoli/GSN, run_dae_*.py and model.py).

    corruption C(x~|x) : salt and pepper        P(x|x~) : Bernoulli with mean g(f(x~))
    f(x~) = sigmoid(W x~ + b)                   g(h) = sigmoid(W' h + c)

Alternating the two is a Markov chain whose stationary distribution estimates that of the data
(their Theorem 1). Shapes are written for B images and layers [784, 2000].
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Generator, Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from replications.bengio2015.baselines.auto_encoder import TiedAutoEncoder
from replications.bengio2015.baselines.autograd import descent, leaves
from replications.bengio2015.baselines.noise import bernoulli, salt_and_pepper


class GeneralizedDenoisingAutoEncoder(TiedAutoEncoder):
    """One layer with tied weights, trained to rebuild a binary image from a corrupted one.

    Images are binarised at 0.5 and weights start by Glorot's law, as in the code. The code starts
    one chain at a test image.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(TiedAutoEncoder.Settings):
        """`corruption`: share of the pixels that salt and pepper replaces; `walkback_steps`:
        reconstructions of each image in training: 1 is plain denoising, 5 the authors' walkback.
        Raises ValueError for less than 1.
        """

        corruption: float
        walkback_steps: int

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.walkback_steps < 1:
                raise ValueError(
                    f"walkback_steps counts reconstructions, from 1; got {self.walkback_steps}"
                )

    settings: Settings

    def walk(
        self, parameters: Mapping[str, Tensor], x: Tensor, generator: Generator
    ) -> Iterator[Tensor]:
        """The chain from binary x: logits of the mean of P(x|x~), (B, 784), at every step.

        Corrupt, reconstruct, yield, draw the next x from Bernoulli(reconstruction): the samples
        are constants to the gradient. Training takes the first steps, sampling the later ones.
        """
        weight = parameters["weight"]
        while True:
            corrupt = salt_and_pepper(x, self.settings.corruption, generator)
            h = linear(corrupt, weight, parameters["hidden_bias"]).sigmoid()  # (B, 2000)
            logits = linear(h, weight.T, parameters["visible_bias"])  # (B, 784)
            yield logits
            x = bernoulli(logits.detach().sigmoid(), generator)

    @torch.enable_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """-gradient of the sum over walkback steps of the cross-entropy(x, reconstruction).

        Every reconstruction of the walk from x is compared with x itself: walkback
        teaches the chain to walk back from where it strays to. The paper draws the number of
        steps from a geometric law; the code, followed here, takes a fixed number. Cross-entropies
        are means over pixels and batch, in nats per pixel, as in the code, whose learning rate
        refers to that. Losses: the first (denoising) and the last step's (walkback).
        """
        p = leaves(self.parameters)
        x = (x > 0.5).to(x.dtype)
        walk = islice(self.walk(p, x, generator), self.settings.walkback_steps)
        errors = [binary_cross_entropy_with_logits(logits, x) for logits in walk]
        losses = {"denoising": errors[0].detach(), "walkback": errors[-1].detach()}
        return descent(sum(errors), p), losses

    @torch.no_grad()
    def finish(self, inputs: Tensor) -> None:
        """Keep the training images, out of (n, 784), binarised, at which the chains start."""
        super().finish(inputs)
        self.buffers["start"].copy_(self.buffers["start"] > 0.5)

    @torch.no_grad()
    def states(self, start: Tensor, generator: Generator) -> Iterator[Tensor]:
        """The mean of P(x|x~), (B, 784), at every step of chains from `start`, without end."""
        for logits in self.walk(self.parameters, start, generator):
            yield logits.sigmoid()

    def chain(self, count: int, generator: Generator) -> Tensor:
        """(count, 784) images of the chains, after `chain_steps` steps and then consecutive.

        An image is the mean of P(x|x~), as in the code; the chain goes on from a sample of it.
        """
        return self.kept(count, generator)
