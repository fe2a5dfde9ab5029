"""Perturbation of a linear perceptron: one step against derived moments, curves, and REINFORCE."""

import numpy as np
import pytest
import torch

from replications.werfel2005 import scores
from replications.werfel2005.simulation import (
    RULES,
    learning_curves,
    learnt,
    rates,
    recursion,
    reinforce,
    small_rates,
    speeds,
    stepped,
    widths,
)

SIZE = {"outputs": 3, "inputs": 4, "sigma": 0.3}
PERTURBING = RULES[1:]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def given(networks, seed=0):
    g = seeded(seed)
    w, x = (torch.randn(networks, *shape, generator=g, dtype=torch.float64)
            for shape in ((3, 4), (4,)))  # fmt: skip
    return w, x, g


def terms(rule, sigma, two_sided):
    """What one step adds to |w|^2 / 2, of the first and of the second order in its rate.

    Over 400,000 networks, by their errors after steps of the rates 1 and -1 with the same draws.
    """
    size = {"outputs": 3, "inputs": 4, "sigma": sigma}
    ends = [
        learnt(rule, **size, rate=rate, two_sided=two_sided, networks=400_000, steps=1,
               generator=seeded(1))[1]
        for rate in (1.0, -1.0)
    ]  # fmt: skip
    start = 3.0  # of every network
    return (ends[0] - ends[1]) / 2, (ends[0] + ends[1]) / 2 - start


@pytest.mark.parametrize("rule", RULES)
def test_a_step_changes_the_mean_square_as_derived(rule):
    theory = recursion(rule, outputs=3, inputs=4, sigma=2.0, two_sided=False)
    start = 3.0
    first, second = terms(rule, 2.0, two_sided=True)
    assert -first / start == pytest.approx(theory.drift, rel=0.03)
    assert second / start == pytest.approx(theory.spread, rel=0.05)
    first, both = terms(rule, 2.0, two_sided=False)
    assert -first / start == pytest.approx(theory.drift, rel=0.06)
    assert 2 * (both - second) == pytest.approx(theory.noise, rel=0.08, abs=1e-9)
    assert recursion(rule, outputs=3, inputs=4, sigma=2.0, two_sided=True).noise == 0


def test_the_gradient_is_that_of_the_squared_error():
    w, x, g = given(5)
    leaf = w.clone().requires_grad_()
    cost = (leaf @ x[:, :, None]).square().sum() / 2
    (gradient,) = torch.autograd.grad(cost, leaf)
    after = stepped(w, x, "gradient", rate=0.1, sigma=0.3, two_sided=False, generator=g)
    torch.testing.assert_close(after, w - 0.1 * gradient)


@pytest.mark.parametrize("rule", PERTURBING)
def test_perturbation_steps_along_the_gradient_on_average(rule):
    """Over 400,000 perturbations of one network and input, within 5 standard errors.

    Of sequential perturbation the mean is that over all nodes, or weights: a part of it.
    """
    w, x, g = (t[:1] if isinstance(t, torch.Tensor) else t for t in given(1, seed=3))
    many = 400_000
    ws, xs = w.expand(many, -1, -1), x.expand(many, -1)
    after = stepped(ws, xs, rule, rate=1.0, sigma=0.1, two_sided=True, generator=g)
    change = after - ws
    gradient = stepped(w, x, "gradient", rate=1.0, sigma=0.1, two_sided=True, generator=g) - w
    parts = {"node, sequential": 3, "weight, sequential": 12}.get(rule, 1)
    spread = change.std(0) / many**0.5
    assert ((change.mean(0) - gradient[0] / parts).abs() <= 5 * spread).all()


@pytest.mark.parametrize("rule", ["node, sequential", "weight, sequential"])
def test_sequential_perturbation_moves_one_node_or_weight(rule):
    w, x, g = given(200)
    after = stepped(w, x, rule, rate=0.1, sigma=0.3, two_sided=False, generator=g)
    moved = (after != w).sum((1, 2))
    assert (moved == (4 if rule.startswith("node") else 1)).all()
    rows = (after != w).any(2).sum(1)
    assert (rows == 1).all()
    assert len((after != w).any(2).double().argmax(1).unique()) == 3  # every node has its turn


@pytest.mark.parametrize("rule", RULES)
def test_the_best_rate_the_bound_and_the_floor_are_those_of_the_recursion(rule):
    theory = recursion(rule, **SIZE, two_sided=False)
    nearby = [theory.factor(theory.best * share) for share in (0.99, 1.0, 1.01)]
    assert nearby[1] == min(nearby)
    assert theory.factor(theory.bound) == pytest.approx(1)
    rate = theory.best
    end = theory.floor(rate)
    fixed = end * theory.factor(rate) + theory.noise * rate**2 / 2
    assert fixed == pytest.approx(end, abs=1e-15)
    steps = np.arange(5)
    value, by_hand = 2.0, []
    for _ in steps:
        by_hand.append(value)
        value = value * theory.factor(rate) + theory.noise * rate**2 / 2
    np.testing.assert_allclose(theory.curve(2.0, rate, steps), by_hand)
    assert recursion(rule, **SIZE, two_sided=True).floor(rate) == 0


def test_ratios_of_best_speeds_are_the_printed_ones():
    """M + 2, and (MN + 2) / (M + 2), and three times D / (D + 2), where steps are many."""
    size = {"outputs": 40, "inputs": 50, "sigma": 0.1, "two_sided": True}
    decay = {r: -np.log((t := recursion(r, **size)).factor(t.best)) for r in RULES}
    for slower, faster, ratio in (
        ("node", "gradient", 42), ("weight", "node", 2002 / 42),
        ("node, sequential", "node", 3 * 40 / 42),
        ("weight, sequential", "weight", 3 * 2000 / 2002),
    ):  # fmt: skip
        assert decay[faster] / decay[slower] == pytest.approx(ratio, rel=0.02)


def test_every_network_starts_with_the_same_error_in_its_own_direction():
    errors = learnt("gradient", **SIZE, rate=0.0, two_sided=True, networks=50, steps=3,
                    generator=seeded())  # fmt: skip
    np.testing.assert_allclose(errors, 3.0)


def test_reinforce_is_without_bias_and_nearer_with_more_samples():
    found = reinforce(generator=seeded(), hidden=4, inputs=3, samples=[1, 30, 1000], repeats=30)
    for baseline in ("no baseline", "mean reward"):
        assert found[f"exact, {baseline}"] < 1e-12
        assert np.all(np.diff(found[baseline]) > 0) and found[baseline][-1] > 0.9


def test_scores_are_of_the_arrays():
    g = seeded(2)
    curves = learning_curves(generator=g, outputs=2, inputs=3, sigma=0.1, lifetimes=1, networks=5)
    curves["node, measured"] = curves["node, derived"] * 1.25
    of_node = {s.part: s.value for s in scores.learning_curves(curves)}
    assert of_node["node"] == pytest.approx(25) and set(of_node) == set(RULES)

    ratios = speeds(generator=g, sizes=[[2, 3]], sigma=0.1, lifetimes=1, networks=4)
    ratios["node, measured"], ratios["gradient, measured"] = np.array([0.1]), np.array([0.4])
    found = {(s.metric, s.part): s.value for s in scores.speeds(ratios)}
    assert found["slowdown", "node to gradient, 2 × 3"] == pytest.approx(4)

    decays = widths(generator=g, outputs=[2, 6, 14], inputs=3, sigma=0.1, lifetimes=1, networks=4)
    decays["node, measured"] = 0.5 / np.array([4.0, 8.0, 16.0])  # outputs + 2
    decays["weight, measured"] = 3.0 / np.array([8.0, 20.0, 44.0]) ** 2  # weights + 2
    found = {(s.metric, s.part): s.value for s in scores.widths(decays)}
    assert found["slope", "node"] == pytest.approx(-1)
    assert found["slope", "weight"] == pytest.approx(-2)
    for rule, slope in (("gradient", 0.0), ("node", -1.0), ("weight", -1.0)):
        assert found["slope_derived", rule] == pytest.approx(slope, abs=0.02)

    growth = rates(generator=g, outputs=2, inputs=3, sigma=0.1, shares=[0.5, 1.1], lifetimes=1,
                   networks=4)  # fmt: skip
    growth["weight, measured"] = np.array([0.5, 6.0])
    found = {s.part: s.value for s in scores.rates(growth)}
    assert found["weight, 110% of the bound"] == pytest.approx(3)  # it starts at 2

    alike = small_rates(generator=g, outputs=2, inputs=3, sigma=0.1, share=0.1, lifetimes=0.3,
                        networks=4)  # fmt: skip
    alike["node"] = alike["gradient"] * np.linspace(1, 0.9, len(alike["gradient"]))
    found = {s.part: s.value for s in scores.small_rates(alike)}
    assert found["node"] == pytest.approx(10)
