"""Identities of learning rules, in float64, for every rule that claims them: none is listed here.

A rule claims them by what it is: one that feeds errors back by matrices B of its own is
back-propagation where those are the transposed weights; one whose targets have the difference
leaves activities alone where the output is right.
"""

from importlib import import_module

import pytest
import torch

from replications.core.declare.papers import suite
from replications.core.learn.learning import ErrorFeedback
from replications.lee2015.rule import DifferenceTargetPropagation
from tests.feed_forward import build


def rules_of(kind):
    """The rules of that kind by paper and name, each with its network's class and settings."""
    found = {}
    for paper in suite().papers.values():
        for e in paper.experiments("paper"):
            if e.kind == "learning_rule":
                rule, network = (getattr(import_module(m), n) for m, n in (e.science, e.network))
                if issubclass(rule, kind):
                    owner = e.science[0].split(".")[1]
                    found[f"{owner}-{rule.__name__}"] = rule, network, e.resolved["settings"]
    return found


ERRORS = rules_of(ErrorFeedback)
TARGETS = {name: parts for name, parts in rules_of(DifferenceTargetPropagation).items()
           if parts[0].target is DifferenceTargetPropagation.target}  # fmt: skip


def feedback_of(rule):
    """Its feedback matrices by name: those that it keeps, or those that it learns."""
    return {n: b for n, b in (rule.state | rule.parameters).items() if n.startswith("B")}


def made(name, **network):
    rule, kind, settings = ERRORS[name]
    return build(rule, kind, **network, **settings)


def with_feedback():
    """Rules that have such matrices, and units for which the identity holds."""
    for name in ERRORS:
        feedback = feedback_of(made(name)[0])
        # A direct rule knows no slopes of the layers between: it is exact in a linear network.
        yield from ((name, units) for units in ("linear", "tanh")
                    if feedback and not ("B1" in feedback and units == "tanh"))  # fmt: skip


@pytest.mark.parametrize(("name", "units"), [*with_feedback()])
def test_with_the_transposed_weights_a_rule_is_back_propagation(name, units):
    """Layer by layer; of a direct rule by the products of all layers above."""
    rule, batch = made(name, units=units)
    weights = {i: rule.network.parameters[f"W{i}"] for i in range(1, rule.network.depth + 1)}
    for w in weights.values():
        if not w.any():  # a rule may start from zero
            w.copy_(torch.randn(w.shape, generator=rule.generator, dtype=w.dtype))
    wanted = {f"B{i}": w.T for i, w in weights.items()}
    if "B1" in feedback_of(rule):  # from the output to layer i
        product = torch.eye(len(weights[rule.network.depth].T), dtype=torch.float64)
        for i in range(rule.network.depth, 1, -1):
            product = product @ weights[i].T
            wanted[f"B{i - 1}"] = product
    for feedback_name, feedback in feedback_of(rule).items():
        feedback.copy_(wanted[feedback_name])
    for signs in (s for n, s in rule.state.items() if n.startswith("S")):
        signs.fill_(1)  # those that feedback has in common with the weights: all
    with torch.enable_grad():
        gradient = rule.gradient(batch)
    updates = rule.updates(batch)[0]
    for parameter, slope in gradient.items():
        there = rule.state.get(parameter.replace("W", "M"), torch.ones_like(slope))  # of synapses
        expected = -slope * there
        torch.testing.assert_close(updates[parameter], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", TARGETS)
def test_where_the_output_is_right_every_target_is_the_activity(name):
    rule, network, settings = TARGETS[name]
    ours, batch = build(rule, network, **settings)
    activities = ours.passed(batch.inputs)[1]
    for i, target in ours.targets(activities, activities[-1].softmax(1)).items():
        torch.testing.assert_close(target, activities[i], rtol=1e-12, atol=1e-14)
