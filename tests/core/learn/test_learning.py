"""Back-propagation and the base rule against automatic differentiation, in float64."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    mse_loss,
    one_hot,
)

from replications.core.learn.learning import (
    EVALUATION_BATCH,
    NO_ANSWER,
    Backpropagation,
    Batch,
    ErrorFeedback,
    FeedForwardRule,
    LearningRule,
    OutputLayerAlone,
    answers,
    classification_monitor,
    errors,
    percent_wrong,
)
from replications.core.learn.networks import FeedForward, softmax_cross_entropy
from tests.feed_forward import build

DEPTHS = [(6, 3), (6, 5, 3), (6, 5, 4, 3), (6, 7, 5, 4, 4, 3)]
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


def make(layers, count=9, *, units="tanh", cost="softmax_cross_entropy"):
    """A float64 network with non-zero biases, and a batch that is no multiple of its classes."""
    generator = torch.Generator().manual_seed(11)
    network = FeedForward(
        layers=layers,
        initialisation="glorot_uniform",
        units=units,
        cost=cost,
        generator=generator,
        dtype=torch.float64,
    )
    for name, p in network.parameters.items():
        if name[0] == "b":
            p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype) / 3)
    inputs = torch.rand(count, layers[0], generator=generator, dtype=torch.float64)
    labels = torch.randint(layers[-1], (count,), generator=generator)
    batch = Batch(inputs, labels, one_hot(labels, layers[-1]).double(), slice(0, count))
    return network, batch


def naive_cost(parameters, depth, batch):
    """Mean cross-entropy written out, sharing no line with the network."""
    h = batch.inputs
    for i in range(1, depth + 1):
        h = h @ parameters[f"W{i}"] + parameters[f"b{i}"]
        h = h if i == depth else torch.tanh(h)
    of_label = h.gather(1, batch.labels[:, None])[:, 0]
    return (h.exp().sum(1).log() - of_label).mean()


# Costs and units from torch's own functions, by name.
COSTS = {
    "softmax_cross_entropy": cross_entropy,
    "sigmoid_cross_entropy": lambda z, t: (
        binary_cross_entropy_with_logits(z, t, reduction="none").sum(1).mean()
    ),
    "squared_error": lambda z, t: mse_loss(z, t, reduction="sum") / 2 / len(z),
    "sigmoid_squared_error": lambda z, t: mse_loss(z.sigmoid(), t, reduction="sum") / 2 / len(z),
}
UNITS = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu, "linear": lambda a: a}


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("cost", COSTS)
def test_backpropagation_is_autograds_gradient_for_all_units_and_costs(units, cost):
    network, batch = make((6, 5, 4, 3), units=units, cost=cost)
    leaves = {n: p.clone().requires_grad_() for n, p in network.parameters.items()}
    h = batch.inputs
    for i in (1, 2, 3):
        h = h @ leaves[f"W{i}"] + leaves[f"b{i}"]
        h = h if i == 3 else UNITS[units](h)
    expected = COSTS[cost](h, batch.targets)
    gradients = torch.autograd.grad(expected, list(leaves.values()))
    rule = Backpropagation(network=network, examples=9, generator=torch.Generator())
    updates, monitor = rule.updates(batch)
    torch.testing.assert_close(monitor["train_cost"], expected.detach(), **CLOSE)
    torch.testing.assert_close(network.cost(batch.inputs, batch.targets), expected, **CLOSE)
    for name, gradient in zip(leaves, gradients, strict=True):
        torch.testing.assert_close(updates[name], -gradient, **CLOSE)


def test_a_rule_of_error_feedback_has_to_name_its_feedback():
    network, batch = make((6, 5, 3))
    rule = ErrorFeedback(network=network, examples=9, generator=torch.Generator())
    with pytest.raises(NotImplementedError, match="ErrorFeedback does not say what feeds errors"):
        rule.updates(batch)


def naive_gradient(network, batch):
    """Its gradient by automatic differentiation, by parameter."""
    leaves = {n: p.clone().requires_grad_() for n, p in network.parameters.items()}
    gradients = torch.autograd.grad(naive_cost(leaves, network.depth, batch), leaves.values())
    return dict(zip(leaves, gradients, strict=True))


@pytest.mark.parametrize("layers", DEPTHS)
def test_backpropagation_is_minus_the_gradient(layers):
    network, batch = make(layers)
    rule = Backpropagation(network=network, examples=9, generator=torch.Generator())
    updates, _ = rule.updates(batch)
    expected = naive_gradient(network, batch)
    assert set(updates) == set(network.parameters)
    for name, gradient in expected.items():
        assert gradient.abs().max() > 1e-4  # nothing to compare otherwise
        torch.testing.assert_close(updates[name], -gradient, **CLOSE)


@pytest.mark.parametrize("layers", DEPTHS)
def test_gradient_of_the_base_rule_is_that_of_the_networks_cost(layers):
    network, batch = make(layers)
    before = {n: p.clone() for n, p in network.parameters.items()}
    rule = FeedForwardRule(network=network, examples=9, generator=torch.Generator())
    gradients = rule.gradient(batch)
    expected = naive_gradient(network, batch)
    assert list(gradients) == list(network.parameters)
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, **CLOSE)
        assert torch.equal(network.parameters[name], before[name])
        assert not network.parameters[name].requires_grad
        assert not gradients[name].requires_grad


def test_gradient_is_that_of_the_network_as_it_is_now_and_leaves_it_alone():
    network, batch = make((6, 5, 3))
    rule = FeedForwardRule(network=network, examples=9, generator=torch.Generator())
    network.parameters["W1"].mul_(2)
    before = dict(network.parameters)
    torch.testing.assert_close(
        rule.gradient(batch)["W1"], naive_gradient(network, batch)["W1"], **CLOSE
    )
    assert all(network.parameters[name] is p for name, p in before.items())
    assert not any(p.requires_grad for p in before.values())


def test_updates_change_no_parameter_and_no_input():
    network, batch = make((6, 5, 4, 3))
    inputs = batch.inputs.clone()
    before = {n: p.clone() for n, p in network.parameters.items()}
    rule = Backpropagation(network=network, examples=9, generator=torch.Generator())
    rule.updates(batch)
    assert torch.equal(batch.inputs, inputs)
    assert all(torch.equal(p, before[n]) for n, p in network.parameters.items())


def test_updates_are_means_over_the_batch():
    network, batch = make((6, 5, 3), count=8)
    rule = Backpropagation(network=network, examples=8, generator=torch.Generator())
    whole, _ = rule.updates(batch)
    halves = [
        rule.updates(Batch(batch.inputs[r], batch.labels[r], batch.targets[r], r))[0]
        for r in (slice(0, 4), slice(4, 8))
    ]
    for name, update in whole.items():
        torch.testing.assert_close(update, (halves[0][name] + halves[1][name]) / 2, **CLOSE)


def test_a_small_step_along_the_updates_lowers_the_cost_by_the_squared_norm():
    network, batch = make((6, 5, 4, 3))
    rule = Backpropagation(network=network, examples=9, generator=torch.Generator())
    updates, _ = rule.updates(batch)
    before = naive_cost(network.parameters, network.depth, batch)
    rate = 1e-6
    for name, update in updates.items():
        network.parameters[name].add_(update, alpha=rate)
    fall = before - naive_cost(network.parameters, network.depth, batch)
    squared_norm = sum(float(u.square().sum()) for u in updates.values())
    assert float(fall) / rate == pytest.approx(squared_norm, rel=1e-4)


def test_monitor_is_error_in_percent_and_cost_in_nats_by_hand():
    outputs = torch.tensor([[2.0, 1.0], [0.0, 3.0], [5.0, 1.0]], dtype=torch.float64)
    labels = torch.tensor([0, 0, 1])
    batch = Batch(outputs, labels, one_hot(labels, 2).double(), slice(0, 3))
    monitor = classification_monitor(
        outputs, softmax_cross_entropy(outputs, batch.targets)[0], batch
    )
    assert set(monitor) == {"train_error", "train_cost"}
    assert float(monitor["train_error"]) == pytest.approx(200 / 3)
    expected = [math.log1p(math.exp(-1)), math.log1p(math.exp(3)), math.log1p(math.exp(4))]
    assert float(monitor["train_cost"]) == pytest.approx(sum(expected) / 3)


@pytest.mark.parametrize("layers", DEPTHS)
def test_backpropagation_monitors_the_batch_before_the_update(layers):
    network, batch = make(layers)
    rule = Backpropagation(network=network, examples=9, generator=torch.Generator())
    _, monitor = rule.updates(batch)
    torch.testing.assert_close(
        monitor["train_cost"], naive_cost(network.parameters, network.depth, batch), **CLOSE
    )
    wrong = [
        int(scores.argmax()) != int(label)
        for scores, label in zip(rule.predict(batch.inputs), batch.labels, strict=True)
    ]
    assert sum(wrong) > 0  # or a constant zero would pass
    assert float(monitor["train_error"]) == pytest.approx(100 * sum(wrong) / 9)


def test_a_rule_sweeps_once_by_default_and_estimates_by_its_updates():
    network, batch = make((6, 5, 3))
    rule = Backpropagation(network=network, examples=9, generator=torch.Generator())
    assert rule.sweeps == (rule.updates,)
    assert rule.parameters == {} and rule.state == {}
    estimate, (updates, _) = rule.estimate(batch), rule.updates(batch)
    assert all(torch.equal(estimate[name], updates[name]) for name in updates)
    with pytest.raises(NotImplementedError):
        FeedForwardRule(network=network, examples=9, generator=torch.Generator()).updates(batch)


@given(st.lists(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=4, max_size=4), min_size=1))
def test_the_one_largest_output_answers_and_of_several_none(rows):
    found = answers(torch.tensor(rows)).tolist()
    for row, answer in zip(rows, found, strict=True):
        largest = [k for k, value in enumerate(row) if value == max(row)]
        assert answer == (largest[0] if len(largest) == 1 else NO_ANSWER)


def test_an_output_that_is_no_number_answers_nothing():
    outputs = torch.tensor([[0.0, math.nan, 1.0], [math.nan] * 3, [0.0, math.inf, 1.0]])
    assert answers(outputs).tolist() == [NO_ANSWER, NO_ANSWER, 1]


def test_a_network_whose_outputs_are_dead_is_always_wrong():
    assert float(percent_wrong(torch.zeros(10, 10), torch.arange(10))) == 100
    assert float(percent_wrong(torch.eye(10), torch.arange(10))) == 0


class Told(LearningRule):
    """Answers by its inputs themselves."""

    def predict(self, inputs):
        return inputs


def test_errors_count_wrong_and_undecided_over_all_batches_and_ties_by_numpys_argmax():
    rng = np.random.default_rng(3)
    outputs = rng.integers(0, 3, size=(2 * EVALUATION_BATCH + 7, 5)) / 2
    labels = rng.integers(0, 5, size=len(outputs))
    tied = np.array([(row == row.max()).sum() > 1 for row in outputs])
    first_wrong = outputs.argmax(1) != labels
    rule = Told(network=None, examples=1, generator=torch.Generator())
    found = errors(rule, torch.tensor(outputs), torch.tensor(labels), "test")
    assert found == {
        "test_error": pytest.approx(100 * (tied | first_wrong).mean()),
        "test_undecided": pytest.approx(100 * tied.mean()),
        "test_error_argmax": pytest.approx(100 * first_wrong.mean()),
    }
    assert 0 < found["test_undecided"] < found["test_error_argmax"] < found["test_error"] < 100


def test_where_the_output_layer_alone_learns_it_follows_the_gradient_and_the_rest_stands_still():
    ours, batch = build(OutputLayerAlone)
    whole, _ = build(Backpropagation)
    found, expected = ours.updates(batch)[0], whole.updates(batch)[0]
    assert {n for n, u in found.items() if u.any()} == {"W4", "b4"}
    for name in ("W4", "b4"):
        torch.testing.assert_close(found[name], expected[name])
    assert all(expected[name].any() for name in expected)
