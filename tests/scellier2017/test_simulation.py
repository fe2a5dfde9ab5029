"""The simulations as a whole: theory's orders at small budgets, and scores that can tell faults."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.core.declare.papers import suite
from replications.scellier2017 import scores, simulation
from replications.scellier2017 import trajectories as along

few = settings(max_examples=3, derandomize=True, deadline=None)
NAMES = sorted(e.name for e in suite().paper("scellier2017").experiments("smoke")
               if e.kind == "simulation")  # fmt: skip


def run(name, seed=0, **changes):
    """A simulation as the smoke tier declares it."""
    resolved = suite().experiment("scellier2017", name, "smoke").resolved
    arguments = {**resolved["settings"], **resolved["budget"], **changes}
    return getattr(simulation, name)(generator=torch.Generator().manual_seed(seed), **arguments)


@cache
def arrays_of(name):
    return run(name)


def scored(name, arrays):
    return {(s.metric, s.part): s.value for s in getattr(scores, name)(arrays)}


@pytest.mark.parametrize("name", NAMES)
def test_a_simulation_is_repeatable_and_its_arrays_can_be_kept(name):
    first, second = arrays_of(name), run(name)
    assert list(first) == list(second)
    for key, array in first.items():
        np.testing.assert_array_equal(array, second[key])
        assert array.flags["C_CONTIGUOUS"] and np.isfinite(array).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_simulation_has_its_scores_one_of_each(name):
    arrays = arrays_of(name)
    assert len(scored(name, arrays)) == len(getattr(scores, name)(arrays)) > 0


@few
@given(seed=st.integers(0, 1000))
def test_the_estimates_error_is_of_the_order_of_beta_and_of_its_square(seed):
    found = scored(
        "gradient_estimate", run("gradient_estimate", seed, betas=[0.01, 0.005], images=20)
    )
    for depth in (1, 2, 3):
        assert found["order", f"one-sided, {depth} hidden"] == pytest.approx(1, abs=0.1)
        assert found["order", f"symmetric, {depth} hidden"] == pytest.approx(2, abs=0.2)
    assert found["cosine", "lowest"] > 0.99


def test_an_estimate_of_twice_the_size_is_not_the_gradient(monkeypatch):
    whole = simulation.estimates.contrast
    monkeypatch.setattr(
        simulation.estimates,
        "contrast",
        lambda *a: {name: 2 * update for name, update in whole(*a).items()},
    )
    found = scored("gradient_estimate", run("gradient_estimate"))
    assert found["order", "one-sided, 2 hidden"] == pytest.approx(0, abs=0.1)
    assert found["norm_ratio", "W1, 2 hidden"] == pytest.approx(2, abs=0.01)


def test_the_energy_falls_by_the_squared_speed():
    found = scored("energy_descent", arrays_of("energy_descent"))
    for phase in ("free", "nudged"):
        assert found["order", phase] == pytest.approx(1, abs=0.1)
        assert found["largest_rise", phase] <= 1e-12


@few
@given(seed=st.integers(0, 1000))
def test_small_nudging_lowers_the_cost_by_the_implicit_derivative(seed):
    found = scored("nudged_cost", run("nudged_cost", seed))
    assert found["largest_derivative", ""] < 0
    assert found["relative_error", "derivative"] < 1e-4
    assert found["share", "falls"] == 1


def test_a_rising_cost_would_show():
    arrays = arrays_of("nudged_cost")
    arrays = arrays | {"cost": arrays["cost"][::-1], "derivative": -arrays["derivative"]}
    found = scored("nudged_cost", arrays)
    assert found["largest_derivative", ""] > 0
    assert found["relative_error", "derivative"] == pytest.approx(2, abs=1e-3)
    assert found["share", "falls"] < 0.05  # saturated outputs neither rise nor fall


def test_the_stdp_integral_is_the_contrast_by_the_midpoint_rule_alone():
    found = scored("stdp_integral", arrays_of("stdp_integral"))
    assert found["relative_error", "midpoint"] < 1e-12
    assert found["relative_error", "left, smallest step"] > 1e-6
    assert found["order", "left"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["recurrent_backpropagation", "backpropagation_through_time"])
def test_the_nudged_phase_is_back_propagation_step_by_step(name):
    found = scored(name, arrays_of(name))
    keys = [("relative_error", "worst step"), ("process_error", "largest")]
    (error,) = (found[key] for key in keys if key in found)
    assert error < 1e-3
    orders = [value for (metric, _), value in found.items() if metric == "order"]
    assert orders and orders == pytest.approx([1] * len(orders), abs=0.1)


def test_a_wrong_sign_of_the_updates_would_show(monkeypatch):
    right = along.updates_by_step
    monkeypatch.setattr(along, "updates_by_step", lambda x, path, beta: right(x, path, -beta))
    assert (
        scored("backpropagation_through_time", run("backpropagation_through_time"))[
            "process_error", "largest"
        ]
        > 1
    )


def test_weak_feedback_is_back_propagation():
    found = scored("feedback_gain", arrays_of("feedback_gain"))
    for k in range(1, 5):
        assert found["order", f"W{k}"] == pytest.approx(1, abs=0.1)
        assert found["cosine", f"W{k}"] > 0.999
        assert found["norm_ratio", f"W{k}"] == pytest.approx(1, abs=0.01)


def test_ever_harder_nudging_tends_to_clamped_outputs():
    found = scored("clamped_limit", arrays_of("clamped_limit"))
    assert found["order", "in 1 / beta"] == pytest.approx(1, abs=0.1)
    assert found["relative_error", "largest beta"] < 0.01


def test_the_contrastive_objective_is_negative_only_with_several_modes():
    arrays = arrays_of("clamped_limit")
    assert (arrays["objective"] > 0).all()
    assert (arrays["wild_objective"] < -0.1).any() and (arrays["wild_objective"] > 0.1).any()


def test_alternating_layers_takes_fewer_iterations_to_the_same_states():
    arrays = run("convergence", depths=[1, 3])
    assert (arrays["alternate"] < arrays["euler"] / 2).all()
    assert (np.diff(arrays["euler"]) > 0).all()
    assert (arrays["largest_difference"] < 1e-6).all()
    assert (arrays["largest_difference"] > 0).all(), "two solvers, not one run twice"


def test_near_a_slow_fixed_point_the_solvers_rates_differ_fourfold():
    """Linear rates 1 - (1 - r) / 2 and r^2 for a coupling of spectral radius r near 1."""
    slow = run("convergence", depths=[6], width=50, gains=[0.3, 0.35])
    assert slow["euler"][0] / slow["alternate"][0] == pytest.approx(4, abs=0.6)


def test_the_stochastic_estimate_nears_the_deterministic_one_as_the_temperature_falls():
    arrays = arrays_of("langevin")
    assert (np.diff(arrays["difference"][[0, 2, 4]]) < 0).all()
    assert arrays["difference"][-1] < 0.05
    assert (np.diff(arrays["standard_error"]) < 0).all()


def test_langevins_difference_and_standard_error_are_over_the_norm_of_the_estimate(monkeypatch):
    chains = torch.tensor([[[4.0, 4.0], [2.0, 4.0], [4.0, 6.0], [2.0, 6.0]]])  # mean (3, 5)
    exact = torch.tensor([3.0, 4.0])
    monkeypatch.setattr(
        simulation.stochastic, "stationary_estimates", lambda *a, **k: (chains, exact)
    )
    arrays = run("langevin", temperatures=[0.1], chains=4)
    assert arrays["difference"] == pytest.approx([1 / 5])
    assert arrays["standard_error"] == pytest.approx([((4 / 3 + 4 / 3) / 4) ** 0.5 / 5])


def test_four_times_the_chains_halve_the_monte_carlo_error():
    few_chains, more = (run("langevin", chains=n, steps=100)["standard_error"] for n in (50, 200))
    np.testing.assert_allclose(few_chains / more, 2, rtol=0.3)


@given(order=st.floats(0.3, 3), scale=st.floats(1e-3, 1e3))
@few
def test_the_order_is_that_of_a_planted_power(order, scale):
    x = np.array([0.5, 0.25, 0.125])
    assert scores.slope(x, scale * x**order) == pytest.approx(order, rel=1e-9)
