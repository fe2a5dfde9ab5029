"""Dead outputs and errors from rest, on networks whose fixed points are known."""

import pytest
import torch

from replications.core.data.datasets import Images, Split
from replications.scellier2017.measures import reach, settled
from replications.scellier2017.network import ScaledHopfieldNetwork
from tests.scellier2017.test_rule import by_hand, make


def images_of(inputs, labels):
    split = Split(inputs, labels)
    return Images(split, split, split)


def reached(pressures, **settings):
    """Of a network without hidden layers: the pressures on its outputs are their biases."""
    network, rule, batch = make((5, len(pressures)), scale=0.0, nudging="random_sign", **settings)
    network.parameters["b1"].copy_(torch.tensor(pressures))
    kept = {0: {name: p.clone() for name, p in rule.tensors.items()}}
    images = images_of(batch.inputs, batch.labels % len(pressures))
    return reach(rule, images, kept, rule.generator, count=6)


@pytest.mark.parametrize(
    ("cost_scale", "beta", "dead"), [(0.5, 1.0, 3), (1.0, 1.0, 2), (1.0, 0.5, 3)]
)
def test_an_output_is_dead_beyond_the_reach_of_nudging(cost_scale, beta, dead):
    scores, arrays = reached([-2.1, -1.5, 0.3, 0.9, 3.2], cost_scale=cost_scale, beta=beta)
    found = {s.metric: s.value for s in scores}
    assert found["dead_outputs"] == dead
    pull = 2 * cost_scale * beta
    assert arrays["bounds"].tolist() == [-pull, 1 + pull]


@pytest.mark.parametrize("cost_scale", [0.5, 1.0])
def test_an_output_that_is_dead_moves_in_no_second_phase(cost_scale):
    for pressure in torch.arange(-2.75, 3.9, 0.5).tolist():
        scores, _ = reached([pressure, 0.5], cost_scale=cost_scale, beta=1.0)
        dead = {s.metric: s.value for s in scores}["dead_outputs"]
        network, _, batch = make((5, 2), scale=0.0, cost_scale=cost_scale, beta=1.0)
        network.parameters["b1"].copy_(torch.tensor([pressure, 0.5]))
        still = []
        for nudging in (1.0, -1.0):
            for target in (0.0, 1.0):
                targets = torch.full((6, 2), target, dtype=torch.float64)
                free = by_hand(network, batch.inputs, network.rest(6), steps=60)
                pull = 2 * cost_scale * nudging
                ends = by_hand(network, batch.inputs, free, steps=4, beta=pull, targets=targets)
                still.append(torch.equal(ends[0][:, 0], free[0][:, 0]))
        assert all(still) == bool(dead), pressure


def test_errors_are_those_of_images_that_settle_from_rest():
    network, rule, batch = make((5, 7, 6, 3), scale=2.0, settling_steps=30)
    kept = {epoch: {n: p * (1 + epoch) for n, p in rule.tensors.items()} for epoch in (0, 1)}
    kept[2] = {n: p.clone() for n, p in kept[0].items()}
    scores, arrays = reach(rule, images_of(batch.inputs, batch.labels), kept, None, count=4)
    errors = {s.step: s.value for s in scores if s.metric == "resting_error"}
    for epoch, parameters in kept.items():
        for name, p in rule.tensors.items():
            p.copy_(parameters[name])
        outputs = by_hand(network, batch.inputs[:4], network.rest(4), steps=30)[-1]
        torch.testing.assert_close(settled(rule, batch.inputs[:4])[0], outputs)
        ties = (outputs == outputs.amax(1, keepdim=True)).sum(1) > 1
        wrong = (outputs.argmax(1) != batch.labels[:4]) | ties
        assert errors[epoch] == pytest.approx(100 * wrong.double().mean())
    assert arrays["epochs"].tolist() == [0, 1, 2]
    assert arrays["pressure"].shape == (3, 3, 3)
    torch.testing.assert_close(arrays["pressure"][0], arrays["pressure"][2])


def test_upper_weights_alone_are_scaled():
    made = [
        ScaledHopfieldNetwork(
            layers=(5, 7, 6, 3), outputs="hard_sigmoid", initialisation={"glorot_uniform": {}},
            upper=upper, generator=torch.Generator().manual_seed(1),
        )
        for upper in (1.0, 0.5)
    ]  # fmt: skip
    whole, half = (network.parameters for network in made)
    assert torch.equal(whole["W1"], half["W1"])
    for name in ("W2", "W3"):
        torch.testing.assert_close(half[name], whole[name] / 2)
