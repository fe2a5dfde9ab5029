"""Competition between synapses: the neuron, its plasticity, its inputs, and what is scored."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from replications.core.declare.papers import suite
from replications.core.learn.spiking.pair import PairRule
from replications.song2000 import scores
from replications.song2000.simulation import Cells, Inputs, competition, irregularity

(EXPERIMENT,) = (e for e in suite().paper("song2000").experiments("smoke") if e.name == "rates")
NEURON = EXPERIMENT.resolved["settings"]["neuron"]
PLASTICITY = EXPERIMENT.resolved["settings"]["plasticity"]


def cells(inputs, neurons=1, **neuron):
    return Cells(
        torch.full((neurons,), 10.0, dtype=torch.float64), inputs, neuron=NEURON | neuron,
        plasticity=PLASTICITY, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip


def test_weights_change_by_pairs_with_output_spikes_half_a_tick_late():
    """Weights start in the middle, so that no bound is met; g_max makes the neuron fire."""
    some = cells(5, neurons=2, g_max=1.0)
    some.weights[:] = 0.5
    generator = torch.Generator().manual_seed(1)
    spikes = (torch.rand(400, 2, 5, generator=generator) < 0.04).double()
    fired = some.run(spikes, torch.zeros(400, 2, dtype=torch.float64), learns=True)
    assert (fired.sum(dim=0) > 5).all()
    rule = PairRule(**PLASTICITY, pairing="all_to_all")
    for neuron in range(2):
        post = fired[:, neuron].nonzero()[:, 0].numpy() + 0.5
        for synapse in range(5):
            pre = spikes[:, neuron, synapse].nonzero()[:, 0].numpy()
            change = float(some.weights[neuron, synapse]) - 0.5
            assert change == pytest.approx(rule.change(pre, post), abs=1e-12)


def test_the_potential_is_that_of_the_equation():
    """Conductances that decay within a tick, not held; mV, over an excursion of 10 mV."""
    some = cells(1, v_threshold=0.0, g_max=0.4)
    some.weights[:] = 1.0
    excitation = torch.zeros(20, 1, 1, dtype=torch.float64)
    excitation[[2, 3, 9]] = 1
    inhibition = torch.zeros(20, 1, dtype=torch.float64)
    inhibition[5] = 4
    state = [-70.0, 0.0, 0.0]

    def slope(_, state):
        v, g_ex, g_in = state
        return [(-70 - v + g_ex * (0 - v) + g_in * (-70 - v)) / 20, -g_ex / 5, -g_in / 5]

    highest = -70.0
    for tick in range(20):
        some.potential(excitation[tick], inhibition[tick])
        state[1] += 0.4 * float(excitation[tick])
        state[2] += 0.05 * float(inhibition[tick])
        state = list(solve_ivp(slope, (0, 1), state, rtol=1e-10, atol=1e-10).y[:, -1])
        highest = max(highest, state[0])
        assert float(some.v) == pytest.approx(state[0], abs=0.03)
    assert highest > -61


def test_without_learning_weights_and_traces_stay():
    some = cells(5, g_max=1.0)
    before = some.weights.clone()
    fired = some.run(torch.ones(50, 1, 5).double(), torch.zeros(50, 1).double(), learns=False)
    assert fired.any()
    assert torch.equal(some.weights, before)
    assert some.o.item() == some.r.sum().item() == 0


def test_a_neuron_that_fires_restarts():
    some = cells(3)
    some.v[:] = -50.0
    fired = some.run(torch.zeros(1, 1, 3, dtype=torch.float64), torch.zeros(1, 1), learns=True)
    assert fired.tolist() == [[True]]
    assert some.v.tolist() == [-60.0]
    assert some.o.tolist() == [1.0]


def drawn(share, modulation, seconds=40):
    source = Inputs(
        torch.tensor([20.0, 40.0], dtype=torch.float64), 8, share=share, modulation=modulation,
        time=50.0, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return torch.cat([source.second() for _ in range(seconds)]).numpy()  # (ticks, 2, 8)


@pytest.mark.parametrize("modulation", [0.0, 0.4])
def test_inputs_have_their_rates(modulation):
    rates = drawn(0.5, modulation).mean(axis=(0, 2)) * 1000
    np.testing.assert_allclose(rates, [20, 40], rtol=0.08)


def test_inputs_of_one_source_are_correlated_and_others_are_not():
    counts = drawn(0.5, 0.9)[:, 1].reshape(-1, 20, 8).sum(axis=1)  # in 20 ms
    correlations = np.corrcoef(counts.T)
    same, other = correlations[:4, :4], correlations[4:, 4:]
    assert same[np.triu_indices(4, 1)].min() > 0.1
    assert abs(other[np.triu_indices(4, 1)]).max() < 0.1
    assert abs(correlations[:4, 4:]).max() < 0.1


def simulated(**changed):
    settings = EXPERIMENT.resolved["settings"] | {"seconds": 20, "inputs": 20} | changed
    return competition(generator=torch.Generator().manual_seed(0), **settings)


def test_arrays_have_their_shapes_and_weights_their_bounds():
    arrays = simulated(input_rates=[10, 30], neuron=NEURON | {"g_max": 0.8})
    assert arrays["weights"].shape == (2, 20)
    assert 0 <= arrays["weights"].min() <= arrays["weights"].max() <= 1
    assert arrays["rate_course"].shape == arrays["weight_course"].shape == (2, 20)
    np.testing.assert_allclose(arrays["weight_course"][:, -1], arrays["weights"].mean(axis=1))
    fifth = arrays["rate_course"][:, -4:].mean(axis=1)
    np.testing.assert_allclose(arrays["output_rates"], fifth)


def test_scores_name_rates_and_groups():
    arrays = {
        "input_rates": np.array([10.0, 40.0]), "output_rates": np.array([5.0, 10.0]),
        "first_rates": np.array([5.0, 80.0]), "irregularity": np.array([1.0, 0.5]),
        "weights": np.array([[0.0, 0.1, 0.5, 1.0], [0.5, 0.5, 0.5, 0.5]]),
        "correlated": np.array([True, True, False, False]),
    }  # fmt: skip
    rows = {(s.metric, s.part): s.value for s in scores.competition(arrays)}
    assert rows["share", "10 Hz, outer fifths"] == 0.75
    assert rows["share", "10 Hz, middle fifth"] == 0.25
    assert rows["share", "10 Hz, highest fifth"] == 0.25
    assert rows["mean_weight", "10 Hz, correlated"] == pytest.approx(0.05)
    assert rows["mean_weight", "10 Hz, others"] == pytest.approx(0.75)
    assert rows["rate_gain", "last fifth"] == pytest.approx(0.5)
    assert rows["rate_gain", "before"] == pytest.approx(2)
    assert rows["output_rate", "40 Hz"] == 10


def test_irregularity_is_that_of_the_intervals():
    train = np.zeros(100, dtype=bool)
    train[[0, 10, 40]] = True
    assert irregularity(train) == pytest.approx(0.5)
    assert np.isnan(irregularity(train & False))


def test_a_time_without_equal_parts_is_told():
    with pytest.raises(ValueError, match="seconds is 70: give a multiple of 20"):
        simulated(seconds=70)


@pytest.mark.parametrize("name", ["neuron", "plasticity"])
def test_missing_parameters_are_told(name):
    given = dict(EXPERIMENT.resolved["settings"][name])
    given.pop(next(iter(given)))
    with pytest.raises(ValueError, match=f"{name} has "):
        simulated(**{name: given})
