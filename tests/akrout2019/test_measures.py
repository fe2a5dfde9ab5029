"""Angles of learnt feedback, against closed forms."""

import pytest
import torch

from replications.akrout2019.measures import feedback_angles
from replications.akrout2019.rule import KolenPollack
from replications.core.data.datasets import Images, Split
from tests.feed_forward import build


def test_feedback_that_is_turned_by_an_angle_is_told_by_it_and_by_epoch():
    rule, batch = build(
        KolenPollack, layers=(5, 8, 6, 3), units="sigmoid", cost="sigmoid_cross_entropy",
        feedback={"uniform": {"bound": 0.3}},
    )  # fmt: skip
    network = rule.network
    transposed = network.parameters["W3"].T.clone()  # (3, 6)
    across = torch.randn(3, 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    across -= (across * transposed).sum() / transposed.square().sum() * transposed
    across *= transposed.norm() / across.norm()
    angle = torch.tensor(30.0).double().deg2rad()
    turned = {0: across, 1: angle.cos() * transposed + angle.sin() * across, 8: 2.5 * transposed}
    tensors = network.parameters | rule.parameters
    kept = {epoch: {n: p.clone() for n, p in tensors.items()} | {"B3": b}
            for epoch, b in turned.items()}  # fmt: skip
    split = Split(batch.inputs, batch.labels)
    scores, arrays = feedback_angles(
        rule, Images(split, split, split), kept, rule.generator, count=6, shares=[0.1, 1.0]
    )
    found = {(s.metric, s.part, s.step): s.value for s in scores}
    assert arrays == {}
    assert found["weight_angle", "W3", 0] == pytest.approx(90)
    assert found["weight_angle", "W3", 1] == pytest.approx(30)
    assert found["weight_angle", "W3", 8] == pytest.approx(0, abs=1e-5)
    # Written out: the errors of layer 2, and of layer 1 by B2 or W2' from what B3 brings down.
    h1, h2, z = network.activities(batch.inputs)[1:]
    top = network.top_cost(z, batch.targets)[1]
    for epoch, back in turned.items():
        below = (top @ back) * h2 * (1 - h2)
        right = {2: (top @ transposed) * h2 * (1 - h2),
                 1: (below @ network.parameters["W2"].T) * h1 * (1 - h1)}  # fmt: skip
        ours = {2: below, 1: (below @ rule.parameters["B2"]) * h1 * (1 - h1)}
        for layer in (1, 2):
            cosine = torch.cosine_similarity(ours[layer].flatten(), right[layer].flatten(), dim=0)
            expected = float(cosine.clamp(-1, 1).acos().rad2deg())
            assert found["error_angle", f"layer {layer}", epoch] == pytest.approx(
                expected, abs=1e-5
            )
    for layer in ("layer 1", "layer 2"):
        for share, epoch in (("10.0%", 1), ("100.0%", 8)):
            part = f"{layer}, {share} trained"
            assert found["error_angle", part, 8] == found["error_angle", layer, epoch]
