"""Feedback that learns, against its printed equations and what they tend to."""

import torch

from replications.akrout2019.rule import KolenPollack, WeightMirror
from replications.core.learn.optimisers import DecayedSGD
from tests.feed_forward import build

FEEDBACK = {"glorot_normal": {"gain": 0.5**0.5}}
SIGMOID = {"units": "sigmoid", "cost": "sigmoid_cross_entropy", "feedback": FEEDBACK}
MIRROR = {"amplitude": 0.1, "mirror_rate": 0.01, "noise_batch": 7}


def test_weights_and_feedback_get_the_same_and_with_decay_their_difference_is_forgotten():
    """B - W' shrinks as (1 - rate decay)^t, whatever is learnt (Kolen & Pollack 1994)."""
    rule, batch = build(KolenPollack, **SIGMOID)
    parameters = rule.network.parameters | rule.parameters
    optimiser = DecayedSGD(parameters, dict.fromkeys(parameters, 0.3), momentum=0.0, decay=0.1)
    apart = {i: parameters[f"B{i}"] - parameters[f"W{i}"].T for i in (2, 3, 4)}
    before = parameters["W2"].clone()
    for _ in range(20):
        updates, _ = rule.updates(batch)
        assert all(torch.equal(updates[f"B{i}"], updates[f"W{i}"].T) for i in apart)
        optimiser.step(updates, 1.0)
    assert (parameters["W2"] - before * 0.97**20).abs().max() > 1e-3  # something was learnt
    for i, start in apart.items():
        left = parameters[f"B{i}"] - parameters[f"W{i}"].T
        torch.testing.assert_close(left, start * (1 - 0.3 * 0.1) ** 20, rtol=1e-9, atol=1e-13)


def test_the_mirror_sums_what_noise_and_answers_share():
    """ΔB_i = η Σ y ξ', with noise even within ± amplitude / 2, for every layer above the first."""
    rule, batch = build(WeightMirror, **SIGMOID, **MIRROR)
    state = rule.generator.get_state()
    updates, _ = rule.updates(batch)
    rule.generator.set_state(state)
    p = rule.network.parameters
    for i in (2, 3, 4):
        uniform = torch.rand(7, len(p[f"W{i}"]), generator=rule.generator, dtype=torch.float64)
        noise = 0.1 * (uniform - 0.5)
        answer = (noise @ p[f"W{i}"] + p[f"b{i}"]).sigmoid()
        expected = sum(torch.outer(y, x) for y, x in zip(answer, noise, strict=True))
        torch.testing.assert_close(updates[f"B{i}"], 0.01 * expected)


def test_a_mirror_tends_to_a_multiple_of_the_transposed_weights():
    """Derived: E[ΔB] = η M (amplitude² / 12) φ'(b) W', row by row, for small noise."""
    settings = MIRROR | {"amplitude": 0.5, "mirror_rate": 1.0, "noise_batch": 2_000_000}
    rule, _ = build(WeightMirror, layers=(5, 4, 3, 3), **SIGMOID, **settings)
    p = rule.network.parameters
    slope = p["b3"].sigmoid() * (1 - p["b3"].sigmoid())
    expected = 0.5**2 / 12 * slope[:, None] * p["W3"].T
    found = rule.mirrored(3) / settings["noise_batch"]
    # Every y ξ has a spread of at most 0.5 / √12: the mean of two million has 1e-4 of it.
    assert (found - expected).abs().max() < 6 * 0.5 / 12**0.5 / 2_000_000**0.5
    assert expected.abs().max() > 0.002


def test_before_training_the_mirror_has_as_many_batches_as_an_epoch():
    mirrored, _ = build(WeightMirror, **SIGMOID, **MIRROR | {"noise_batch": 2})  # of 6 images
    later, _ = build(WeightMirror, **SIGMOID, **MIRROR)  # too few images for a batch of 7
    later.settings = mirrored.settings
    for _ in range(3):
        for i in (2, 3, 4):
            later.parameters[f"B{i}"] += later.mirrored(i)
    for name, feedback in mirrored.parameters.items():
        assert torch.equal(feedback, later.parameters[name])
