"""Angles of learnt feedback, against closed forms."""

import pytest
import torch

from replications.akrout2019.measures import feedback_angles
from replications.akrout2019.rule import KolenPollack
from replications.core.data.datasets import Images, Split
from tests.feed_forward import build


def test_feedback_that_is_turned_by_an_angle_is_told_by_it_and_by_epoch():
    rule, batch = build(
        KolenPollack, layers=(5, 8, 3), units="linear", cost="squared_error",
        feedback={"uniform": {"bound": 0.3}},
    )  # fmt: skip
    transposed = rule.network.parameters["W2"].T.clone()  # (3, 8)
    across = torch.randn(3, 8, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    across -= (across * transposed).sum() / transposed.square().sum() * transposed
    across *= transposed.norm() / across.norm()
    angle = torch.tensor(30.0).double().deg2rad()
    turned = {0: across, 1: angle.cos() * transposed + angle.sin() * across, 8: 2.5 * transposed}
    tensors = rule.network.parameters | rule.parameters
    kept = {epoch: {n: p.clone() for n, p in tensors.items()} | {"B2": b}
            for epoch, b in turned.items()}  # fmt: skip
    split = Split(batch.inputs, batch.labels)
    scores, arrays = feedback_angles(
        rule, Images(split, split, split), kept, rule.generator, count=6, shares=[0.1, 1.0]
    )
    found = {(s.metric, s.part, s.step): s.value for s in scores}
    assert arrays == {}
    assert found["weight_angle", "W2", 0] == pytest.approx(90)
    assert found["weight_angle", "W2", 1] == pytest.approx(30)
    assert found["weight_angle", "W2", 8] == pytest.approx(0, abs=1e-5)
    for epoch, back in turned.items():
        error = rule.network.top_cost(rule.network.activities(batch.inputs)[-1], batch.targets)[1]
        ours, right = (error @ back).flatten(), (error @ transposed).flatten()
        cosine = (ours @ right / (ours.norm() * right.norm())).clamp(-1, 1)
        expected = float(cosine.acos().rad2deg())
        assert found["error_angle", "layer 1", epoch] == pytest.approx(expected, abs=1e-5)
    assert found["error_angle", "layer 1, 10.0% trained", 8] == found["error_angle", "layer 1", 1]
    assert found["error_angle", "layer 1, 100.0% trained", 8] == found["error_angle", "layer 1", 8]
