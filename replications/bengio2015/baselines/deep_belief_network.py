"""Deep belief network: a greedy stack of restricted Boltzmann machines.

Hinton, Osindero & Teh, A fast learning algorithm for deep belief nets, Neural Computation 18(7),
2006. The two top layers are a restricted Boltzmann machine, those below a directed net:

    p(x, h1, ..., hL) = p(x | h1) ... p(h_{L-2} | h_{L-1}) p(h_{L-1}, hL)

Learned one layer at a time, from the bottom: machine l is trained by contrastive divergence on the
means p(h_{l-1} = 1 | ...) of the machines below it, taken as its data (as in the code released with
Hinton & Salakhutdinov 2006), and then stays as it is. Left out: the fine-tuning of all layers by
the up-down algorithm, so the directed weights down stay the transposes of those up.
Shapes are written for B images and layers [784, 500, 500, 2000].
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor

from replications.bengio2015.baselines.chains import ChainSampled
from replications.bengio2015.baselines.noise import bernoulli
from replications.bengio2015.baselines.restricted_boltzmann_machine import (
    RestrictedBoltzmannMachine,
)


class DeepBeliefNetwork(ChainSampled):
    """Machines rbm1, rbm2, ... of which the last is sampled and the others only passed down."""

    @dataclass(frozen=True, kw_only=True)
    class Settings(ChainSampled.Settings):
        """`layers`: widths of x, h1, ..., hL; `steps_per_layer`: updates spent on every machine
        before the next is begun (the last one takes all that remain); `gibbs_steps`,
        `weight_decay`, `initial_scale` of every machine, see RestrictedBoltzmannMachine. The chains
        are those of the top machine.
        """

        layers: Sequence[int]
        steps_per_layer: int
        gibbs_steps: int
        weight_decay: float
        initial_scale: float

    settings: Settings

    def initialise(self, generator: Generator) -> None:
        given, like = self.settings, self.like
        self.machines = [
            RestrictedBoltzmannMachine(
                layers=pair,
                gibbs_steps=given.gibbs_steps,
                weight_decay=given.weight_decay,
                initial_scale=given.initial_scale,
                chains=0,  # chains start at images, which this class keeps
                chain_steps=given.chain_steps,
                generator=generator,
                device=like.device,
                dtype=like.dtype,
            )
            for pair in pairwise(given.layers)
        ]
        self.parameters = {
            f"rbm{number}.{name}": value
            for number, machine in enumerate(self.machines, 1)
            for name, value in machine.parameters.items()
        }
        self.buffers = {
            "start": like.new_zeros(given.chains, given.layers[0]),
            "steps": like.new_zeros((), dtype=torch.int64),  # updates computed so far
        }

    def encode(self, x: Tensor, machines: int) -> Tensor:
        """Means of the hidden layer of the lowest `machines` machines, each given the one below."""
        for machine in self.machines[:machines]:
            x = machine.hidden(x)
        return x

    def descend(self, means: Tensor, generator: Generator) -> Tensor:
        """The directed net from p(h_{L-1} = 1), (B, 500): samples every layer, means of x."""
        for machine in reversed(self.machines[:-1]):
            means = machine.visible(bernoulli(means, generator))
        return means  # (B, 784)

    @torch.no_grad()
    def updates(
        self, x: Tensor, generator: Generator
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Contrastive divergence of the machine whose turn it is; zero for all the others.

        Counts itself in the buffer ``steps``. The loss is that machine's reconstruction error.
        """
        passed = int(self.buffers["steps"]) // self.settings.steps_per_layer
        turn = min(passed, len(self.machines) - 1)
        self.buffers["steps"] += 1
        learned, losses = self.machines[turn].updates(self.encode(x, turn), generator)
        updates = {name: torch.zeros_like(value) for name, value in self.parameters.items()}
        updates |= {f"rbm{turn + 1}.{name}": value for name, value in learned.items()}
        return updates, losses

    @torch.no_grad()
    def states(self, start: Tensor, generator: Generator) -> Iterator[Tensor]:
        """Gibbs in the top machine from images (B, 784), passed up to it.

        Yields, after every step and endlessly, the pixel means (B, 784) of a directed pass down.
        """
        top = len(self.machines) - 1
        for means in self.machines[top].states(self.encode(start, top), generator):
            yield self.descend(means, generator)

    def ancestral(self, count: int, generator: Generator) -> Tensor:
        """Images (count, 784): Gibbs in the top machine from training images, then down."""
        return self.kept(count, generator)
