"""Variational auto-encoder with a Gaussian latent and Bernoulli pixels.

Kingma & Welling, Auto-encoding variational Bayes, arXiv 1312.6114:

    p(z) = N(0, I)      p(x | z) = Bernoulli(sigmoid(decoder(z)))
    q(z | x) = N(mean(x), diag(exp(log_sigma(x))^2))

trained on the lower bound E_q[log p(x | z)] - KL(q(z | x) || p(z)) with one draw of z (Eq. 7, 10).
Layers and initial weights as in the code released with Burda et al. 2016 (arXiv 1509.00519): tanh
layers between the pixels and the latent in both directions, dynamic binarisation of the images.
Departure: that code starts the pixels' biases at the log odds of their training means; here they
start at one number. Shapes are written for B images and layers [784, 200, 200, 50].
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from replications.bengio2015.baselines.autograd import descent, leaves
from replications.bengio2015.baselines.maps import affine
from replications.bengio2015.baselines.noise import bernoulli, glorot
from replications.bengio2015.model import BATCH
from replications.core.learn.models import GenerativeModel
from replications.core.learn.noise import random_tensor


def divergence(mean: Tensor, log_sigma: Tensor) -> Tensor:
    """KL(N(mean, diag(sigma^2)) || N(0, I)) in nats, (B, 50) -> (B,).

    1/2 sum_k (mean_k^2 + sigma_k^2 - 1 - log sigma_k^2)  (1312.6114, Appendix B)
    """
    return 0.5 * (mean.square() + (2 * log_sigma).exp() - 1 - 2 * log_sigma).sum(1)


class VariationalAutoEncoder(GenerativeModel):
    """A deterministic decoder of a Gaussian latent, learned with an amortised posterior."""

    @dataclass(frozen=True, kw_only=True)
    class Settings(GenerativeModel.Settings):
        """`layers`: widths of x, the tanh layers and z (the decoder has the same ones in reverse);
        `output_bias`: initial bias of every pixel; the other biases start at zero.
        """

        layers: Sequence[int]
        output_bias: float

    settings: Settings

    def initialise(self, generator: Generator) -> None:
        layers = self.settings.layers
        self.latents = layers[-1]
        self.depth = len(layers) - 1
        maps = {f"encoder{n}": (layers[n], layers[n - 1]) for n in range(1, self.depth)}
        maps |= {name: (layers[-1], layers[-2]) for name in ("mean", "log_sigma")}
        maps |= {f"decoder{n}": (layers[-n - 1], layers[-n]) for n in range(1, self.depth + 1)}
        for name, shape in maps.items():
            self.parameters[f"{name}.weight"] = glorot(shape, generator, self.like)
            self.parameters[f"{name}.bias"] = self.like.new_zeros(shape[0])
        self.parameters[f"decoder{self.depth}.bias"].fill_(self.settings.output_bias)

    def encode(self, x: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of q(z | x), both (B, 50), of binary images (B, 784)."""
        for n in range(1, self.depth):
            x = torch.tanh(affine(f"encoder{n}", x, weights))  # (B, 200)
        return affine("mean", x, weights), affine("log_sigma", x, weights)

    def decode(self, z: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """Log odds of the pixels, (B, 50) -> (B, 784)."""
        for n in range(1, self.depth):
            z = torch.tanh(affine(f"decoder{n}", z, weights))  # (B, 200)
        return affine(f"decoder{self.depth}", z, weights)

    def bound(
        self, x: Tensor, noise: Tensor, weights: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """log p(x | z) at z = mean + sigma * noise, and KL(q || p), each (B,), in nats.

        x is binary, (B, 784), noise standard normal, (B, 50). The first less the second estimates
        the lower bound of log p(x).
        """
        mean, log_sigma = self.encode(x, weights)
        logits = self.decode(mean + log_sigma.exp() * noise, weights)
        return (x * logits - softplus(logits)).sum(1), divergence(mean, log_sigma)

    @torch.enable_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Minus the gradient of the batch mean of the negative lower bound, one draw of z each.

        The losses are the two terms of that bound, in nats for an image.
        """
        weights = leaves(self.parameters)
        noise = random_tensor(torch.randn, (len(x), self.latents), generator, x)
        log_likelihood, excess = self.bound(bernoulli(x, generator), noise, weights)
        reconstruction, excess = -log_likelihood.mean(), excess.mean()
        updates = descent(reconstruction + excess, weights)
        return updates, {"reconstruction": reconstruction.detach(), "divergence": excess.detach()}

    def decoder(self, sampler: str) -> Callable[[Tensor], Tensor]:
        """What `ancestral` makes of standard normal draws (B, 50): the pixel means (B, 784)."""
        return {"ancestral": lambda z: self.decode(z, self.parameters).sigmoid()}[sampler]

    @torch.no_grad()
    def ancestral(self, count: int, generator: Generator) -> Tensor:
        """Images (count, 784): pixel means given z ~ N(0, I)."""
        z = random_tensor(torch.randn, (count, self.latents), generator, self.like)
        return torch.cat([self.decoder("ancestral")(part) for part in z.split(BATCH)])
