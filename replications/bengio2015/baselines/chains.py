"""What the Markov chains of several models share: where their Markov chains start, what is kept."""

from collections.abc import Iterator
from itertools import islice
from math import ceil

import torch
from torch import Tensor


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
