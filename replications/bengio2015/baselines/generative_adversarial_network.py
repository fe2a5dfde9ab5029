"""Generative adversarial network.

Goodfellow et al., Generative adversarial networks, arXiv 1406.2661, with the layers, losses and
dropout of the released code (github.com/goodfeli/adversarial, mnist.yaml). A generator G of uniform
latents and a discriminator D of images, whose logit is d(x), learn at the same time:

    discriminator  1/2 E_data[-log D(x)] + 1/2 E_z[-log(1 - D(G(z)))]      D = sigmoid(d)
    generator      E_z[-log D(G(z))]       the non-saturating loss, Sec. 3

The latents are written u = sqrt(3) (2 Phi(z) - 1), uniform on (-sqrt(3), sqrt(3)) for z ~ N(0, I),
which makes G a decoder of a Gaussian. Departures: the released code starts the pixels' biases at
the log odds of their training means (here at one number), raises the momentum from 0.5 to 0.7 over
250 epochs and lowers the rate by a factor 1.000004 a step (here what the outer loop offers).
That configuration has no constraint on the norms of weights, and there is none here.
Shapes are written for B images, generator_layers [100, 1200, 1200, 784] and
discriminator_layers [784, 240, 240, 1].
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from replications.bengio2015.baselines.autograd import leaves
from replications.bengio2015.baselines.maps import affine
from replications.bengio2015.model import BATCH
from replications.core.learn.models import GenerativeModel
from replications.core.learn.noise import random_tensor


class GenerativeAdversarialNetwork(GenerativeModel):
    """A rectifier generator against a maxout discriminator with dropout."""

    @dataclass(frozen=True, kw_only=True)
    class Settings(GenerativeModel.Settings):
        """`generator_layers`: widths of the latent, the rectifier layers and the image (sigmoid);
        `discriminator_layers`: of the image, the maxout layers and the one output; `pieces`: affine
        maps of which every maxout unit takes the largest; `keep_input`, `keep_hidden`:
        probabilities with which dropout keeps an input of the first layer of the discriminator, and
        of its other layers (what is kept is divided by them); initial weights are uniform on
        (-range, range) with `generator_range` and `discriminator_range`; `output_bias`: initial
        bias of every pixel; the other biases start at zero.
        """

        generator_layers: Sequence[int]
        discriminator_layers: Sequence[int]
        pieces: int
        keep_input: float
        keep_hidden: float
        generator_range: float
        discriminator_range: float
        output_bias: float

    settings: Settings

    def initialise(self, generator: Generator) -> None:
        given = self.settings
        layers, judging = given.generator_layers, given.discriminator_layers
        self.latents = layers[0]
        self.depth, self.judges = len(layers) - 1, len(judging) - 1
        self.keep = [given.keep_input] + [given.keep_hidden] * (self.judges - 1)
        for n in range(1, self.depth + 1):
            inputs, outputs = layers[n - 1 : n + 1]
            self._start(f"generator{n}", (outputs, inputs), given.generator_range, generator)
        for n in range(1, self.judges + 1):
            inputs, outputs = judging[n - 1 : n + 1]
            rows = outputs if n == self.judges else outputs * given.pieces
            shape = (rows, inputs)  # rows of a maxout unit lie `outputs` apart
            self._start(f"discriminator{n}", shape, given.discriminator_range, generator)
        self.parameters[f"generator{self.depth}.bias"].fill_(given.output_bias)

    def _start(self, name: str, shape: Sequence[int], limit: float, generator: Generator) -> None:
        uniform = random_tensor(torch.rand, shape, generator, self.like)
        self.parameters[f"{name}.weight"] = limit * (2 * uniform - 1)
        self.parameters[f"{name}.bias"] = self.like.new_zeros(shape[0])

    def generate(self, z: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """G(u(z)): images (B, 784) of standard normal draws (B, 100)."""
        state = sqrt(3) * torch.erf(z / sqrt(2))  # sqrt(3) (2 Phi(z) - 1), (B, 100)
        for n in range(1, self.depth):
            state = affine(f"generator{n}", state, weights).relu()  # (B, 1200)
        return affine(f"generator{self.depth}", state, weights).sigmoid()

    def judge(self, x: Tensor, kept: Sequence[Tensor], weights: Mapping[str, Tensor]) -> Tensor:
        """d(x), the log odds (B,) that images (B, 784) are data, given a dropout mask per layer."""
        for n in range(1, self.judges):
            maps = affine(f"discriminator{n}", x * kept[n - 1], weights)  # (B, 5 * 240)
            x = maps.unflatten(1, (self.settings.pieces, -1)).amax(1)  # (B, 240)
        return affine(f"discriminator{self.judges}", x * kept[-1], weights).squeeze(1)

    def masks(self, count: int, generator: Generator) -> list[Tensor]:
        """For every layer of the discriminator, 1 / keep with probability keep, else 0."""
        masks = []
        for n, keep in enumerate(self.keep, 1):
            weight = self.parameters[f"discriminator{n}.weight"]
            uniform = random_tensor(torch.rand, (count, weight.shape[1]), generator, weight)
            masks.append((uniform < keep).to(weight.dtype) / keep)  # (B, inputs)
        return masks

    @torch.enable_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Minus the gradient of each network's loss by its own parameters, at the same point.

        Both losses, batch means in nats, see the same generated images, as many as x (B, 784), and
        the same dropout, as in the released code.
        """
        weights = leaves(self.parameters)
        z = random_tensor(torch.randn, (len(x), self.latents), generator, x)
        both = torch.cat([x, self.generate(z, weights)])  # (2B, 784)
        real, fake = self.judge(both, self.masks(len(both), generator), weights).chunk(2)
        losses = {
            "discriminator": 0.5 * (softplus(-real).mean() + softplus(fake).mean()),
            "generator": softplus(-fake).mean(),
        }
        updates = {}
        for player, loss in losses.items():
            own = [name for name in weights if name.startswith(player)]
            gradients = torch.autograd.grad(loss, [weights[n] for n in own], retain_graph=True)
            updates |= {name: -gradient for name, gradient in zip(own, gradients, strict=True)}
        return updates, {name: loss.detach() for name, loss in losses.items()}

    def decoder(self, sampler: str) -> Callable[[Tensor], Tensor]:
        """What `ancestral` makes of standard normal draws (B, 100): images (B, 784)."""
        return {"ancestral": lambda z: self.generate(z, self.parameters)}[sampler]

    @torch.no_grad()
    def ancestral(self, count: int, generator: Generator) -> Tensor:
        """Images (count, 784): G of uniform latents."""
        z = random_tensor(torch.randn, (count, self.latents), generator, self.like)
        return torch.cat([self.decoder("ancestral")(part) for part in z.split(BATCH)])
