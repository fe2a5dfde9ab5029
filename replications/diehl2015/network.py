"""The network of Diehl & Cook 2015, as its released code has it. Units: ms, mV; ticks of DT.

Excitatory neurons j with inputs i, and one inhibitory neuron for each of them that inhibits all the
others:

    τ dv/dt = (v_rest − v) + g_e (E_exc − v) + g_i (E_inh − v),   τ_e dg_e/dt = −g_e,   g_i alike.

A spike of input i adds w_ij to g_e of j; one of j's inhibitory neuron adds `from_inhibitory` to
g_i of all but j. A neuron fires at v > v_threshold + θ − θ_offset and is then held at v_reset.
In a tick inhibition first acts alone and exactly, (v − E_inh) <- (v − E_inh) exp(−g_i dt / τ); then
leak and excitation by a step of Euler's method, by which conductances fall, too. Euler's method for
all, as in that code's simulator (recalled), goes beyond E_inh where more than eleven neurons fire
in one tick, and by more with each tick while g_i lasts where more than 23 do.

An inhibitory neuron does nothing but relay: it has one input, and with the paper's numbers it fires
once, in the tick after its excitatory neuron (`relayed`, computed when the network is built). So it
is not simulated; a test compares the network with one in which it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

DT = 0.5  # ms
NEURON = {"tau", "v_rest", "v_reset", "v_threshold", "e_exc", "e_inh", "refractory"}
SYNAPSES = {"tau_e", "tau_i", "to_inhibitory", "from_inhibitory"}
RECOVERY = 200  # ticks in which an inhibitory neuron must not fire again


class DiehlCookNetwork:
    """`layers`: inputs and excitatory neurons; `excitatory`, `inhibitory`: numbers of NEURON.

    `parameters` holds "W", (inputs, neurons), uniform from `smallest` to `smallest` + 1 and then
    scaled so that a neuron's weights add up to `column_sum`; and "theta", (neurons,) in mV, that
    start at `theta_offset`. Potentials are kept as x = v − E_inh, on which inhibition only
    multiplies. Raises ValueError for numbers that are missing or unknown, and if an inhibitory
    neuron is no relay.
    """

    def __init__(
        self, *, layers: Sequence[int], column_sum: float, smallest: float, theta_offset: float,
        excitatory: Mapping[str, float], inhibitory: Mapping[str, float],
        synapses: Mapping[str, float], generator: torch.Generator,
        device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        for name, given, known in (
            ("excitatory", excitatory, NEURON),
            ("inhibitory", inhibitory, NEURON),
            ("synapses", synapses, SYNAPSES),
        ):
            if set(given) != known:
                raise ValueError(f"{name}: give {', '.join(sorted(known))}, not {', '.join(given)}")
        self.inputs, self.neurons = layers
        weights = torch.rand(self.inputs, self.neurons, generator=generator, dtype=dtype)
        weights += smallest
        weights *= column_sum / weights.sum(0)
        theta = torch.full((self.neurons,), theta_offset, dtype=dtype)
        self.parameters = {"W": weights.to(device), "theta": theta.to(device)}
        self.buffers: dict[str, Tensor] = {}
        self.column_sum = column_sum
        if (ticks := relayed(inhibitory, synapses, excitatory["refractory"])) != [1]:
            raise ValueError(
                f"inhibitory: it fires in ticks {ticks} after its excitatory neuron: give numbers "
                "at which it fires once, in the next tick, and is ready before the other"
            )
        bottom = excitatory["e_inh"]
        self.leak = DT / excitatory["tau"]  # share of a potential that leaks in a tick
        self.rest = excitatory["v_rest"] - bottom  # x, in mV, here and below
        self.top = excitatory["e_exc"] - bottom
        self.reset = excitatory["v_reset"] - bottom
        self.threshold = excitatory["v_threshold"] - theta_offset - bottom  # where theta is 0
        self.refractory = round(excitatory["refractory"] / DT)  # ticks
        if self.refractory < 1:
            raise ValueError(f"excitatory: refractory is {excitatory['refractory']} ms: give at "
                             f"least {DT} ms, a tick")  # fmt: skip
        self.keep_e, self.keep_i = (1 - DT / synapses[tau] for tau in ("tau_e", "tau_i"))
        self.inhibition = synapses["from_inhibitory"]


def relayed(neuron: Mapping[str, float], synapses: Mapping[str, float], ready: float) -> list[int]:
    """Ticks in which an inhibitory neuron at rest fires after one excitatory spike in tick 0.

    Potentials above rest or a conductance that is left only make it fire as soon, and it leaves
    its refractory period before the excitatory neuron does, after `ready` ms: so it is for every
    spike. Raises ValueError if it does not.
    """
    if neuron["refractory"] > ready:
        raise ValueError(
            f"inhibitory: refractory is {neuron['refractory']} ms: give at most {ready} ms, that "
            "of the excitatory neurons"
        )
    v, conductance, fired = neuron["v_rest"], synapses["to_inhibitory"], []
    held = round(neuron["refractory"] / DT)
    for tick in range(1, RECOVERY):
        if fired and tick <= fired[-1] + held:
            v = neuron["v_reset"]
        else:
            drive = neuron["v_rest"] - v + conductance * (neuron["e_exc"] - v)
            v += DT / neuron["tau"] * drive
            if v > neuron["v_threshold"]:
                fired.append(tick)
        conductance *= 1 - DT / synapses["tau_e"]
    return fired


def arrivals(chance: Tensor, ticks: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Input spikes: who fires, and in which of the ticks, both (S,), ordered by who and then when.

    Each of `chance`, (K,) within 0 to 1, is the probability that its input fires in a tick,
    independently of all others: gaps between spikes are geometric, floor(log u / log(1 − p)) + 1
    with u uniform. Inputs that cannot fire are left out of the draws. Drawn on the CPU.
    """
    (active,) = chance.nonzero(as_tuple=True)
    log_silent = torch.log1p(-chance[active].cpu().double().clamp(max=1 - 1e-12))  # (A,)
    expected = ticks * float(chance.max()) if len(active) else 0.0
    count = int(expected + 8 * expected**0.5) + 8  # gaps that are drawn at once for an input
    pieces, last = [], torch.full((len(active), 1), -1.0, dtype=torch.float64)
    while len(active) and float(last.min()) < ticks:
        uniform = torch.rand(len(active), count, generator=generator, dtype=torch.float64)
        gaps = uniform.clamp_(min=1e-300).log_().div_(log_silent[:, None]).floor_().add_(1)
        pieces.append(gaps.cumsum_(1).add_(last))
        last = pieces[-1][:, -1:]
    if not pieces:
        nothing = torch.zeros(0, dtype=torch.int64, device=chance.device)
        return nothing, nothing
    times = torch.cat(pieces, 1)
    within = times < ticks
    who = active.cpu()[:, None].expand_as(times)[within]
    return who.to(chance.device), times[within].long().to(chance.device)
