"""The linear and the nonlinear tasks and the theory, against derivatives and closed forms."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from replications.lillicrap2016 import simulation
from replications.lillicrap2016.simulation import (
    RULES,
    Linear,
    Stack,
    angles,
    conservation,
    directions,
    flow,
    initial_scales,
    linear_task,
    nonlinear_task,
    quantity,
    three_neurons,
)

LAYERS = (6, 5, 3)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def net(seed=0, weights=0.7):
    g = seeded(seed)
    draw = simulation.uniform
    A, W = draw(weights, 5, 6, generator=g), draw(weights, 3, 5, generator=g)
    return Linear(A, W, draw(0.5, 5, 3, generator=g)), draw(1.0, 3, 6, generator=g), g


def test_back_propagation_is_minus_the_gradient_of_half_the_squared_error():
    model, T, g = net()
    x = torch.randn(6, generator=g, dtype=torch.float64)
    A, W = model.A.clone().requires_grad_(), model.W.clone().requires_grad_()
    loss = (T @ x - W @ A @ x).square().sum() / 2
    dA, dW = torch.autograd.grad(loss, (A, W))
    before = model.A.clone(), model.W.clone()
    model.step(x, T @ x, "back-propagation", 0.1, None)
    torch.testing.assert_close(model.A, before[0] - 0.1 * dA)
    torch.testing.assert_close(model.W, before[1] - 0.1 * dW)


def test_the_rules_differ_in_what_the_hidden_layer_gets():
    x = torch.randn(6, generator=seeded(5), dtype=torch.float64)
    for rule in ("feedback alignment", "output layer alone"):
        model, T, _ = net()
        before, e = model.A.clone(), T @ x - model.W @ model.A @ x
        model.step(x, T @ x, rule, 0.1, None)
        hidden = model.B @ e if rule == "feedback alignment" else torch.zeros(5).double()
        torch.testing.assert_close(model.A - before, 0.1 * torch.outer(hidden, x))


def test_node_perturbation_is_the_gradient_on_average():
    """Over 40,000 draws of noise; each component within five standard errors."""
    model, T, g = net()
    x = torch.randn(6, generator=g, dtype=torch.float64)
    y = T @ x
    expected = model.W.T @ (y - model.W @ model.A @ x)
    found = []
    for _ in range(40_000):
        noise = 1e-4 * torch.randn(5, generator=g, dtype=torch.float64)
        twin = Linear(model.A.clone(), model.W.clone(), model.B)
        twin.step(x, y, "node perturbation", 1.0, noise)
        found.append((twin.A - model.A) @ x / x.square().sum())
    found = torch.stack(found)
    # The mean over noise of noise noise' / mean(noise²) is not quite I for 5 units, but along it.
    mean, error = found.mean(0), found.std(0) / len(found) ** 0.5
    scale = (mean @ expected) / expected.square().sum()
    assert float(scale) == pytest.approx(1, abs=0.02)
    assert ((mean - scale * expected).abs() < 5 * error).all()


def test_the_error_is_exact_for_normal_inputs():
    model, T, g = net()
    x = torch.randn(200_000, 6, generator=g, dtype=torch.float64)
    off = (x @ (T - model.W @ model.A).T).square().sum() / (x @ T.T).square().sum()
    assert float(model.error(T)) == pytest.approx(float(off), rel=0.02)


def test_angles_are_to_the_transpose_and_to_the_pseudo_inverse():
    model, T, g = net()
    x = torch.randn(4, 6, generator=g, dtype=torch.float64)
    model.B = model.W.T.clone()
    assert directions(model, T, x)["angle, back-propagation"].max() < 1e-5
    model.B = torch.linalg.pinv(model.W)
    assert directions(model, T, x)["angle, pseudo-backprop"].max() < 1e-5
    a = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert angles(a, torch.tensor([[0.0, 2.0], [-3.0, 0.0]])).tolist() == pytest.approx([90, 180])


def test_what_is_conserved_has_no_derivative_along_the_flow():
    """d/dt (B W + W'B' - A A') = 0, by a directional derivative."""
    model, T, _ = net()
    dA, dW = flow(model.A, model.W, model.B, T)
    _, moved = torch.autograd.functional.jvp(
        lambda A, W: quantity(A, W, model.B), (model.A, model.W), (dA, dW)
    )
    assert float(moved.abs().max()) < 1e-14
    # By back-propagation it is another one: W'W - A A'.
    dA = model.W.T @ (T - model.W @ model.A)
    _, moved = torch.autograd.functional.jvp(
        lambda A, W: quantity(A, W, model.B), (model.A, model.W), (dA, dW)
    )
    assert float(moved.abs().max()) > 0.1


def test_the_flow_keeps_it_and_from_zero_ends_without_error():
    found = conservation(generator=seeded(), layers=(8, 6, 3), weights=0.1, duration=30.0,
                         steps=3000)  # fmt: skip
    assert found["random, drift"].max() < 1e-8 and found["zero, drift"].max() < 1e-8
    assert found["zero, error"][-1] < 1e-10  # Theorem 1
    assert len(found["random, times"]) == 3000 and found["random, times"][-1] == pytest.approx(30)
    coarse = conservation(generator=seeded(), layers=(8, 6, 3), weights=0.1, duration=30.0,
                          steps=1500)  # fmt: skip
    ratio = coarse["random, drift"][-1] / found["random, drift"][-1]
    assert 10 < ratio < 40  # a method of order 4: at half the step it is about 16 times nearer


def test_after_one_example_from_zero_it_is_a_positive_multiple_of_pseudo_backprop():
    """Theorem 2: W = A = 0, the same x again and again; B e is (B y)'(B y) > 0 times W⁺ e."""
    model, T, g = net()
    x, y = torch.randn(6, generator=g, dtype=torch.float64), None
    y = T @ x
    model.A.zero_()
    model.W.zero_()
    for _ in range(5):
        model.step(x, y, "feedback alignment", 0.02, None)
    e = y - model.W @ model.A @ x
    ours, pseudo = model.B @ e, torch.linalg.pinv(model.W) @ e
    assert float(angles(ours, pseudo)) < 1e-4
    assert float(ours @ pseudo) > 0


def test_the_linear_task_is_what_its_steps_do():
    given = {"layers": LAYERS, "weights": 0.05, "feedback": 0.5, "noise": 0.01, "every": 4}
    rates = dict(zip(RULES, (0.02, 0.03, 0.05, 0.001), strict=True))
    found = linear_task(generator=seeded(3), rates=rates, shown=12, **given)
    g = seeded(3)
    T, A, W, B = (simulation.uniform(b, *s, generator=g) for b, s in
                  ((1.0, (3, 6)), (0.05, (5, 6)), (0.05, (3, 5)), (0.5, (5, 3))))  # fmt: skip
    model, errors = Linear(A.clone(), W.clone(), B), []
    for k in range(12):
        if k % 4 == 0:
            errors.append(float(model.error(T)))
        x = torch.randn(6, generator=g, dtype=torch.float64)
        torch.randn(5, generator=g, dtype=torch.float64)
        model.step(x, T @ x, "feedback alignment", 0.03, None)
    errors.append(float(model.error(T)))
    assert found["examples"].tolist() == [0, 4, 8, 12]
    assert found["feedback alignment"].tolist() == pytest.approx(errors)
    assert len(found["angle, back-propagation"]) == 3
    assert all(found[rule][0] == errors[0] for rule in RULES)


def test_small_initial_weights_are_nearer_to_pseudo_backprop():
    found = initial_scales(generator=seeded(1), layers=(30, 20, 10), scales=[0.001, 0.25],
                           feedback=0.5, rate=1e-3, shown=2000)  # fmt: skip
    small, large = found["angle, pseudo-backprop"]
    assert small < found["angle, back-propagation"][0]
    assert small < large


def test_a_stack_learns_by_the_gradient_each_network_its_own():
    stack = Stack.random([[4, 5, 6, 2]] * 3, 0.6, 0.5, 0.3, seeded(4))
    g = seeded(5)
    x, y = (torch.randn(3, 7, n, generator=g, dtype=torch.float64) for n in (4, 2))
    before = [t.clone() for t in (*stack.weights, *stack.biases)]
    leaves = [t.clone().requires_grad_() for t in before]
    h = x
    for i in range(3):
        h = h @ leaves[i] + leaves[3 + i]
        h = h if i == 2 else h.tanh()
    gradients = torch.autograd.grad((y - h).square().sum() / 2, leaves)
    stack.step(x, y, "back-propagation", 0.1)
    for after, start, gradient in zip(
        (*stack.weights, *stack.biases), before, gradients, strict=True
    ):
        torch.testing.assert_close(after, start - 0.1 * gradient)


def test_a_stacks_feedback_alignment_has_fixed_weights_in_place_of_the_transpose():
    stack = Stack.random([[4, 5, 6, 2]] * 3, 0.6, 0.5, 0.3, seeded(4))
    twin = Stack.random([[4, 5, 6, 2]] * 3, 0.6, 0.5, 0.3, seeded(4))
    twin.feedback = [w.mT.clone() for w in twin.weights[1:]]
    g = seeded(5)
    x, y = (torch.randn(3, 1, n, generator=g, dtype=torch.float64) for n in (4, 2))
    other = Stack.random([[4, 5, 6, 2]] * 3, 0.6, 0.5, 0.3, seeded(4))
    other.step(x, y, "back-propagation", 0.1)
    twin.step(x, y, "feedback alignment", 0.1)
    stack.step(x, y, "feedback alignment", 0.1)
    for ours, theirs in zip(twin.weights, other.weights, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert not torch.allclose(stack.weights[0], other.weights[0])
    torch.testing.assert_close(stack.weights[2], other.weights[2])


def test_the_nonlinear_task_gives_both_rules_the_same_start_and_examples():
    given = {
        "teacher": [6, 5, 4, 3], "teacher_weights": 1.0, "weights": 0.3, "feedback": 0.3,
        "students": {"3 layers": [6, 5, 3], "4 layers": [6, 5, 4, 3]}, "networks": 2,
        "tested": 50, "every": 5, "shown": 10,
        "rates": {"back-propagation": 0.05, "feedback alignment": 0.05},
    }  # fmt: skip
    found = nonlinear_task(generator=seeded(2), **given)
    assert found["examples"].tolist() == [0, 5, 10]
    for student in given["students"]:
        bp, fa = (found[f"{student}, {rule}"] for rule in given["rates"])
        assert bp.shape == fa.shape == (3, 2)
        assert np.array_equal(bp[0], fa[0]) and not np.array_equal(bp[1], fa[1])
    again = nonlinear_task(generator=seeded(2), **given)
    assert all(np.array_equal(found[name], again[name]) for name in found)


def test_three_neurons_end_on_the_hyperbola_or_keep_their_parabola():
    found = three_neurons(generator=seeded(), side=5, duration=40.0, steps=4000)
    paths, kept = found["paths"], found["quantity"]
    assert paths.shape == (51, 25, 2) and np.abs(kept - kept[0]).max() < 1e-6
    starts, ends = paths[0], paths[-1]
    assert {tuple(s) for s in starts} == set(product((-2, -1, 0, 1, 2), repeat=2))
    solved = np.abs(ends.prod(axis=1) - 1) < 1e-3
    assert solved.mean() > 0.9
    # Where a path ends: w0 w1 = 1 and 2 w1 - w0² = c, a cubic in w0, whose stable root has w1 > 0.
    for start, end in zip(starts[solved], ends[solved], strict=True):
        c = 2 * start[1] - start[0] ** 2
        roots = np.roots([1, 0, c, -2])
        assert min(abs(roots - end[0])) < 1e-3
    assert math.isclose(paths[-1][12][0] * paths[-1][12][1], 1, abs_tol=1e-6)  # from (0, 0)
