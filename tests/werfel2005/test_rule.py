"""Rules that try noise: their mean is the gradient's descent, and how far one try is from it."""

import pytest
import torch

from replications.werfel2005.rule import NodePerturbation, Reinforce, WeightPerturbation, costs
from tests.feed_forward import EXAMPLES, build

RULES = (NodePerturbation, Reinforce, WeightPerturbation)


def gradient(rule, batch):
    with torch.enable_grad():
        return rule.gradient(batch)


def flat(updates):
    return torch.cat([u.flatten() for u in updates.values()])


@pytest.mark.parametrize("cost", ["softmax_cross_entropy", "sigmoid_cross_entropy"])
def test_the_costs_of_images_are_those_of_batches_of_one(cost):
    rule, batch = build(NodePerturbation, cost=cost, sigma=0.1)
    z = rule.network.outputs(batch.inputs)
    found = costs(rule.network, z, batch.targets)
    alone = [rule.network.top_cost(z[b : b + 1], batch.targets[b : b + 1])[0] for b in range(6)]
    torch.testing.assert_close(found, torch.stack(alone))
    torch.testing.assert_close(found.mean(), rule.network.top_cost(z, batch.targets)[0])


@pytest.mark.parametrize("kind", RULES)
def test_the_mean_of_many_tries_is_the_gradients_descent(kind):
    """In a small network; of REINFORCE less the share 1 / B of its baseline.

    All images are the same, since REINFORCE also counts by how much their costs differ.
    """
    rule, batch = build(kind, layers=(5, 4, 3), sigma=0.02)
    one = (
        t[:1].repeat_interleave(EXAMPLES, 0) for t in (batch.inputs, batch.labels, batch.targets)
    )
    batch = type(batch)(*one, batch.rows)
    tries = 6000
    mean = sum(flat(rule.updates(batch)[0]) for _ in range(tries)) / tries
    wanted = -flat(gradient(rule, batch))
    if kind is Reinforce:
        wanted = wanted * (1 - 1 / EXAMPLES)
    cosine = torch.nn.functional.cosine_similarity(mean, wanted, dim=0)
    assert float(cosine) > 0.98
    along = float(mean @ wanted / wanted.square().sum())
    assert along == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("kind", "count"), [(NodePerturbation, "units"), (WeightPerturbation, "all")]
)
def test_one_try_is_as_far_from_the_gradient_as_its_dimension_says(kind, count):
    """E cos^2 = 1 / D over the directions of the noise: parameters, or units of one image."""
    rule, batch = build(kind, layers=(5, 4, 3), sigma=1e-4)
    one = type(batch)(batch.inputs[:1], batch.labels[:1], batch.targets[:1], slice(0, 1))
    slopes = gradient(rule, one)
    names = [n for n in slopes if count == "all" or n[0] == "b"]  # of one image b_i tells a_i
    wanted = flat({n: slopes[n] for n in names})
    tries = (rule.updates(one)[0] for _ in range(3000))
    found = torch.stack([flat({n: updates[n] for n in names}) for updates in tries])
    squared = torch.nn.functional.cosine_similarity(found, wanted[None]).square()
    # cos^2 is Beta(1/2, (D-1)/2): mean 1/D, deviation below sqrt(2)/D.
    d = len(wanted)
    assert float(squared.mean()) == pytest.approx(1 / d, abs=4 * 2**0.5 / d / 3000**0.5)


def test_a_try_is_followed_as_printed():
    """Node perturbation of one image in one layer: -(C(a + xi) - C(a)) x' xi / sigma^2."""
    rule, batch = build(NodePerturbation, layers=(5, 3), sigma=0.3)
    one = type(batch)(batch.inputs[:1], batch.labels[:1], batch.targets[:1], slice(0, 1))
    state = rule.generator.get_state()
    xi = 0.3 * torch.randn(1, 3, generator=rule.generator, dtype=torch.float64)
    rule.generator.set_state(state)
    updates, _ = rule.updates(one)
    a = one.inputs @ rule.network.parameters["W1"] + rule.network.parameters["b1"]
    worse = -(one.targets * (a + xi).log_softmax(1)).sum() + (one.targets * a.log_softmax(1)).sum()
    torch.testing.assert_close(updates["W1"], -worse / 0.09 * one.inputs.T @ xi)
    torch.testing.assert_close(updates["b1"], -worse / 0.09 * xi[0])


def test_weights_stay_as_they_are():
    rule, batch = build(WeightPerturbation, sigma=0.1)
    before = {n: p.clone() for n, p in rule.network.parameters.items()}
    rule.updates(batch)
    assert all(torch.equal(p, before[n]) for n, p in rule.network.parameters.items())
