"""Plastic spiking networks against NEST and Brian 2: one model, one thread, by turns in one run.

1,000 inputs with Poisson spikes at 20 Hz, 1,000 integrate-and-fire neurons, a synapse between all
of them, pair-based plasticity of all pairs, 1 ms, 10 s. The peers live in an environment of their
own (`make peers`), as their numpy differs from ours.
"""

import json
import os
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from benchmarks.spiking_layer import IntegrateAndFire, PlasticLayer
from replications.core.learn.spiking.pair import PairRule

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PEERS = ("with_nest.py", "with_brian2.py")

MODEL = {
    "inputs": 1000, "neurons": 1000, "input_rate": 20.0, "tau_m": 20.0, "v_rest": 0.0,
    "v_threshold": 20.0, "v_reset": 0.0, "gain": 0.11, "a_plus": 0.005, "a_minus": 0.00525,
    "tau_plus": 20.0, "tau_minus": 20.0, "seconds": 10, "every": 101,
}  # fmt: skip

with_peers = pytest.mark.skipif(not PYTHON.exists(), reason="`make peers` builds their environment")


def ours(spec: dict, *, dtype=torch.float64) -> dict:
    """The model here: seconds that the steps took, mean rate (Hz), some weights."""
    generator = torch.Generator().manual_seed(spec["seed"])
    count = spec["inputs"]
    weights = torch.rand(spec["neurons"], count, generator=generator, dtype=dtype)
    rule = PairRule(**{k: spec[k] for k in ("a_plus", "a_minus", "tau_plus", "tau_minus")},
                    pairing="all_to_all")  # fmt: skip
    cells = {k: spec[k] for k in ("tau_m", "v_rest", "v_threshold", "v_reset")}
    neurons = IntegrateAndFire(spec["neurons"], **cells, dt=1.0, like=weights)
    synapses = rule.clocked(weights, dt=1.0, low=0.0, high=1.0)
    layer = PlasticLayer(neurons, synapses, gain=spec["gain"])
    fired = torch.zeros(spec["neurons"], dtype=torch.long)
    started = time.perf_counter()
    for _ in range(1000 * spec["seconds"]):
        fired += layer.step(torch.rand(count, generator=generator) < spec["input_rate"] / 1000)
    seconds = time.perf_counter() - started
    rate = fired.sum().item() / spec["neurons"] / spec["seconds"]
    return {
        "seconds": seconds,
        "rate": rate,
        "weights": weights.flatten()[:: spec["every"]].numpy(),
    }


def peer(script: str, spec: dict) -> dict:
    """The same from another simulator, in its own environment."""
    done = subprocess.run(
        [PYTHON, ROOT / "benchmarks" / "peers" / script, json.dumps(spec)], capture_output=True,
        text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@with_peers
def test_rates_and_weights_are_those_of_the_peers_and_the_time_is_half_of_the_faster_at_most():
    """Medians of three runs by turns, other seeds, in float64 as the peers have it."""
    found = {name: [] for name in ("ours", *PEERS)}
    for seed in (1, 2, 3):
        spec = MODEL | {"seed": seed}
        found["ours"].append(ours(spec))
        for script in PEERS:
            found[script].append(peer(script, spec))
    rates = {name: np.mean([run["rate"] for run in runs]) for name, runs in found.items()}
    weights = {name: np.concatenate([r["weights"] for r in runs]) for name, runs in found.items()}
    seconds = {name: median(run["seconds"] for run in runs) for name, runs in found.items()}
    for script in PEERS:
        distance = ks_2samp(weights["ours"], weights[script]).statistic
        ratio = seconds[script] / seconds["ours"]
        print(
            f"\n{script}: {ratio:.1f} times our time; {rates[script]:.2f} Hz against "
            f"{rates['ours']:.2f}; weights {distance:.4f} apart (Kolmogorov-Smirnov)"
        )
        assert rates[script] == pytest.approx(rates["ours"], rel=0.03)
        assert distance < 0.02
    assert min(seconds[script] for script in PEERS) >= 2 * seconds["ours"]


def test_cost_grows_no_faster_than_the_number_of_synapses():
    """From 10⁴ to 10⁷ synapses, as many inputs as neurons, jumps smaller as inputs are more."""
    cost = {}
    for count in (100, 316, 1000, 3162):
        gain = MODEL["gain"] * 1000 / count
        spec = MODEL | {"seed": 1, "inputs": count, "neurons": count, "gain": gain, "seconds": 1}
        runs = [ours(spec, dtype=torch.float32)["seconds"] for _ in range(3)]
        cost[count**2] = median(runs)
        print(f"\n{count**2:.0e} synapses: {cost[count**2]:.2f} s a second")
    sizes = sorted(cost)
    for few, many in pairwise(sizes):
        assert cost[many] / cost[few] < 1.3 * many / few
