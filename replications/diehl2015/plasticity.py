"""The learning rule of the released code: triplets of spikes, each trace set to 1 by its spike.

    at a spike of input i:   w_ij −= ν_pre o1_j
    at a spike of neuron j:  w_ij += ν_post r_i o2_j     (o2_j as it was before the spike)

with traces r, o1, o2 that fall from 1 at the last spike with τ_pre, τ_post1, τ_post2; w is kept in
0 to w_max. Input spikes stand at the start of a tick, spikes of neurons at its end. A trace is a
function of the time since a spike, so that only spikes are stored. Depression by spikes of an
earlier presentation, at most exp(−rest / τ_post1) = 6e-4 of ν_pre with the paper's rest, is left
out.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from replications.diehl2015.network import DT

NUMBERS = {"nu_pre", "nu_post", "tau_pre", "tau_post1", "tau_post2", "w_max", "theta_plus",
           "tau_theta"}  # fmt: skip


class Spikes:
    """The input spikes of a presentation, in the order of the inputs and in that of time.

    `who` and `when`, (S,), are in the order of time, `start[t]` the first of tick t; `by_who` and
    `by_when` in the order of the inputs, where `first`, (S,), says where a spike's input begins.
    """

    def __init__(self, who: Tensor, when: Tensor, ticks: int) -> None:
        self.by_who, self.by_when, self.ticks = who, when, ticks
        self.first = torch.searchsorted(who, who)
        self.when, order = torch.sort(when, stable=True)
        self.who = who[order]
        self.starts = torch.searchsorted(self.when, torch.arange(ticks + 1, device=who.device))
        self.start = self.starts.tolist()
        self.noted = 0

    def between(self, after: int, until: int) -> slice:
        """Spikes in ticks after `after` and not after `until`, in the order of time."""
        return slice(*(self.start[min(tick + 1, self.ticks)] for tick in (after, until)))

    def note(self, tick: int, arrived: Tensor) -> None:
        """Set `arrived`, (inputs,), to the last spike of each input that has fired up to `tick`."""
        part = slice(self.noted, self.start[min(tick + 1, self.ticks)])
        arrived.scatter_reduce_(0, self.who[part], self.when[part].to(arrived), "amax")
        self.noted = part.stop


class Plasticity:
    """Changes of one neuron's weights, (inputs,). Raises ValueError for unknown numbers."""

    def __init__(self, numbers: Mapping[str, float]) -> None:
        if set(numbers) != NUMBERS:
            raise ValueError(f"plasticity: give {', '.join(sorted(NUMBERS))}, not "
                             f"{', '.join(numbers)}")  # fmt: skip
        self.__dict__.update(numbers)

    def trace(self, ticks: Tensor, tau: float) -> Tensor:
        """What is left of a trace some ticks after its spike."""
        return torch.exp(ticks * (-DT / tau))

    def potentiate(self, column: Tensor, since_input: Tensor, since_output: int) -> None:
        """At a spike of the neuron; since the last of each input, and of the neuron, in ticks."""
        o2 = torch.exp(torch.tensor(-since_output * DT / self.tau_post2, dtype=torch.float64))
        r = self.trace(since_input, self.tau_pre)
        column.add_(r, alpha=self.nu_post * float(o2)).clamp_(max=self.w_max)

    def depress(self, column: Tensor, spikes: Spikes, after: int, until: int) -> None:
        """All input spikes between a spike of the neuron and its next."""
        part = spikes.between(after, until)
        o1 = self.trace((spikes.when[part] - after).to(column), self.tau_post1)
        column.index_add_(0, spikes.who[part], o1, alpha=-self.nu_pre).clamp_(min=0)

    def later_input(self, column: Tensor, spikes: Spikes, after: int, ticks: int) -> Tensor:
        """Sums of the weights that arrive in each tick from `after` + 1 to `ticks` − 1.

        Each input spike transmits the weight that it has just depressed; the neuron does not fire.
        """
        when = spikes.by_when
        o1 = self.trace((when - after).to(column), self.tau_post1).mul_(when > after)
        total = o1.cumsum(0)  # over all inputs, of which those before the spike's own are taken off
        own = total - (total - o1)[spikes.first]
        weights = (column[spikes.by_who] - self.nu_pre * own).clamp_(min=0)
        arriving = column.new_zeros(ticks)
        return arriving.index_add_(0, when, weights)[after + 1 :]
