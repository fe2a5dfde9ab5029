"""The output layer alone learns."""

import torch

from replications.core.learn.learning import Backpropagation
from replications.lillicrap2016.baselines.output_layer import OutputLayerAlone
from tests.feed_forward import build


def test_the_top_follows_the_gradient_and_the_rest_stands_still():
    ours, batch = build(OutputLayerAlone)
    whole, _ = build(Backpropagation)
    found, expected = ours.updates(batch)[0], whole.updates(batch)[0]
    assert {n for n, u in found.items() if u.any()} == {"W4", "b4"}
    for name in ("W4", "b4"):
        torch.testing.assert_close(found[name], expected[name])
    assert all(expected[name].any() for name in expected)
