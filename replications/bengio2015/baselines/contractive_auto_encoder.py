"""The contractive auto-encoder and the Markov chain that samples it.

Rifai, Vincent, Muller, Glorot and Bengio, "Contractive Auto-Encoders", ICML 2011; Rifai, Bengio,
Dauphin and Vincent, "A Generative Process for Sampling Contractive Auto-Encoders", arXiv
1206.6434, ICML 2012; details from the code of two of the authors (github.com/ynd/cae.py).

    h = f(x) = sigmoid(W x + b)        g(h) = sigmoid(W' h + c)        J = dh/dx = diag(h (1-h)) W

Shapes are written for B images and layers [784, 1000].
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from replications.bengio2015.baselines.auto_encoder import TiedAutoEncoder
from replications.bengio2015.baselines.autograd import descent, leaves
from replications.core.learn.noise import random_tensor


class ContractiveAutoEncoder(TiedAutoEncoder):
    """One layer with tied weights, trained to rebuild x while h resists small changes of x.

    Initial weights are 4 times Glorot's, as in the authors' code.
    """

    GAIN = 4.0

    @dataclass(frozen=True, kw_only=True)
    class Settings(TiedAutoEncoder.Settings):
        """`contraction`: weight of ||J||_F^2 in the loss; `noise_scale`: standard deviation of the
        chain's noise.
        """

        contraction: float
        noise_scale: float

    settings: Settings

    def f(self, x: Tensor) -> Tensor:
        """Encoder, (B, 784) -> (B, 1000)."""
        return linear(x, self.parameters["weight"], self.parameters["hidden_bias"]).sigmoid()

    def g(self, h: Tensor) -> Tensor:
        """Decoder, (B, 1000) -> (B, 784)."""
        return linear(h, self.parameters["weight"].T, self.parameters["visible_bias"]).sigmoid()

    @torch.enable_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """-gradient of cross-entropy(x, g(f(x))) + contraction * ||J||_F^2, batch means, in nats.

        The cross-entropy is summed over pixels, and in closed form (2011)

            ||J||_F^2 = sum_j (h_j (1 - h_j))^2 sum_i W_ji^2

        Nothing is random here: `generator` is not used. Losses: both terms, before weighting.
        """
        p = leaves(self.parameters)
        h = linear(x, p["weight"], p["hidden_bias"]).sigmoid()  # (B, 784) -> (B, 1000)
        logits = linear(h, p["weight"].T, p["visible_bias"])  # (B, 784)
        rebuilt = binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        norms = p["weight"].square().sum(1)  # (1000,), sum_i W_ji^2
        contraction = ((h * (1 - h)).square() @ norms).mean()  # (B, 1000) @ (1000,) -> (B,) -> ()
        updates = descent(rebuilt + self.settings.contraction * contraction, p)
        return updates, {"reconstruction": rebuilt.detach(), "contraction": contraction.detach()}

    @torch.no_grad()
    def states(self, start: Tensor, generator: Generator) -> Iterator[Tensor]:
        """The images (B, 784) after every step of chains from `start`, without end.

            h = f(x),        h <- h + J J' eps,  eps ~ N(0, noise_scale^2 I),        x = g(h)

        (2012, the sampling procedure.) J J' eps moves h along the directions in which x can
        change it: the tangent of the manifold. h may leave (0, 1), as in the authors' code.
        """
        x, weight = start, self.parameters["weight"]
        while True:
            h = self.f(x)  # (B, 1000)
            slope = h * (1 - h)
            noise = self.settings.noise_scale * random_tensor(torch.randn, h.shape, generator, h)
            tangent = (slope * noise) @ weight  # J' eps, (B, 1000) @ (1000, 784) -> (B, 784)
            x = self.g(h + slope * (tangent @ weight.T))  # J (J' eps), (B, 1000)
            yield x

    def chain(self, count: int, generator: Generator) -> Tensor:
        """(count, 784) images of the chains, after `chain_steps` steps and then consecutive."""
        return self.kept(count, generator)
