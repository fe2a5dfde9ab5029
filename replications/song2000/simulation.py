"""Song, Miller & Abbott 2000: competition between the synapses of one neuron by spike timing.

An integrate-and-fire neuron with conductances in units of its leak,

    τ_m dV/dt = V_rest − V + g_ex (E_ex − V) + g_in (E_in − V),   τ dg/dt = −g,

fires at V_threshold and restarts at V_reset. A spike of excitatory input a adds g_max w_a to g_ex,
one of an inhibitory input g_inhibitory to g_in. Weights w within 0 and 1 change by all pairs of
spikes,

    w_a −= a₋ Σ_post exp(−(t − t_post) / τ₋)  at a presynaptic spike at t,
    w_a += a₊ Σ_pre exp(−(t − t_pre) / τ₊)    at a postsynaptic spike at t.

Several such neurons, each with inputs of its own, are run at once on a clock of 1 ms: the potential
by its exact solution for conductances that keep their mean over the tick. An output spike stands
half a tick after the inputs of its tick, which may have caused it and are paired with it: sums over
pairs of unrelated spikes are then the midpoint rule of the window's areas. Pairing the inputs of
the tick in full would add half a tick to potentiation and take none from depression, 2.5% of the
window's area of the 5% that separate a₋ from a₊. Units: ms, mV, Hz.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp

import numpy as np
import torch
from torch import Generator, Tensor

Arrays = dict[str, np.ndarray]
NEURON = {"tau_m", "v_rest", "v_threshold", "v_reset", "e_ex", "e_in", "tau_ex", "tau_in", "g_max",
          "g_inhibitory"}  # fmt: skip
RULE = {"a_plus", "a_minus", "tau_plus", "tau_minus"}
DT = 1.0  # ms
SECOND = 1000  # ticks
FIRST = 10  # s without plasticity
COURSE = 20  # parts of the time whose means are kept


def competition(
    *,
    generator: Generator,
    neuron: Mapping[str, float],
    plasticity: Mapping[str, float],
    input_rates: Sequence[float],
    inhibitory_rate: float,
    inputs: int,
    inhibitory_inputs: int,
    correlated: float,
    modulation: float,
    correlation_time: float,
    seconds: int,
) -> Arrays:
    """Neurons with `inputs` plastic inputs each, a neuron for every one of `input_rates` (Hz).

    The first `correlated` share of the inputs have one common rate, rate (1 + modulation x(t)),
    the others one each, where x is normal and drawn anew after times of mean `correlation_time` ms;
    modulation 0: constant rates. Weights start uniform in 0 to 1. With R rates, all in Hz:
    "input_rates", (R,); "first_rates", (R,), the output rates in FIRST seconds before plasticity
    sets in; of the last fifth of the time "output_rates", (R,), and "irregularity", (R,), the
    coefficient of variation of the intervals between spikes. At the end "weights", (R, inputs);
    which inputs have the common rate, "correlated", (inputs,). Over COURSE equal parts of the time
    "rate_course", (R, COURSE), mean output rates, and "weight_course", mean weights at the end of
    each. Raises ValueError for `seconds` that are no multiple of COURSE, or for parameters that
    are missing.
    """
    if seconds % COURSE:
        raise ValueError(f"seconds is {seconds}: give a multiple of {COURSE}, a mean for each part")
    rates = torch.tensor(input_rates, dtype=torch.float64, device=generator.device)
    cells = Cells(rates, inputs, neuron=neuron, plasticity=plasticity, generator=generator)
    source = Inputs(
        rates, inputs, share=correlated, modulation=modulation, time=correlation_time,
        generator=generator,
    )  # fmt: skip
    expected = torch.full((SECOND, len(rates)), inhibitory_inputs * inhibitory_rate * DT / 1000,
                          dtype=torch.float64, device=rates.device)  # fmt: skip

    def run(seconds: int, *, learns: bool) -> Iterator[Tensor]:
        for _ in range(seconds):
            inhibition = torch.poisson(expected, generator=generator)
            yield cells.run(source.second(), inhibition, learns=learns)

    first = sum(fired.sum(dim=0) for fired in run(FIRST, learns=False)) / FIRST
    fired = torch.zeros(seconds, SECOND, len(rates), dtype=torch.bool, device=rates.device)
    weights = torch.zeros(len(rates), COURSE, dtype=torch.float64, device=rates.device)
    for second, spikes in enumerate(run(seconds, learns=True)):
        fired[second] = spikes
        weights[:, second * COURSE // seconds] = cells.weights.mean(dim=1)
    fired = fired.flatten(0, 1).T.contiguous().cpu().numpy()  # (R, ticks)
    last = fired[:, -len(fired[0]) // 5 :]
    return {
        "input_rates": np.array(input_rates, dtype=float),
        "first_rates": first.double().cpu().numpy(),
        "output_rates": last.mean(axis=1) * SECOND,
        "irregularity": np.array([irregularity(train) for train in last]),
        "weights": cells.weights.cpu().numpy(),
        "rate_course": fired.reshape(len(rates), COURSE, -1).mean(axis=2) * SECOND,
        "weight_course": weights.cpu().numpy(),
        "correlated": np.arange(inputs) < round(correlated * inputs),
    }


class Cells:
    """R neurons with their plastic inputs; weights ``(R, inputs)``."""

    def __init__(
        self, rates: Tensor, inputs: int, *, neuron: Mapping[str, float],
        plasticity: Mapping[str, float], generator: Generator,
    ) -> None:  # fmt: skip
        for name, given, known in (("neuron", neuron, NEURON), ("plasticity", plasticity, RULE)):
            if set(given) != known:
                raise ValueError(f"{name} has {', '.join(sorted(known))}, not {', '.join(given)}")
        drawn = {"generator": generator, "device": rates.device, "dtype": torch.float64}
        self.weights = torch.rand(len(rates), inputs, **drawn)
        self.r = torch.zeros_like(self.weights)  # presynaptic traces
        self.o = torch.zeros_like(rates)  # postsynaptic traces, (R,)
        self.v = torch.full_like(rates, neuron["v_rest"])
        self.g_ex, self.g_in = torch.zeros_like(rates), torch.zeros_like(rates)
        self.neuron, self.plasticity = neuron, plasticity
        taus = {side: neuron[f"tau_{side}"] for side in ("ex", "in")}
        self.decay = {side: exp(-DT / tau) for side, tau in taus.items()}
        self.held = {side: tau / DT * (1 - self.decay[side]) for side, tau in taus.items()}
        half = {side: exp(DT / 2 / plasticity[f"tau_{side}"]) for side in ("plus", "minus")}
        self.a_plus = plasticity["a_plus"] / half["plus"]  # half a tick later than the inputs
        self.a_minus = plasticity["a_minus"] * half["minus"]

    def run(self, excitation: Tensor, inhibition: Tensor, *, learns: bool) -> Tensor:
        """Ticks with excitatory spikes, ``(ticks, R, inputs)``, and numbers of inhibitory ones.

        `inhibition`: ``(ticks, R)``. Returns who fired, ``(ticks, R)`` bool. Weights and the traces
        of spikes stay as they are unless it `learns`.
        """
        fired = torch.zeros(inhibition.shape, dtype=torch.bool, device=self.v.device)
        for tick, (spikes, inhibitory) in enumerate(zip(excitation, inhibition, strict=True)):
            if learns:
                self.depress(spikes)
            self.potential(spikes, inhibitory)
            fires = self.v >= self.neuron["v_threshold"]
            if fires.any():
                self.v[fires] = self.neuron["v_reset"]
                fired[tick] = fires
                if learns:
                    self.potentiate(fires)
        return fired

    def potential(self, spikes: Tensor, inhibitory: Tensor) -> None:
        """Conductances and potential over a tick that starts with these spikes, ``(R, inputs)``.

        A conductance that decays from g is held at its mean, g (τ / dt) (1 − exp(−dt / τ)).
        """
        n = self.neuron
        self.g_ex.mul_(self.decay["ex"])
        self.g_ex.add_(torch.linalg.vecdot(self.weights, spikes), alpha=n["g_max"])
        self.g_in.mul_(self.decay["in"]).add_(inhibitory, alpha=n["g_inhibitory"])
        g_ex, g_in = self.g_ex * self.held["ex"], self.g_in * self.held["in"]
        total = 1 + g_ex + g_in
        goal = (n["v_rest"] + g_ex * n["e_ex"] + g_in * n["e_in"]) / total
        self.v = torch.lerp(goal, self.v, torch.exp(-DT / n["tau_m"] * total))

    def depress(self, spikes: Tensor) -> None:
        """Traces to this tick, depression by its presynaptic spikes, ``(R, inputs)``, and these."""
        self.o.mul_(exp(-DT / self.plasticity["tau_minus"]))
        self.r.mul_(exp(-DT / self.plasticity["tau_plus"])).add_(spikes)
        self.weights.addcmul_(spikes, self.o[:, None], value=-self.a_minus).clamp_(min=0)

    def potentiate(self, fires: Tensor) -> None:
        """These neurons, ``(R,)`` bool, fire: their inputs of before, and of this tick, grow."""
        self.o[fires] += 1
        raised = self.weights[fires] + self.a_plus * self.r[fires]
        self.weights[fires] = raised.clamp_(max=1)


class Inputs:
    """Poisson spikes of R populations of inputs, by the second."""

    def __init__(
        self, rates: Tensor, inputs: int, *, share: float, modulation: float, time: float,
        generator: Generator,
    ) -> None:  # fmt: skip
        self.rates, self.modulation, self.generator = rates, modulation, generator
        self.drawn = {"generator": generator, "device": rates.device, "dtype": torch.float64}
        self.shape = (len(rates), inputs)
        common = round(share * inputs)
        self.source = torch.arange(inputs, device=rates.device).clamp(min=max(common - 1, 0))
        self.renewal = DT / time  # chance of a tick to draw x anew
        self.x = torch.randn(self.shape, **self.drawn)

    def second(self) -> Tensor:
        """``(ticks, R, inputs)``, 1 for a spike. Inputs of one source share its x."""
        chance = torch.rand(SECOND, *self.shape, **self.drawn)
        if self.modulation == 0:
            return (chance < self.rates[:, None] * DT / 1000).double()
        modulated = torch.empty_like(chance)
        for tick in modulated:
            new = torch.rand(self.shape, **self.drawn) < self.renewal
            self.x = torch.where(new, torch.randn(self.shape, **self.drawn), self.x)
            tick.copy_(1 + self.modulation * self.x[:, self.source])
        return (chance < self.rates[:, None] * modulated * DT / 1000).double()


def irregularity(train: np.ndarray) -> float:
    """Standard deviation over mean of the intervals between spikes, ``(ticks,)`` bool; or NaN."""
    intervals = np.diff(np.flatnonzero(train))
    return float(intervals.std() / intervals.mean()) if len(intervals) > 1 else np.nan
