"""Wake-sleep: a sigmoid belief net and a recognition net that teach each other.

Hinton, Dayan, Frey & Neal, The wake-sleep algorithm for unsupervised neural networks, Science 268,
1995. Layers x = h0, h1, ..., hL of binary units, with maps down (generative) and up (recognition):

    p(x, h) = p(hL) prod_l p(h_{l-1} | h_l)      p(h_{l-1} = 1 | h_l) = sigmoid(g_l(h_l))
    q(h | x) = prod_l q(h_l | h_{l-1})           q(h_l = 1 | h_{l-1}) = sigmoid(f_l(h_{l-1}))

f_l and g_l are affine, p(hL) is factorial. Every update is a local delta rule in closed form. An
image is sampled into binary pixels whenever it is seen (dynamic binarisation: our choice, as in
Bornschein & Bengio 2015). Shapes are written for B images and layers [784, 200, 200, 10].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from replications.bengio2015.baselines.maps import affine
from replications.bengio2015.baselines.noise import bernoulli, glorot
from replications.bengio2015.model import BATCH
from replications.core.learn.models import GenerativeModel


def log_bernoulli(binary: Tensor, logits: Tensor) -> Tensor:
    """log p(binary) in nats of independent units that are 1 with probability sigmoid(logits).

    sum_i s_i a_i - log(1 + exp(a_i)); (B, n) -> (B,).
    """
    return (binary * logits - softplus(logits)).sum(-1)


class WakeSleep(GenerativeModel):
    """A Helmholtz machine of stochastic binary units."""

    @dataclass(frozen=True, kw_only=True)
    class Settings(GenerativeModel.Settings):
        """`layers`: widths of x, h1, ..., hL; `output_bias`: initial bias of every pixel in g1; all
        other biases start at zero, weights as in Glorot & Bengio 2010 (unsaid in 1995).
        """

        layers: Sequence[int]
        output_bias: float

    settings: Settings

    def initialise(self, generator: Generator) -> None:
        layers = self.settings.layers
        self.top = len(layers) - 1  # L
        for level in range(1, self.top + 1):
            for name, source, target in (("g", level, level - 1), ("f", level - 1, level)):
                shape = (layers[target], layers[source])
                self.parameters[f"{name}{level}.weight"] = glorot(shape, generator, self.like)
                self.parameters[f"{name}{level}.bias"] = self.like.new_zeros(layers[target])
        self.parameters["g1.bias"].fill_(self.settings.output_bias)
        self.parameters["prior.bias"] = self.like.new_zeros(layers[-1])  # log odds of hL

    def recognise(self, x: Tensor, generator: Generator) -> list[Tensor]:
        """[x, h1, ..., hL] of binary images x (B, 784), with h ~ q(h | x)."""
        states = [x]
        for level in range(1, self.top + 1):
            states.append(
                bernoulli(affine(f"f{level}", states[-1], self.parameters).sigmoid(), generator)
            )
        return states

    def dream(self, count: int, generator: Generator) -> tuple[list[Tensor], Tensor]:
        """[x, h1, ..., hL] ~ p(x, h), `count` rows each, and the means of x, (count, 784)."""
        means = self.parameters["prior.bias"].sigmoid().expand(count, -1)
        states = [bernoulli(means, generator)]
        for level in range(self.top, 0, -1):
            means = affine(f"g{level}", states[0], self.parameters).sigmoid()
            states.insert(0, bernoulli(means, generator))
        return states, means

    @torch.no_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The delta rules of both phases, for as many dreams as images; batch means.

            wake,  h ~ q(h | x):    dg_l = (h_{l-1} - p_{l-1}) h_l^T     dprior = hL - pL
            sleep, x, h ~ p(x, h):  df_l = (h_l - q_l) h_{l-1}^T

        Losses, in nats for an image: ``free_energy``, log q(h | x) - log p(x, h) of the wake states
        (in expectation never below -log p(x)), and ``sleep``, -log q(h | x) of the dream.
        """
        wake = self.recognise(bernoulli(x, generator), generator)
        dreams, _ = self.dream(len(x), generator)
        updates, log_p = self.rule("g", wake)
        recognition, log_q = self.rule("f", dreams)
        prior = self.parameters["prior.bias"]
        updates |= recognition | {"prior.bias": wake[-1].mean(0) - prior.sigmoid()}
        log_p = log_p + log_bernoulli(wake[-1], prior)
        free_energy = self.log_recognition(wake) - log_p  # (B,)
        return updates, {"free_energy": free_energy.mean(), "sleep": -log_q.mean()}

    def rule(self, direction: str, states: Sequence[Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        """Delta rule of all maps "g" or "f": (target - prediction) source^T, mean over the batch.

        Also the log-likelihood (B,) that the maps give their targets, whose gradient this is.
        """
        updates, total = {}, 0
        for level in range(1, self.top + 1):
            below, above = states[level - 1], states[level]
            source, target = (above, below) if direction == "g" else (below, above)
            name = f"{direction}{level}"
            logits = affine(name, source, self.parameters)
            total = total + log_bernoulli(target, logits)
            error = (target - logits.sigmoid()).div_(len(target))
            updates[f"{name}.weight"] = error.T @ source  # (targets, sources)
            updates[f"{name}.bias"] = error.sum(0)
        return updates, total

    def log_recognition(self, states: Sequence[Tensor]) -> Tensor:
        """log q(h | x) of states [x, h1, ..., hL], (B,), in nats."""
        return sum(
            log_bernoulli(states[level], affine(f"f{level}", states[level - 1], self.parameters))
            for level in range(1, self.top + 1)
        )

    @torch.no_grad()
    def ancestral(self, count: int, generator: Generator) -> Tensor:
        """Images (count, 784): pixel means given h1 ~ p(h1), drawn from the top down."""
        sizes = [min(BATCH, count - first) for first in range(0, count, BATCH)]
        return torch.cat([self.dream(size, generator)[1] for size in sizes])
