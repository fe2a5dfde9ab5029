"""Small networks of the paper's neurons, and the same written as a plain loop."""

import math

import torch

from replications.core.declare.papers import suite
from replications.diehl2015.network import DT, DiehlCookNetwork
from replications.diehl2015.plasticity import Plasticity

LARGE = suite().experiment("diehl2015", "excitatory_400", "paper")
NETWORK = LARGE.resolved["network"]["diehl_cook_network"]
SETTINGS = LARGE.resolved["settings"]


def make_network(inputs=12, neurons=5, *, column_sum=None, **changes):
    """Float64; a column sum at which a few inputs make neurons fire."""
    return DiehlCookNetwork(
        **NETWORK
        | {"layers": [inputs, neurons], "column_sum": column_sum or 3.0 * inputs}
        | changes,
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float64,
    )


class Plain:
    """Both populations and every trace, tick by tick, from the equations alone."""

    def __init__(self, network, numbers=None):
        self.e, self.i, self.s = (NETWORK[n] for n in ("excitatory", "inhibitory", "synapses"))
        self.numbers = numbers or SETTINGS["plasticity"]
        self.w = network.parameters["W"].clone()
        self.theta = network.parameters["theta"].clone()
        self.offset, self.sum = NETWORK["theta_offset"], network.column_sum
        inputs, n = self.w.shape
        zeros = torch.zeros(n, dtype=torch.float64)
        self.v_e, self.v_i = zeros + self.e["v_rest"], zeros + self.i["v_rest"]
        self.ge_e, self.gi_e, self.ge_i = zeros.clone(), zeros.clone(), zeros.clone()
        self.wait_e, self.wait_i = zeros.long(), zeros.long()  # ticks of the refractory period left
        self.o1, self.o2 = zeros.clone(), zeros.clone()
        self.r = torch.zeros(inputs, dtype=torch.float64)
        self.others = 1 - torch.eye(n, dtype=torch.float64)

    def population(self, which, v, ge, gi, wait, threshold):
        """One step of Euler's method: potentials, and who fires."""
        p = self.e if which == "e" else self.i
        v = p["e_inh"] + (v - p["e_inh"]) * torch.exp(-DT / p["tau"] * gi)
        slope = (p["v_rest"] - v) + ge * (p["e_exc"] - v)
        v = torch.where(wait > 0, p["v_reset"], v + DT / p["tau"] * slope)
        fired = (v > threshold) & (wait <= 1)
        wait = torch.where(fired, round(p["refractory"] / DT), (wait - 1).clamp(min=0))
        return v, fired, wait

    def tick(self, spikes, *, learns, transmits=True):
        """`spikes`: (inputs,) bool. Returns who of the excitatory neurons fired."""
        k, s = self.numbers, self.s
        for trace, tau in ((self.o1, "tau_post1"), (self.o2, "tau_post2"), (self.r, "tau_pre")):
            trace.mul_(math.exp(-DT / k[tau]))
        if learns:
            self.w[spikes] = (self.w[spikes] - k["nu_pre"] * self.o1).clamp(min=0)
        self.r[spikes] = 1
        self.ge_e += self.w[spikes].sum(0)
        threshold = self.e["v_threshold"] + self.theta - self.offset
        self.v_e, fired, self.wait_e = self.population(
            "e", self.v_e, self.ge_e, self.gi_e, self.wait_e, threshold
        )
        self.v_i, relayed, self.wait_i = self.population(
            "i", self.v_i, self.ge_i, 0 * self.ge_i, self.wait_i, self.i["v_threshold"]
        )
        for g, tau in ((self.ge_e, "tau_e"), (self.gi_e, "tau_i"), (self.ge_i, "tau_e")):
            g.mul_(1 - DT / s[tau])
        self.ge_i += s["to_inhibitory"] * fired.double()
        self.gi_e += s["from_inhibitory"] * (self.others @ relayed.double())
        if learns:
            for j in fired.nonzero().flatten().tolist():
                change = k["nu_post"] * self.r * self.o2[j]
                self.w[:, j] = (self.w[:, j] + change).clamp(max=k["w_max"])
            self.theta += k["theta_plus"] * fired.double()
        self.o1[fired], self.o2[fired] = 1.0, 1.0
        return fired

    def present(self, raster, rest, *, learns=True):
        """A presentation: raster, (ticks, inputs) bool, then rest. Spikes, (ticks + rest, n)."""
        if learns:
            self.w *= self.sum / self.w.sum(0)
            self.o1.zero_()  # of an earlier presentation: left out, see plasticity.py
        silent = torch.zeros_like(raster[0])
        fired = [self.tick(row, learns=learns) for row in raster]
        fired += [self.tick(silent, learns=learns) for _ in range(rest)]
        if learns:
            self.theta *= math.exp(-len(fired) * DT / self.numbers["tau_theta"])
        return torch.stack(fired)


def raster_of(who, when, inputs, ticks):
    raster = torch.zeros(ticks, inputs, dtype=torch.bool)
    raster[when, who] = True
    return raster


def plasticity(**changes):
    return Plasticity(SETTINGS["plasticity"] | changes)
