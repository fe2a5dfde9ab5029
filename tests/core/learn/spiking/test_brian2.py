"""Rules against Brian 2, where `make peers` has built its environment."""

import json
import subprocess

import numpy as np
import pytest

from replications.core.base.provenance import ROOT
from replications.core.learn.spiking.pair import PairRule
from replications.core.learn.spiking.triplet import TripletRule

PYTHON = ROOT / ".venv-peers" / "bin" / "python"
DT, DURATION, TRAINS = 0.1, 300, 25  # ms, ms
TIMES = {"tau_plus": 17.0, "tau_minus": 34.0}
PAIR = {"a_plus": 0.7, "a_minus": 0.4, **TIMES}
TRIPLET = {
    "a2_plus": 0.3, "a3_plus": 0.6, "a2_minus": 0.4, "a3_minus": 0.5, "tau_x": 101.0,
    "tau_y": 125.0, **TIMES,
}  # fmt: skip
PAIR_AS_TRIPLET = TRIPLET | {"a2_plus": 0.7, "a3_plus": 0.0, "a2_minus": 0.4, "a3_minus": 0.0}


@pytest.mark.skipif(not PYTHON.exists(), reason="`make peers` builds its environment")
def test_rules_change_weights_as_in_brian2():
    """Spikes at one time included: trains share a clock of few enough ticks."""
    rng = np.random.default_rng(4)
    ticks = round(DURATION / DT)
    pre, post = (
        [np.sort(rng.choice(ticks // 10, size, replace=False)) for size in sizes]
        for sizes in rng.integers(1, 40, (2, TRAINS))
    )
    shared = [len(np.intersect1d(a, b)) for a, b in zip(pre, post, strict=True)]
    assert sum(shared) > 10
    pre, post = ([(train * 10 * DT).tolist() for train in trains] for trains in (pre, post))
    pairings = ("all_to_all", "nearest")
    ours = [PairRule(**PAIR, pairing=p) for p in pairings]
    ours += [TripletRule(**TRIPLET, pairing=p) for p in pairings]
    theirs = [t | {"pairing": p} for t in (PAIR_AS_TRIPLET, TRIPLET) for p in pairings]
    spec = {"pre": pre, "post": post, "rules": theirs, "dt": DT, "duration": DURATION}
    script = ROOT / "benchmarks" / "peers" / "rules_in_brian2.py"
    done = subprocess.run(
        [PYTHON, script, json.dumps(spec)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for rule, found in zip(ours, json.loads(done.stdout.splitlines()[-1]), strict=True):
        wanted = [rule.change(a, b) for a, b in zip(pre, post, strict=True)]
        assert found == pytest.approx(wanted, abs=1e-6)
