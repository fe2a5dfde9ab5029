"""Learning a system: what is drawn, what a run returns, what it learns, and what is scored."""

import numpy as np
import pytest
import torch

from replications.bourdoukan2015 import scores
from replications.bourdoukan2015.network import Population, System, optimal_fast, optimal_slow
from replications.bourdoukan2015.simulation import JOINT, learning
from replications.core.declare.papers import suite

(EXPERIMENT,) = (
    e for e in suite().paper("bourdoukan2015").experiments("smoke") if e.name == "ringing"
)
SETTINGS = EXPERIMENT.resolved["settings"]


def learned(**changed):
    given = SETTINGS | {"epochs": 4, "test_seconds": 1} | changed
    return learning(generator=torch.Generator().manual_seed(0), **given)


@pytest.fixture(scope="module")
def arrays():
    return learned()


def test_a_little_learning_brings_both_kinds_of_weights_nearer(arrays):
    fast, slow = (arrays[f"{kind}_distance{JOINT}learned"] for kind in ("fast", "slow"))
    assert fast[-1] < 0.6 * fast[0]
    assert slow[-1] < 0.9 * slow[0]


def test_optimal_weights_decode_and_stay(arrays):
    assert (arrays[f"fast_distance{JOINT}optimal"] == 0).all()
    np.testing.assert_allclose(arrays[f"slow_distance{JOINT}optimal"], 0, atol=1e-15)
    errors = arrays[f"decoding_error{JOINT}optimal"]
    assert (errors == errors[0]).all()
    assert errors[0] < 0.5 * arrays[f"decoding_error{JOINT}learned"][0]


def test_rules_that_are_off_leave_their_weights(arrays):
    fast, slow = (arrays[f"{k}_distance{JOINT}{k} rule off"] for k in ("fast", "slow"))
    assert (fast == fast[0]).all()
    assert (slow == slow[0]).all()
    assert len(set(arrays[f"slow_distance{JOINT}fast rule off"])) > 1


def test_shapes_and_checkpoints(arrays):
    assert arrays["checkpoints"].tolist() == [0, 1, 2, 3, 4]
    assert arrays["target"].shape == (10000, 2)
    for key, shape in {
        "learning_error": (4,), "decoding_error": (5,), "eigenvalues": (5, 2, 2), "balance": (2,),
        "estimate": (2, 10000, 2), "spikes": (2, 10000), "currents": (2, 2, 10000),
    }.items():  # fmt: skip
        assert arrays[f"{key}{JOINT}learned"].shape == shape, key
    estimate = arrays[f"estimate{JOINT}optimal"][-1]
    error = np.linalg.norm(estimate - arrays["target"]) / np.linalg.norm(arrays["target"])
    assert error == pytest.approx(arrays[f"decoding_error{JOINT}optimal"][-1])


def test_scores_name_conditions(arrays):
    found = scores.learning(arrays)
    rows = {(s.metric, s.part): s.value for s in found}
    errors = arrays[f"decoding_error{JOINT}learned"]
    assert rows["decoding_error", "untrained"] == errors[0]
    assert rows["decoding_error", "learned"] == errors[-1]
    assert rows["weight_distance", "fast rule off, fast"] > 0.5
    assert rows["eigenvalue_distance", "optimal"] == pytest.approx(0, abs=1e-9)
    first = arrays[f"learning_error{JOINT}learned"][0]
    assert rows["decoding_error", "learned, first tenth of learning"] == first
    assert all(np.isfinite(value) for value in rows.values())
    assert len(rows) == len(found)


def test_commands_have_their_size_and_smoothness():
    dynamics = torch.zeros(2, 2, dtype=torch.float64)
    system = System(dynamics, amplitude=30.0, smoothing=0.006, dt=1e-3)
    commands, x = system.draw(60.0, torch.Generator().manual_seed(0))
    assert commands.shape == x.shape == (60000, 2)
    np.testing.assert_allclose(commands.std(dim=0), 30, rtol=0.05)
    late = (commands[12:] * commands[:-12]).mean() / commands.square().mean()
    assert float(late) == pytest.approx(np.exp(-(12**2) / (4 * 6**2)), abs=0.03)
    torch.testing.assert_close(x[-1], 1e-3 * commands[:-1].sum(dim=0))  # A = 0: x adds up c


def test_networks_start_as_their_condition_says():
    decoder = 0.03 * torch.eye(2, dtype=torch.float64).repeat(2, 1)
    dynamics = torch.tensor(SETTINGS["dynamics"], dtype=torch.float64)
    population = Population(decoder, 10.0, 1e-4, 0.6)
    conditions = {"a": {"start": "optimal"}, "b": {"start": "unlearned"}}
    fast, slow = population.start(conditions, dynamics)
    torch.testing.assert_close(fast[0], optimal_fast(decoder, 1e-4))
    torch.testing.assert_close(slow[0], optimal_slow(decoder, dynamics, 10.0))
    torch.testing.assert_close(fast[1], -0.001 * torch.eye(4, dtype=torch.float64))
    assert slow[1].abs().max() == 0


def test_other_settings_are_told():
    conditions = SETTINGS["conditions"]
    with pytest.raises(ValueError, match="dynamics has 1 rows: give 2"):
        learned(dynamics=[[-1.0]])
    with pytest.raises(ValueError, match="conditions has no 'learned'"):
        learned(conditions={"optimal": conditions["optimal"]})
    without = {k: v for k, v in conditions["learned"].items() if k != "feedback"}
    with pytest.raises(ValueError, match="condition 'learned': give fast, feedback, slow, start"):
        learned(conditions={"learned": without})
    with pytest.raises(ValueError, match="condition 'learned' starts unlearned or optimal"):
        learned(conditions={"learned": conditions["learned"] | {"start": "late"}})
