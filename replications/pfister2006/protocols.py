"""How the synapses were stimulated: pairs of spikes, a pair every 1 / rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replications.core.learn.spiking.plasticity import PlasticityRule
from replications.pfister2006 import neuron

MARGIN = 150  # ms before the first and after the last postsynaptic spike: more than any lag
GAP = 10_000.0  # ms from the start of a block to the next


@dataclass(frozen=True)
class Protocol:
    """`pairs` pairs of spikes at `rate` Hz, the postsynaptic `lag` ms after the presynaptic one.

    The block of pairs comes `blocks` times, GAP ms from start to start. `unpaired` postsynaptic
    spikes follow the pairs of a block at the same rate.
    """

    rate: float
    lag: float
    pairs: int
    blocks: int
    unpaired: int = 0

    @property
    def block(self) -> tuple[np.ndarray, np.ndarray]:
        """Presynaptic and postsynaptic spike times of one block, ms."""
        post = MARGIN + np.arange(self.pairs + self.unpaired) * 1000 / self.rate
        return post[: self.pairs] - self.lag, post

    def terms(self, rule: PlasticityRule) -> np.ndarray:
        """What the rule's amplitudes multiply, over all blocks.

        A rule that reads the potential is given one block: its neuron and its traces forget one
        long before the next. Its spikes are moved to the whole ms on which that neuron runs.
        """
        pre, post = self.block
        if rule.READS == "potential":
            post = np.rint(post)
            voltage = neuron.potential(tuple(post.astype(int)), steps=int(post[-1]) + MARGIN)
            return self.blocks * rule.terms(post[: self.pairs] - self.lag, voltage)
        starts = GAP * np.arange(self.blocks)[:, None]
        return rule.terms((starts + pre).ravel(), (starts + post).ravel())


def sixty_pairings(rate: float, lag: float) -> Protocol:
    """60 pairs in a row, what the triplet rule was fitted with, as other codes have it (read)."""
    return Protocol(rate, lag, 60, 1) if rate > 0.1 else Protocol(rate, lag, 1, 60)


def trains_of_five(rate: float, lag: float) -> Protocol:
    """15 trains of 5 pairs, 10 s from start to start; 50 single pairs at .1 Hz.

    The experiment as the authors' code of Clopath et al. (2010) has it (VoTri.m, read).
    """
    return Protocol(rate, lag, 5, 15) if rate > 0.1 else Protocol(rate, lag, 1, 50)


def trains_as_released(rate: float, lag: float) -> Protocol:
    """The same as VoTri.m runs it: trains that start postsynaptically end in a sixth such spike.

    That follows from its indices (1 : period : end), and no text says it. (At .1 Hz it also puts
    blocks of five pairs 11 ms behind one another, which is left out here.)
    """
    plain = trains_of_five(rate, lag)
    extra = 1 if lag < 0 and plain.pairs > 1 else 0
    return Protocol(rate, lag, plain.pairs, plain.blocks, extra)


PROTOCOLS = {
    "60 pairings": sixty_pairings,
    "15 trains of 5": trains_of_five,
    "trains as released": trains_as_released,
}
