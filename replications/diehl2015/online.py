"""One image after another, with plasticity on.

Neurons are coupled by spikes alone, and these are rare: some fifteen in the thousand ticks of an
image. All that the input does to the neurons is therefore summed beforehand, potentials are stepped
through a stretch of ticks without a look at thresholds, and the stretch is cut where the first of
them is crossed. Then the neuron that fired learns, and its input is summed anew. A test holds this
against a plain loop over ticks and synapses.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import ceil, exp, log

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from replications.diehl2015.network import DT, DiehlCookNetwork
from replications.diehl2015.plasticity import Plasticity, Spikes

STRETCH = 32  # ticks between two looks at the thresholds


class Online:
    """Presents images to one network; changes `weights` (W) and `theta` in place.

    An image lasts `image` ticks, `rest` ticks without input follow. `state` holds what the next
    image finds: potentials, conductance of inhibition and the tick of each neuron's and each
    input's last spike, counted from the start of the next presentation, (neurons,) or (inputs,).
    """

    def __init__(
        self, network: DiehlCookNetwork, plasticity: Plasticity, *, image: int, rest: int,
        state: Mapping[str, Tensor],
    ) -> None:  # fmt: skip
        self.network, self.plasticity, self.state = network, plasticity, state
        self.image, self.ticks = image, image + rest
        theta = network.parameters["theta"]
        self.eps = torch.finfo(theta.dtype).eps
        self.block = ceil(2 * log(self.eps) / log(network.keep_e))  # ticks after which g_e is gone
        self.loaded = min(self.ticks, image + self.block)
        self.g_e, self.bias, self.keep = (theta.new_empty(self.ticks, len(theta)) for _ in range(3))
        self.x = theta.new_empty(self.ticks + 1, len(theta))  # x[t]: before tick t
        self.flow = torch.empty_like(self.keep)
        time = torch.arange(self.ticks, dtype=torch.float64)
        self.fading = (network.keep_i**time).to(theta)
        self.growth = (network.keep_e ** -time[: self.block]).to(theta)
        self.decay = (network.keep_e ** (time[: self.block] + 1)).to(theta)
        self.constants = theta.new_tensor([1 - network.leak, network.leak * network.rest])
        self.rows = {n: getattr(self, n).unbind(0) for n in ("bias", "keep", "x", "flow")}

    def adopt(self, weights: Tensor, theta: Tensor) -> None:
        """Go on with these, and let each neuron's weights add up to the column sum."""
        self.weights, self.theta = weights, theta
        weights *= self.network.column_sum / weights.sum(0)
        self.learnt: dict[int, Tensor] = {}  # neuron -> weights, of those that fired in this image

    def present(self, who: Tensor, when: Tensor) -> int:
        """An image as spikes of inputs `who` in ticks `when`, (S,), in the order of the inputs.

        Returns the number of excitatory spikes before the rest. Weights that the presentation
        changed are scaled to the column sum at the start of the next.
        """
        self.begin(Spikes(who, when, self.image))
        tick, count, relaying = 0, 0, self.just_fired()
        while tick < self.ticks:
            length = STRETCH if tick < self.image else self.ticks
            tick, fired = self.stretch(tick, 1 if relaying else length)
            self.inhibit(relaying)
            for neuron in fired:
                self.fire(neuron, tick - 1)
            count += len(fired) if tick <= self.image else 0
            relaying = fired
        self.end()
        return count

    def begin(self, spikes: Spikes) -> None:
        """Sum the input of the whole presentation: g_e, and with it two factors of the potential.

        x <- x exp(−leak g_i) keep + bias, keep = 1 − leak (1 + g_e), bias = leak (rest + g_e top).
        """
        n, self.spikes = self.network, spikes
        changed = list(self.learnt)
        if changed:
            columns = self.weights[:, changed]
            self.weights[:, changed] = columns * (n.column_sum / columns.sum(0))
        drive = embedding_bag(spikes.who, self.weights, spikes.starts[:-1], mode="sum")
        self.g_e[: self.image] = drive
        self.g_e[self.image : self.loaded] = 0
        self.g_e[: self.loaded] = self.conductance(self.g_e[: self.loaded])
        self.conduct(slice(0, self.loaded), slice(None))
        self.keep[self.loaded :], self.bias[self.loaded :] = self.constants
        self.threshold = n.threshold + self.theta
        self.x[0] = self.state["x"]
        self.inhibited = float(self.state["g_i"].max())  # no g_i is larger
        self.learnt = {}
        recent = (self.state["fired"] > -n.refractory - 1).nonzero().flatten().tolist()
        for neuron in recent:
            self.hold(neuron, int(self.state["fired"][neuron]))

    def conduct(self, ticks: slice, neurons: slice | int) -> None:
        """Set `keep` and `bias` from g_e."""
        n, g_e = self.network, self.g_e[ticks, neurons]
        torch.add(self.constants[0], g_e, alpha=-n.leak, out=self.keep[ticks, neurons])
        torch.add(self.constants[1], g_e, alpha=n.leak * n.top, out=self.bias[ticks, neurons])

    def conductance(self, arriving: Tensor) -> Tensor:
        """g_t = keep g_{t−1} + arriving_t along the first dimension, from 0.

        In blocks of ticks, keep^t Σ_s keep^−s arriving_s, and what the block before has left.
        """
        shape = (-1, 1) if arriving.dim() == 2 else (-1,)
        padding = -len(arriving) % self.block
        zeros = arriving.new_zeros(padding, *arriving.shape[1:])
        blocks = torch.cat([arriving, zeros]).unflatten(0, (-1, self.block))
        growth, decay = self.growth.view(shape), self.decay.view(shape)
        sums = blocks.mul_(growth).cumsum(1).mul_(1 / growth)
        # Whether a row read here is already written makes no difference: keep_e^block is eps².
        sums[1:].addcmul_(sums[:-1, -1:], decay)
        return sums.flatten(0, 1)[: len(arriving)]

    def just_fired(self) -> list[int]:
        """Neurons whose inhibitory neurons fire in the first tick."""
        return (self.state["fired"] == -1).nonzero().flatten().tolist()

    def stretch(self, tick: int, length: int) -> tuple[int, list[int]]:
        """At most `length` ticks, up to the first in which neurons fire: the next tick, and who."""
        n, g_i = self.network, self.state["g_i"]
        stop = min(tick + length, self.ticks)
        keep = self.inhibited_keep(tick, stop) if self.inhibited > self.eps else self.rows["keep"]
        bias, x = self.rows["bias"][tick:stop], self.rows["x"][tick : stop + 1]
        for bias_t, keep_t, (before, after) in zip(bias, keep[tick:stop], pairwise(x), strict=True):
            torch.addcmul(bias_t, before, keep_t, out=after)
        crossed = self.x[tick + 1 : stop + 1] > self.threshold
        someone = crossed.any(1)
        fired: list[int] = []
        if someone.any():
            first = int(someone.byte().argmax())
            stop = tick + first + 1
            fired = crossed[first].nonzero().flatten().tolist()
        left = n.keep_i ** (stop - tick)
        g_i.mul_(left if self.inhibited > self.eps else 0)
        self.inhibited *= left
        return stop, fired

    def inhibited_keep(self, tick: int, stop: int) -> tuple[Tensor, ...]:
        """Rows of exp(−leak g_i) keep, with g_i as it fades from `tick` on."""
        flow, leak = self.flow[tick:stop], self.network.leak
        torch.outer(self.fading[: stop - tick], self.state["g_i"] * -leak, out=flow)
        flow.exp_().mul_(self.keep[tick:stop])
        return self.rows["flow"]

    def inhibit(self, relaying: list[int]) -> None:
        """Inhibitory neurons of these fire: g_i of all others rises, from the next tick on."""
        if relaying:
            strength, g_i = self.network.inhibition, self.state["g_i"]
            g_i.add_(len(relaying) * strength)
            self.inhibited += len(relaying) * strength
            for neuron in relaying:
                g_i[neuron] -= strength

    def hold(self, neuron: int, tick: int) -> None:
        """Keep a neuron that fired in `tick` from firing; at the end it is at its reset.

        Until then its potential says nothing, and is held where no threshold is, at E_inh.
        """
        free = tick + self.network.refractory
        self.bias[max(tick + 1, 0) : free, neuron] = 0
        self.keep[max(tick + 1, 0) : free + 1, neuron] = 0
        if free < self.ticks:
            self.bias[free, neuron] = self.network.reset

    def fire(self, neuron: int, tick: int) -> None:
        """What a spike at the end of `tick` changes: weights, threshold and later input."""
        before, arrived = int(self.state["fired"][neuron]), self.state["arrived"]
        self.spikes.note(tick, arrived)
        if neuron in self.learnt:
            column = self.learnt[neuron]
            self.plasticity.depress(column, self.spikes, before, tick)
        else:
            column = self.learnt[neuron] = self.weights[:, neuron].clone()
        self.plasticity.potentiate(column, tick - arrived, tick - before)
        for thresholds in (self.theta, self.threshold):
            thresholds[neuron] += self.plasticity.theta_plus
        self.state["fired"][neuron] = tick
        if tick + 1 < self.loaded:
            self.drive(neuron, tick, column)
        self.hold(neuron, tick)

    def drive(self, neuron: int, tick: int, column: Tensor) -> None:
        """Sum one neuron's input after `tick` anew."""
        later = self.plasticity.later_input(column, self.spikes, tick, self.loaded)
        later[0] += self.network.keep_e * self.g_e[tick, neuron]
        self.g_e[tick + 1 : self.loaded, neuron] = self.conductance(later)
        self.conduct(slice(tick + 1, self.loaded), neuron)

    def end(self) -> None:
        """Depression up to the end, decay of the thresholds, and the clock set to 0 again."""
        for neuron, column in self.learnt.items():
            last = int(self.state["fired"][neuron])
            self.plasticity.depress(column, self.spikes, last, self.ticks)
            self.weights[:, neuron] = column
        self.spikes.note(self.ticks, self.state["arrived"])
        self.theta.mul_(exp(-self.ticks * DT / self.plasticity.tau_theta))
        self.state["x"].copy_(self.x[self.ticks])
        for name in ("fired", "arrived"):
            self.state[name].sub_(self.ticks)
