"""The gradient of a network with interneurons, by hand, and its correction."""

import pytest
import torch

from replications.cornford2021.rule import CorrectedGradient, PlainGradient
from tests.cornford2021.cases import CLOSE, dann, generator


def by_hand(network, batch):
    """-dC/dp of every parameter, layer by layer, from the chain rule on paper."""
    activities, found = network.activities(batch.inputs), {}
    _, error = network.top_cost(activities[-1], batch.targets)
    for i in range(network.depth, 0, -1):
        x = activities[i - 1]
        ex, ix, ei, alpha, g = (network.parameters[f"{k}{i}"]
                                for k in ("Wex", "Wix", "Wei", "alpha", "g"))  # fmt: skip
        z, scaled = x @ ix, alpha.exp()[:, None] * ei
        centred, scale = x @ ex - z @ ei, z @ scaled + 1e-8
        to_centred = error * g / scale
        to_scale = -to_centred * centred / scale
        to_z = to_scale @ scaled.T - to_centred @ ei.T
        through = z.T @ to_scale
        found |= {
            f"g{i}": (error * centred / scale).sum(0), f"b{i}": error.sum(0),
            f"Wex{i}": x.T @ to_centred, f"Wix{i}": x.T @ to_z,
            f"Wei{i}": alpha.exp()[:, None] * through - z.T @ to_centred,
            f"alpha{i}": (scaled * through).sum(1),
        }  # fmt: skip
        error = (to_centred @ ex.T + to_z @ ix.T) * (x > 0)
    return {name: -slope for name, slope in found.items()}


def test_the_plain_rule_descends_the_gradient_by_hand():
    network, batch = dann()
    rule = PlainGradient(network=network, examples=5, generator=generator())
    updates, monitor = rule.updates(batch)
    expected = by_hand(network, batch)
    assert updates.keys() == expected.keys() == network.parameters.keys()
    for name, update in updates.items():
        torch.testing.assert_close(update, expected[name], **CLOSE)
    assert float(monitor["train_cost"]) == pytest.approx(
        float(network.cost(batch.inputs, batch.targets))
    )


def test_the_corrected_rule_scales_what_interneurons_learn_and_nothing_else():
    network, batch = dann()
    plain, corrected = (
        kind(network=network, examples=5, generator=generator()).updates(batch)[0]
        for kind in (PlainGradient, CorrectedGradient)
    )
    factors = {"Wix": {1: 8**0.5, 2: 7**0.5, 3: 3**0.5}, "Wei": {1: 6, 2: 8, 3: 7},
               "alpha": {1: 8**0.5 * 6, 2: 7**0.5 * 8, 3: 3**0.5 * 7}}  # fmt: skip
    for name, update in plain.items():
        factor = factors.get(name[:-1], {}).get(int(name[-1]), 1.0)
        torch.testing.assert_close(corrected[name], update / factor, **CLOSE)
