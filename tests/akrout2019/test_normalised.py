"""The normalised mirror: what it keeps fixed, and what it leaves."""

import torch

from replications.akrout2019.ablations.normalised import NormalisedWeightMirror
from tests.feed_forward import build

SETTINGS = {
    "feedback": {"glorot_normal": {"gain": 0.5**0.5}}, "amplitude": 0.1, "mirror_rate": 0.01,
    "noise_batch": 4000, "units": "sigmoid", "cost": "sigmoid_cross_entropy",
}  # fmt: skip


def test_random_vectors_come_down_with_a_spread_of_a_half():
    rule, batch = build(NormalisedWeightMirror, layers=(5, 30, 20, 3), **SETTINGS)
    updates, _ = rule.updates(batch)
    for i in (2, 3):
        after = rule.parameters[f"B{i}"] + updates[f"B{i}"]
        shape = 50_000, len(after)
        noise = torch.rand(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        spread = (noise @ after).std(dim=1, correction=0).mean()
        torch.testing.assert_close(spread, torch.tensor(0.5).double(), rtol=0.03, atol=0)


def test_its_direction_is_that_of_the_mirror():
    rule, batch = build(NormalisedWeightMirror, layers=(5, 30, 20, 3), **SETTINGS)
    state = rule.generator.get_state()
    mirrored = rule.parameters["B2"] + super(NormalisedWeightMirror, rule).mirrored(2)
    rule.generator.set_state(state)
    after = rule.parameters["B2"] + rule.updates(batch)[0]["B2"]
    torch.testing.assert_close(after / after.norm(), mirrored / mirrored.norm())
