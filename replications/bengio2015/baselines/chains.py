"""Models that are sampled by a Markov chain: where chains start, and what of them is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil

import torch
from torch import Generator, Tensor

from replications.core.learn.models import GenerativeModel


def starts(inputs: Tensor, chains: int) -> Tensor:
    """`chains` images spread evenly over (n, D) training images; they repeat if n < chains."""
    rows = torch.arange(chains, device=inputs.device) * len(inputs) // chains
    return inputs[rows]  # (chains, D)


def consecutive(states: Iterator[Tensor], *, chains: int, chain_steps: int, count: int) -> Tensor:
    """(count, D) images of parallel chains, whose images (chains, D) `states` yields every step.

    Those after `chain_steps` steps first, then those of as many consecutive steps as make up the
    count: a chain that has forgotten its start goes on, it does not start again.
    """
    first = chain_steps - 1
    kept = islice(states, first, first + ceil(count / chains))
    return torch.cat(list(kept))[:count]


class ChainSampled(GenerativeModel):
    """A model of which parallel Markov chains draw images.

    They start at training images, spread evenly over the training set, that `finish` keeps in the
    buffer "start", (chains, D): our choice, to be forgotten in `chain_steps`.
    """

    @dataclass(frozen=True, kw_only=True)
    class Settings(GenerativeModel.Settings):
        """How many `chains`, and their `chain_steps` before the first image that is kept."""

        chains: int
        chain_steps: int

    settings: Settings

    def states(self, start: Tensor, generator: Generator) -> Iterator[Tensor]:
        """The images (B, D) after every step of chains from `start`, (B, D), without end."""
        raise NotImplementedError

    @torch.no_grad()
    def finish(self, inputs: Tensor) -> None:
        """Keep the training images, out of (n, D), at which the chains start."""
        self.buffers["start"].copy_(starts(inputs, self.settings.chains))

    def kept(self, count: int, generator: Generator) -> Tensor:
        """(count, D) images of the chains, after `chain_steps` steps and then consecutive."""
        states = self.states(self.buffers["start"], generator)
        chains, steps = self.settings.chains, self.settings.chain_steps
        return consecutive(states, chains=chains, chain_steps=steps, count=count)
