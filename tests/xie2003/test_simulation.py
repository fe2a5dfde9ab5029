"""The comparison with back-propagation by gamma, and the contrasts."""

import numpy as np
import pytest
import torch

from replications.xie2003 import scores
from replications.xie2003.rule import ContrastiveHebbian
from replications.xie2003.simulation import COSTS, contrasts, energy, feedback_strengths
from tests.feed_forward import build

SETTLED = {"steps": 60, "step_size": 0.5}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def strengths():
    return feedback_strengths(generator=seeded(), layers=[4, 4, 3, 2], gain=2.0,
                              gammas=[0.01, 0.05, 0.5], networks=3, **SETTLED)  # fmt: skip


def test_the_networks_are_the_same_for_every_gamma_and_differ_from_each_other():
    """The error is a gamma to leading order, with an a of the network's own."""
    found = feedback_strengths(generator=seeded(), layers=[4, 4, 3, 2], gain=2.0,
                               gammas=[0.001, 0.002], networks=6, **SETTLED)  # fmt: skip
    for outputs in COSTS:
        slopes = found[f"{outputs}, W1, error"] / found["gammas"][:, None]  # (G, networks)
        np.testing.assert_allclose(slopes[0], slopes[1], rtol=0.01)
        assert slopes[0].std() > 0.1 * slopes[0].mean()


def test_without_the_factor_the_norm_is_smaller_by_gamma_for_every_layer(strengths):
    for outputs in COSTS:
        for k in (1, 2, 3):
            plain = strengths[f"{outputs}, W{k}, plain ratio"]
            np.testing.assert_allclose(plain[0] / plain[1], 0.2 ** (3 - k), rtol=0.15)
            ratio = strengths[f"{outputs}, W{k}, norm ratio"]
            np.testing.assert_allclose(plain[1], ratio[1] * 0.05 ** (3 - k))


def test_scores_are_orders_and_means(strengths):
    found = {(s.metric, s.part): s.value for s in scores.feedback_strengths(strengths)}
    assert found["order_of_error", "linear, W1"] == pytest.approx(1, abs=0.1)
    assert found["order_without_factor", "sigmoid, W1"] == pytest.approx(2, abs=0.1)
    cosines = strengths["sigmoid, W2, cosine"][1]
    assert found["cosine", "sigmoid, W2, 0.05"] == pytest.approx(cosines.mean())
    powers = np.array([0.01, 0.02, 0.05, 1.0])
    assert scores.order(powers, 3 * powers**1.5) == pytest.approx(1.5)
    assert scores.order(powers, np.append(3 * powers[:3] ** 1.5, 99)) == pytest.approx(1.5)


def test_contrasts_from_the_clamped_state_are_never_negative_and_others_are():
    found = contrasts(generator=seeded(), layers=[4, 8, 8, 2], gains=[1.0, 60.0], gamma=1.0,
                      steps=400, step_size=0.3, networks=12)  # fmt: skip
    assert found["from random states"].shape == (2, 48)
    shares = {s.part: s.value for s in scores.contrasts(found)}
    assert shares["from the clamped state, 1"] == shares["from the clamped state, 60"] == 0
    assert shares["from random states, 1"] == 0 and shares["from random states, 60"] > 0


def test_the_energy_is_the_printed_sum():
    rule, batch = build(ContrastiveHebbian, layers=(5, 4, 3), units="sigmoid",
                        cost="sigmoid_cross_entropy", gamma=0.3, **SETTLED)  # fmt: skip
    states = [torch.full((6, n), 0.25, dtype=torch.float64) for n in (4, 3)]
    entropy = 0.25 * np.log(0.25) + 0.75 * np.log(0.75)
    p = {n: v.numpy() for n, v in rule.network.parameters.items()}
    for b in range(6):
        total, below = 0.0, batch.inputs[b].numpy()
        for k, n in ((1, 4), (2, 3)):
            x = np.full(n, 0.25)
            total += 0.3 ** (k - 2) * (n * entropy - (below @ p[f"W{k}"] + p[f"b{k}"]) @ x)
            below = x
        assert float(energy(rule, batch.inputs, states)[b]) == pytest.approx(total)
