"""The network of `benchmarks/test_simulators.py` in Brian 2: prints seconds, rates and weights."""

import argparse
import json
import time
from math import exp

from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    Synapses,
    defaultclock,
    ms,
    prefs,
    seed,
)

parser = argparse.ArgumentParser()
parser.add_argument("specification")
spec = json.loads(parser.parse_args().specification)

prefs.codegen.target = "cython"
defaultclock.dt = 1 * ms
seed(spec["seed"])
names = {
    "tau_m": spec["tau_m"] * ms, "v_rest": spec["v_rest"], "v_threshold": spec["v_threshold"],
    "v_reset": spec["v_reset"], "jump": spec["gain"] * exp(1 / spec["tau_m"]),
    "a_plus": spec["a_plus"], "a_minus": spec["a_minus"], "tau_plus": spec["tau_plus"] * ms,
    "tau_minus": spec["tau_minus"] * ms,
}  # fmt: skip
inputs = PoissonGroup(spec["inputs"], spec["input_rate"] * Hz)
neurons = NeuronGroup(
    spec["neurons"], "dv/dt = (v_rest - v) / tau_m : 1", threshold="v >= v_threshold",
    reset="v = v_reset", method="exact", namespace=names,
)  # fmt: skip
neurons.v = spec["v_rest"]
# `act` stands after the threshold of its tick, so that its jump decays for a tick before the next;
# `mark` comes last, so that two spikes at one time make no pair.
synapses = Synapses(
    inputs,
    neurons,
    """
    w : 1
    dr/dt = -r / tau_plus : 1 (event-driven)
    do/dt = -o / tau_minus : 1 (event-driven)
    """,
    on_pre={"learn": "w = clip(w - a_minus * o, 0, 1); r += 1", "act": "v_post += jump * w"},
    on_post={"back": "w = clip(w + a_plus * r, 0, 1)", "mark": "o += 1"},
    delay={"back": 1 * ms, "mark": 1 * ms},
    namespace=names,
)
for place, pathway in enumerate(("back", "learn", "act", "mark")):
    getattr(synapses, pathway).order = place
synapses.connect()
synapses.w = "rand()"
spikes = SpikeMonitor(neurons, record=False)
network = Network(inputs, neurons, synapses, spikes)
network.schedule = ["start", "groups", "thresholds", "resets", "synapses", "end"]
network.run(1 * ms)  # compiles
started = time.perf_counter()
network.run(1000 * spec["seconds"] * ms)
seconds = time.perf_counter() - started
rate = spikes.num_spikes / spec["neurons"] / spec["seconds"]
weights = synapses.w[:: spec["every"]].tolist()
print(json.dumps({"seconds": seconds, "rate": rate, "weights": weights}))
