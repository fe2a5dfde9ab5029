"""GeneRec's four rules in their printed form, gradients by autograd, and learning in parallel."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy

from replications.oreilly1996 import scores, simulation
from replications.oreilly1996.simulation import (
    GENEREC,
    GRADIENTS,
    RULES,
    Networks,
    answers,
    approximation,
    drawn,
    learning,
    updates,
)
from replications.oreilly1996.tasks import TASKS

LAYERS, STEPS = (3, 5, 4, 2), 400


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def made():
    """Three networks whose feedback is not symmetric, and a batch of four patterns."""
    generator = seeded()
    networks = drawn(LAYERS, 1.5, 3, generator)
    for v in networks.feedback:
        v += torch.randn(v.shape, generator=generator, dtype=v.dtype)
    inputs = torch.rand(3, 4, 3, generator=generator, dtype=torch.float64)
    targets = torch.randint(2, (3, 4, 2), generator=generator).double()
    return networks, inputs, targets


def printed_rest(networks, inputs, states, r):
    """sigma(what layer k sums) of network r, layer by layer."""
    found, below = [], inputs[r]
    for k, x in enumerate(states):
        total = below @ networks.weights[k][r] + networks.biases[k][r]
        if k + 1 < len(states):
            total = total + states[k + 1][r] @ networks.feedback[k][r]
        found.append(total.sigmoid())
        below = x[r]
    return found


def test_phases_end_at_rest(made):
    networks, inputs, targets = made
    free, clamped = networks.phases(inputs, targets, STEPS)
    assert torch.equal(clamped[-1], targets)
    for r in range(3):
        rest = printed_rest(networks, inputs, free, r)
        for x, expected in zip(free, rest, strict=True):
            torch.testing.assert_close(x[r], expected, rtol=0, atol=1e-9)
        rest = printed_rest(networks, inputs, clamped, r)[:-1]
        for x, expected in zip(clamped[:-1], rest, strict=True):
            torch.testing.assert_close(x[r], expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(answers(networks, "GeneRec", inputs, STEPS), free[-1])


PRINTED = {  # of a connection from s to r, by the activities of both phases
    "GeneRec": lambda s, sp, r, rp: s * (rp - r),
    "midpoint": lambda s, sp, r, rp: (s + sp) / 2 * (rp - r),
    "symmetric": lambda s, sp, r, rp: s * (rp - r) + r * (sp - s),
    "contrastive Hebbian": lambda s, sp, r, rp: sp * rp - s * r,
}


@pytest.mark.parametrize("rule", GENEREC)
def test_a_connection_changes_as_printed(made, rule):
    networks, inputs, targets = made
    free, clamped = networks.phases(inputs, targets, STEPS)
    found = updates(networks, rule, inputs, targets, STEPS)
    minus, plus = [inputs, *free], [inputs, *clamped]
    for k in range(1, len(LAYERS)):
        for n in range(3):
            for i in range(LAYERS[k - 1]):
                for j in range(LAYERS[k]):
                    sender = minus[k - 1][n, :, i], plus[k - 1][n, :, i]
                    receiver = minus[k][n, :, j], plus[k][n, :, j]
                    expected = PRINTED[rule](*sender, *receiver).mean()
                    assert found.weights[k - 1][n, i, j] == pytest.approx(float(expected))
                    if k > 1:
                        expected = PRINTED[rule](*receiver, *sender).mean()
                        assert found.feedback[k - 2][n, j, i] == pytest.approx(float(expected))
        expected = (plus[k] - minus[k]).mean(1, keepdim=True)
        torch.testing.assert_close(found.biases[k - 1], expected)


@pytest.mark.parametrize("rule", GRADIENTS)
def test_gradients_are_those_of_the_cross_entropy(made, rule):
    """By autograd through all the steps of settling, which is the gradient at rest."""
    networks, inputs, targets = made
    if rule == "back-propagation":
        networks = Networks(networks.weights, networks.biases, [])
    found = updates(networks, rule, inputs, targets, 400)
    for parameter in networks.parameters:
        parameter.requires_grad_()
    outputs = answers(networks, rule, inputs, 400)
    cost = binary_cross_entropy(outputs, targets, reduction="sum") / inputs.shape[1]
    gradients = torch.autograd.grad(cost, networks.parameters)
    for ours, gradient in zip(found.parameters, gradients, strict=True):
        torch.testing.assert_close(ours, -gradient, rtol=1e-7, atol=1e-9)


def test_weights_stay_symmetric_by_the_symmetric_rules_alone():
    networks = drawn(LAYERS, 1.0, 2, seeded())
    inputs, targets = torch.rand(2, 4, 3).double(), torch.ones(2, 4, 2).double()
    for rule, (_, symmetric) in GENEREC.items():
        changes = updates(networks, rule, inputs, targets, STEPS)
        same = [torch.equal(w.mT, v)
                for w, v in zip(changes.weights[1:], changes.feedback, strict=True)]  # fmt: skip
        assert all(same) if symmetric else not any(same)


def test_generec_tends_to_the_recurrent_gradient_as_weights_get_small():
    """The loop through the outputs, which clamping cuts, is of second order in the weights."""
    found = approximation(generator=seeded(), layers=LAYERS, gains=[0.02, 0.2], steps=STEPS,
                          networks=20)  # fmt: skip
    for rule in ("GeneRec", "symmetric"):
        small, large = found[rule].mean(1)
        assert 0 < small < 0.02 < large < 5
    assert found["midpoint"].mean(1)[0] > 0.1  # senders have other activities, however small


SMALL = {"task": "xor", "hidden": [3], "gain": 0.5, "steps": 30, "batch": 1}


@pytest.fixture(scope="module")
def learned():
    return learning(generator=seeded(), rates=[0.0, 2.0], networks=8, epochs=150, **SMALL)


def test_nothing_is_learned_at_rate_zero_and_much_at_two(learned):
    for rule in RULES:
        assert np.isinf(learned[f"{rule}, epochs"][0]).all()
    assert (learned["contrastive Hebbian, right"][1] == 1).mean() > 0.8
    assert (learned["recurrent back-propagation, right"][1] == 1).mean() > 0.5
    for rule in RULES:
        reached = np.isfinite(learned[f"{rule}, epochs"])
        assert (learned[f"{rule}, right"][reached] == 1).all()
        assert (learned[f"{rule}, right"][~reached] < 1).all()


def test_networks_and_rates_side_by_side_are_as_each_alone(learned):
    """One network at one rate, in a plain loop over epochs and patterns, ends as in the crowd."""
    generator = seeded()
    networks, patterns = drawn((2, 3, 1), 0.5, 8, generator), TASKS["xor"](3)
    epochs = learned["contrastive Hebbian, epochs"][1]
    n = int(np.flatnonzero(np.isfinite(epochs))[-1])
    alone = networks.chosen(torch.tensor([n]))
    passed = 0
    while True:
        outputs = answers(alone, "contrastive Hebbian", patterns.inputs[None], 30)
        if passed == 150 or ((outputs[0] > 0.5) == (patterns.targets > 0.5)).all():
            break
        passed += 1
        for p in torch.rand(8, 4, generator=generator).argsort(1)[n]:
            changes = updates(alone, "contrastive Hebbian", patterns.inputs[None, [p]],
                              patterns.targets[None, [p]], 30)  # fmt: skip
            for parameter, change in zip(alone.parameters, changes.parameters, strict=True):
                parameter += 2.0 * change
    assert passed == epochs[n] > 10


def test_a_unit_never_gets_a_weight_from_an_input_that_it_does_not_see(monkeypatch):
    first_weights, unseen = [], TASKS["family_trees"](6).seen == 0

    def recorded(networks, *arguments):
        first_weights.append(networks.weights[0].clone())
        return updates(networks, *arguments)

    monkeypatch.setattr(simulation, "updates", recorded)
    learning(generator=seeded(), task="family_trees", hidden=[6, 4], gain=0.5, steps=5,
             batch=52, rates=[0.5], networks=2, epochs=2)  # fmt: skip
    assert len(first_weights) == 4 * len(RULES)
    for weights in first_weights:
        assert (weights[:, unseen] == 0).all() and (weights[:, ~unseen] != 0).all()


def test_scores_are_of_networks_that_did_not_choose_the_rate():
    epochs = np.array([[5.0, 7, 90, np.inf], [20, 20, 1, 1]])
    arrays = {"rates": np.array([0.1, 1.0]), "epochs": np.array([100])}
    for rule in RULES:
        arrays |= {f"{rule}, epochs": epochs, f"{rule}, right": np.isfinite(epochs) / 2}
    found = {s.metric: s.value for s in scores.learning(arrays) if s.part == "GeneRec"}
    assert found == {"epochs_to_criterion": 100, "reached": 50, "patterns_right": 25,
                     "rate_chosen": 0.1}  # fmt: skip


def test_the_median_is_the_limit_where_most_do_not_reach_the_criterion():
    epochs = np.array([[3.0, 3, np.inf, np.inf]])
    arrays = {"rates": np.array([0.1]), "epochs": np.array([50])}
    for rule in RULES:
        arrays |= {f"{rule}, epochs": epochs, f"{rule}, right": np.ones((1, 4))}
    found = {s.metric: s.value for s in scores.learning(arrays) if s.part == "midpoint"}
    assert found["epochs_to_criterion"] == 50 and found["reached"] == 0


def test_of_rates_that_reach_it_in_no_network_the_one_with_most_patterns_right_is_chosen():
    arrays = {"rates": np.array([0.1, 1.0, 2.0]), "epochs": np.array([50])}
    right = np.array([[0.2, 0.2, 0.9, 0.9], [0.5, 0.5, 0.1, 0.1], [0.3, 0.3, 0.3, 0.3]])
    arrays |= {"GeneRec, epochs": np.full((3, 4), np.inf), "GeneRec, right": right}
    assert scores.chosen(arrays, "GeneRec") == (1, slice(2, None))
