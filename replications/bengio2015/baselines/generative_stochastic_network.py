"""The deep generative stochastic network with two hidden layers.

Bengio, Thibodeau-Laufer, Alain and Yosinski, "Deep Generative Stochastic Networks Trainable by
Backprop", arXiv 1306.1091; details from the authors' code (github.com/yaoli/GSN, run_gsn.py and
model.py). One step of the chain, odd layers first, then even ones:

    h1 = tanh(W1 x~ + W2' h2 + b1)
    P(x|h1) = Bernoulli(sigmoid(W1' h1 + b0)),        x~ = salt and pepper on a draw of it
    h2 = tanh(W2 h1 + b2 + sigma n) + sigma n',        n, n' ~ N(0, I)

Shapes are written for B images and layers [784, 1500, 1500].
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Generator, Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from replications.bengio2015.baselines.autograd import descent, leaves
from replications.bengio2015.baselines.chains import ChainSampled
from replications.bengio2015.baselines.noise import bernoulli, glorot, salt_and_pepper
from replications.core.learn.noise import random_tensor


class GenerativeStochasticNetwork(ChainSampled):
    """A Markov chain over (x, h1, h2) with tied weights, trained to come back to the data.

    Initial weights: Glorot's uniform law, biases 0, as in the code. Chains start with h2 = 0. The
    code runs one chain from a test image and keeps all of its 10,000 consecutive images, the first
    included.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(ChainSampled.Settings):
        """`layers`: widths of x, h1 and h2, e.g. [784, 1500, 1500]; `corruption`: share of the
        pixels that salt and pepper replaces; `hidden_noise`: sigma, of the noise on h2 before and
        after its tanh (h1 has none); `walkback_steps`: steps of the chain that are unrolled, and
        scored, in training. Raises ValueError for other layers, and for less than 2 steps.
        """

        layers: Sequence[int]
        corruption: float
        hidden_noise: float
        walkback_steps: int

        def __post_init__(self) -> None:
            if len(self.layers) != 3:
                raise ValueError(
                    f"the model has three layers, x, h1 and h2; got {list(self.layers)}"
                )
            if self.walkback_steps < 2:
                raise ValueError(
                    f"h2 acts from the second walkback step on; got {self.walkback_steps}"
                )

    settings: Settings

    def initialise(self, generator: Generator) -> None:
        layers, like = self.settings.layers, self.like
        self.parameters = {f"bias{i}": like.new_zeros(width) for i, width in enumerate(layers)}
        self.parameters["weight1"] = glorot((layers[1], layers[0]), generator, like)
        self.parameters["weight2"] = glorot((layers[2], layers[1]), generator, like)
        self.buffers = {"start": like.new_zeros(self.settings.chains, layers[0])}

    def walk(
        self, parameters: Mapping[str, Tensor], x: Tensor, generator: Generator
    ) -> Iterator[Tensor]:
        """The chain from x with h2 = 0: logits of the mean of P(x|h1), (B, 784), at every step.

        Gradients pass from step to step through h2, not through the draws of x. Training takes
        the first steps, sampling the later ones.
        """
        p = parameters
        corrupt = salt_and_pepper(x, self.settings.corruption, generator)  # x~, (B, 784)
        h2 = x.new_zeros(len(x), len(p["bias2"]))  # (B, 1500)
        while True:
            h1 = (linear(corrupt, p["weight1"], p["bias1"]) + h2 @ p["weight2"]).tanh()
            logits = linear(h1, p["weight1"].T, p["bias0"])  # (B, 1500) -> (B, 784)
            yield logits
            sample = bernoulli(logits.detach().sigmoid(), generator)
            corrupt = salt_and_pepper(sample, self.settings.corruption, generator)
            noise = random_tensor(torch.randn, (2, *h2.shape), generator, x)
            before, after = self.settings.hidden_noise * noise
            h2 = (linear(h1, p["weight2"], p["bias2"]) + before).tanh() + after  # (B, 1500)

    @torch.enable_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """-gradient of the sum over walkback steps of the cross-entropy(x, mean of P(x|h1)).

        Cross-entropies are means over pixels and batch, in nats per pixel, as in the code, whose
        learning rate refers to that. Losses: the first (denoising) and the last step's
        (walkback, which is the one the code prints).
        """
        p = leaves(self.parameters)
        walk = islice(self.walk(p, x, generator), self.settings.walkback_steps)
        errors = [binary_cross_entropy_with_logits(logits, x) for logits in walk]
        losses = {"denoising": errors[0].detach(), "walkback": errors[-1].detach()}
        return descent(sum(errors), p), losses

    @torch.no_grad()
    def states(self, start: Tensor, generator: Generator) -> Iterator[Tensor]:
        """The mean of P(x|h1), (B, 784), at every step of chains from `start`, without end."""
        for logits in self.walk(self.parameters, start, generator):
            yield logits.sigmoid()

    def chain(self, count: int, generator: Generator) -> Tensor:
        """(count, 784) images of the chains, after `chain_steps` steps and then consecutive.

        An image is the mean of P(x|h1), as in the code; the chain goes on from a draw of it.
        """
        return self.kept(count, generator)
