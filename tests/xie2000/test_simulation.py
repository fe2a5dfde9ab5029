"""The drift of weights: averages and expectations against quadrature, measurements against both."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from replications.core.spiking.pair import PairRule
from replications.xie2000.simulation import Rates, drift, exact, scales, score

RULE = PairRule(a_plus=1.0, a_minus=0.6, tau_plus=16.8, tau_minus=33.7, pairing="all_to_all")


def test_time_averages_of_the_rates():
    generator = torch.Generator().manual_seed(0)
    pre, post = (Rates.draw(3, 4.0, (5.0, 35.0), 0.8, generator) for _ in range(2))
    t = np.linspace(0, 1, 4000, endpoint=False)
    nu = [
        s.mean[:, None] * (1 + 0.8 * np.sin(2 * np.pi * 4 * t + s.phase[:, None]))
        for s in (pre, post)
    ]
    change = np.gradient(nu[1], t, axis=1)
    np.testing.assert_allclose(pre.product(post), nu[1] @ nu[0].T / len(t), rtol=1e-9)
    np.testing.assert_allclose(
        pre.product_with_change(post), change @ nu[0].T / len(t), rtol=1e-3, atol=2
    )


def test_spikes_have_their_rates():
    generator = torch.Generator().manual_seed(0)
    rates = Rates(np.array([10.0, 40.0]), np.zeros(2), 1.0, 0.8)
    spikes = rates.spikes(200, generator)
    np.testing.assert_allclose(spikes.mean(axis=1) * 1000, rates.mean, rtol=0.06)
    rising = spikes.reshape(2, 200, 1000)[:, :, :500].mean(axis=(1, 2)) * 1000
    np.testing.assert_allclose(rising, rates.mean * (1 + 0.8 * 2 / np.pi), rtol=0.06)


@pytest.mark.parametrize("frequency", [1.0, 16.0])
def test_coefficients_are_those_of_the_window(frequency):
    """Area, and ∫ W(s) sin(ωs) ds / ω."""
    omega = 2 * np.pi * frequency

    def window(s):
        return 1.0 * np.exp(-s / 0.0168) if s > 0 else -0.6 * np.exp(s / 0.0337)

    area = quad(window, -1, 0)[0] + quad(window, 0, 1)[0]
    sides = [quad(lambda s: window(s) * np.sin(omega * s), *side, limit=200)[0] / omega
             for side in ((-1, 0), (0, 1))]  # fmt: skip
    np.testing.assert_allclose(exact(RULE, frequency) * scales(RULE), [area, sum(sides)], rtol=1e-6)


def test_measured_coefficients_are_the_expected_ones():
    generator = torch.Generator().manual_seed(0)
    window = {"a_plus": 1.0, "a_minus": 0.6, "tau_plus": 16.8, "tau_minus": 33.7}
    arrays = drift(
        generator=generator, windows={"some": {**window, "pairing": "all_to_all"}},
        frequencies=[4.0], rates=(10.0, 40.0), depth=0.8, neurons=60, seconds=10,
        echo={"delay": 5.0, "probability": 0.2}, trials=8,
    )  # fmt: skip
    rows = {row["metric"]: row["value"] for row in score(arrays)}
    rate, change = exact(RULE, 4.0)
    assert rows["rate_coefficient"] == pytest.approx(rate, abs=0.03)
    assert rows["change_coefficient"] == pytest.approx(change, abs=0.05)
    assert rows["echo_ratio"] == pytest.approx(1, abs=0.1)
    assert 0.5 < rows["r2_regression"] < 1
