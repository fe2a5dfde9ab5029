"""GeneRec as a rule: the simulation's update for one network, and back-propagation in its limit."""

import pytest
import torch

from replications.oreilly1996.rule import GeneRec
from replications.oreilly1996.simulation import Networks, updates
from tests.feed_forward import build

SETTLED = {"gamma": 1.0, "steps": 400, "step_size": 0.5}


def made(**changed):
    return build(GeneRec, layers=(5, 8, 7, 3), units="sigmoid", cost="sigmoid_cross_entropy",
                 **(SETTLED | changed))  # fmt: skip


def test_it_is_the_simulations_plain_rule():
    """Which has weights back of its own: here the transposed ones."""
    rule, batch = made()
    p = rule.network.parameters
    alone = Networks([p[f"W{k}"][None] for k in (1, 2, 3)],
                     [p[f"b{k}"][None, None] for k in (1, 2, 3)],
                     [p[f"W{k}"].T[None] for k in (2, 3)])  # fmt: skip
    expected = updates(alone, "GeneRec", batch.inputs[None], batch.targets[None], 400)
    found = rule.updates(batch)[0]
    for k in (1, 2, 3):
        torch.testing.assert_close(found[f"W{k}"], expected.weights[k - 1][0])
        torch.testing.assert_close(found[f"b{k}"], expected.biases[k - 1][0, 0])


@pytest.mark.parametrize("units", ["sigmoid", "tanh"])
def test_with_weak_feedback_it_is_back_propagation(units):
    """To the order of gamma: ten times weaker, ten times nearer."""
    distances = []
    for gamma in (1e-2, 1e-3):
        rule, batch = build(GeneRec, layers=(5, 8, 7, 3), units=units, cost="sigmoid_cross_entropy",
                            **(SETTLED | {"gamma": gamma}))  # fmt: skip
        with torch.enable_grad():
            gradient = rule.gradient(batch)
        found = rule.updates(batch)[0]
        distances.append(max(float((found[n] + g).norm() / g.norm()) for n, g in gradient.items()))
    assert distances[0] < 0.05
    assert distances[1] == pytest.approx(distances[0] / 10, rel=0.1)


def test_where_the_answer_is_the_target_nothing_changes():
    rule, batch = made()
    free = rule.phases(batch)[1]
    at_rest = type(batch)(batch.inputs, batch.labels, free[-1], batch.rows)
    assert all(float(u.abs().max()) < 1e-9 for u in rule.updates(at_rest)[0].values())
