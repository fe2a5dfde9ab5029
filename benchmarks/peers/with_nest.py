"""The network of `benchmarks/test_simulators.py` in NEST: prints seconds, rates and weights."""

import argparse
import json
import time

import nest

parser = argparse.ArgumentParser()
parser.add_argument("specification")
spec = json.loads(parser.parse_args().specification)

nest.verbosity = nest.VerbosityLevel.ERROR
nest.resolution = 1.0
nest.local_num_threads = 1
nest.rng_seed = spec["seed"]
source = nest.Create("poisson_generator", params={"rate": spec["input_rate"]})
inputs = nest.Create("parrot_neuron", spec["inputs"])
neurons = nest.Create(
    "iaf_psc_delta",
    spec["neurons"],
    params={
        "tau_m": spec["tau_m"], "E_L": spec["v_rest"], "V_m": spec["v_rest"], "I_e": 0.0,
        "V_th": spec["v_threshold"], "V_reset": spec["v_reset"], "t_ref": 0.0,
        "tau_minus": spec["tau_minus"],
    },
)  # fmt: skip
recorder = nest.Create("spike_recorder")
nest.Connect(source, inputs)
nest.Connect(
    inputs,
    neurons,
    "all_to_all",
    {
        "synapse_model": "stdp_synapse", "delay": 1.0, "tau_plus": spec["tau_plus"],
        "lambda": spec["a_plus"], "alpha": spec["a_minus"] / spec["a_plus"],
        "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": spec["gain"],
        "weight": nest.random.uniform(0.0, spec["gain"]),
    },
)  # fmt: skip
nest.Connect(neurons, recorder)
nest.Prepare()
started = time.perf_counter()
nest.Run(1000.0 * spec["seconds"])
seconds = time.perf_counter() - started
nest.Cleanup()
weights = [w / spec["gain"] for w in nest.GetConnections(inputs, neurons).weight]
rate = recorder.n_events / spec["neurons"] / spec["seconds"]
print(json.dumps({"seconds": seconds, "rate": rate, "weights": weights[:: spec["every"]]}))
