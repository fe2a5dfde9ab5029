"""Pair-based and triplet rules in Brian 2, one synapse for each pair of trains: prints ΔW.

The specification has trains "pre" and "post", lists of spike times in ms, multiples of "dt", and
"rules", each with the numbers of a triplet rule (pairs alone where a3 is 0) and its "pairing".
"""

import argparse
import json

import numpy as np
from brian2 import Network, SpikeGeneratorGroup, Synapses, defaultclock, ms, prefs

parser = argparse.ArgumentParser()
parser.add_argument("specification")
spec = json.loads(parser.parse_args().specification)

prefs.codegen.target = "numpy"
defaultclock.dt = spec["dt"] * ms


def group(trains):
    """Neurons that fire at given times."""
    who = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
    return SpikeGeneratorGroup(len(trains), who, np.concatenate(trains) * ms)


def changes(rule):
    """ΔW by pair of trains. Traces are read before any spike of their time raises them."""
    raised = {"all_to_all": "{0} += 1", "nearest": "{0} = 1"}[rule["pairing"]]
    names = {name: value for name, value in rule.items() if name[:2] in ("a2", "a3")}
    names |= {name: value * ms for name, value in rule.items() if name[:3] == "tau"}
    pre, post = group(spec["pre"]), group(spec["post"])
    synapses = Synapses(
        pre,
        post,
        """
        w : 1
        dr1/dt = -r1 / tau_plus : 1 (event-driven)
        dr2/dt = -r2 / tau_x : 1 (event-driven)
        do1/dt = -o1 / tau_minus : 1 (event-driven)
        do2/dt = -o2 / tau_y : 1 (event-driven)
        """,
        on_pre={
            "depress": "w -= o1 * (a2_minus + a3_minus * r2)",
            "mark_pre": "; ".join(raised.format(trace) for trace in ("r1", "r2")),
        },
        on_post={
            "potentiate": "w += r1 * (a2_plus + a3_plus * o2)",
            "mark_post": "; ".join(raised.format(trace) for trace in ("o1", "o2")),
        },
        namespace=names,
    )
    for place, pathway in enumerate(("depress", "potentiate", "mark_pre", "mark_post")):
        getattr(synapses, pathway).order = place
    synapses.connect(j="i")
    Network(pre, post, synapses).run((spec["duration"] + 1) * ms)
    return synapses.w[:].tolist()


print(json.dumps([changes(rule) for rule in spec["rules"]]))
