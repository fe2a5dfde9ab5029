"""The contractive auto-encoder and the Markov chain that samples it.

Rifai, Vincent, Muller, Glorot and Bengio, "Contractive Auto-Encoders", ICML 2011; Rifai, Bengio,
Dauphin and Vincent, "A Generative Process for Sampling Contractive Auto-Encoders", arXiv
1206.6434, ICML 2012; details from the code of two of the authors (github.com/ynd/cae.py).

    h = f(x) = sigmoid(W x + b)        g(h) = sigmoid(W' h + c)        J = dh/dx = diag(h (1-h)) W

Shapes are written for B images and layers [784, 1000].
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from replications.bengio2015.baselines.autograd import descent, leaves
from replications.bengio2015.baselines.chains import consecutive, starts
from replications.bengio2015.baselines.noise import draw, glorot


class ContractiveAutoEncoder:
    """One layer with tied weights, trained to rebuild x while h resists small changes of x.

    layers : widths of x and h, e.g. ``[784, 1000]``.
    contraction : weight of ||J||_F^2 in the loss.
    noise_scale : standard deviation of the chain's noise.
    chains, chain_steps : parallel chains, and their steps before the first image that is kept.
    generator : source of the initial weights: 4 times Glorot's uniform law, biases 0, as in the
        authors' code.

    The chains start at `chains` training images, spread evenly over the training set: our choice,
    to be forgotten in `chain_steps`.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int],
        contraction: float,
        noise_scale: float,
        chains: int,
        chain_steps: int,
        generator: Generator,
        device: torch.device | str,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if len(layers) != 2:
            raise ValueError(f"the model has two layers, x and h; got {list(layers)}")
        self.contraction, self.noise_scale = contraction, noise_scale
        self.chains, self.chain_steps = chains, chain_steps
        visible, hidden = layers
        zeros = torch.zeros(max(layers), device=device, dtype=dtype)
        self.parameters = {
            "weight": 4 * glorot((hidden, visible), generator, zeros),  # (1000, 784)
            "hidden_bias": zeros[:hidden].clone(),
            "visible_bias": zeros[:visible].clone(),
        }
        self.buffers = {"start": zeros.new_zeros(chains, visible)}

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
        updates = descent(rebuilt + self.contraction * contraction, p)
        return updates, {"reconstruction": rebuilt.detach(), "contraction": contraction.detach()}

    @torch.no_grad()
    def finish(self, inputs: Tensor) -> None:
        """Keep the training images, out of (n, 784), at which the chains start."""
        self.buffers["start"].copy_(starts(inputs, self.chains))

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
            noise = self.noise_scale * draw(torch.randn, h.shape, generator, h)
            tangent = (slope * noise) @ weight  # J' eps, (B, 1000) @ (1000, 784) -> (B, 784)
            x = self.g(h + slope * (tangent @ weight.T))  # J (J' eps), (B, 1000)
            yield x

    def chain(self, count: int, generator: Generator) -> Tensor:
        """(count, 784) images of the chains, after `chain_steps` steps and then consecutive."""
        states = self.states(self.buffers["start"], generator)
        return consecutive(states, chains=self.chains, chain_steps=self.chain_steps, count=count)
