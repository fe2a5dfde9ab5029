"""The drift of weights: averages and expectations against quadrature, measurements against both."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from replications.core.learn.spiking.pair import PairRule
from replications.xie2000 import scores
from replications.xie2000.simulation import Rates, drift, exact, scales

RULE = PairRule(a_plus=1.0, a_minus=0.6, tau_plus=16.8, tau_minus=33.7, pairing="all_to_all")


def test_time_averages_of_the_rates():
    generator = torch.Generator().manual_seed(0)
    pre, post = (Rates.random(3, 4.0, (5.0, 35.0), 0.8, generator) for _ in range(2))
    t = np.linspace(0, 1, 4000, endpoint=False)
    nu = [
        s.mean[:, None] * (1 + 0.8 * np.sin(2 * np.pi * 4 * t + s.phase[:, None]))
        for s in (pre, post)
    ]
    change = np.gradient(nu[1], t, axis=1)
    means, covariance, with_change = pre.products(post)
    np.testing.assert_allclose(means + covariance, nu[1] @ nu[0].T / len(t), rtol=1e-9)
    np.testing.assert_allclose(with_change, change @ nu[0].T / len(t), rtol=1e-3, atol=2)
    np.testing.assert_allclose(means, nu[1].mean(1)[:, None] * nu[0].mean(1), rtol=1e-9)


def test_spikes_have_their_rates():
    generator = torch.Generator().manual_seed(0)
    rates = Rates(np.array([10.0, 40.0]), np.zeros(2), 1.0, 0.8)
    spikes = rates.spikes(200, generator)
    np.testing.assert_allclose(spikes.mean(axis=1) * 1000, rates.mean, rtol=0.06)
    rising = spikes.reshape(2, 200, 1000)[:, :, :500].mean(axis=(1, 2)) * 1000
    np.testing.assert_allclose(rising, rates.mean * (1 + 0.8 * 2 / np.pi), rtol=0.06)


@pytest.mark.parametrize("frequency", [1.0, 16.0])
def test_coefficients_are_those_of_the_window(frequency):
    """Area, ∫ W(s) cos(ωs) ds and ∫ W(s) sin(ωs) ds / ω."""
    omega = 2 * np.pi * frequency

    def window(s):
        return 1.0 * np.exp(-s / 0.0168) if s > 0 else -0.6 * np.exp(s / 0.0337)

    def integral(weight):
        sides = [quad(lambda s: window(s) * weight(s), *side, limit=200)[0]
                 for side in ((-1, 0), (0, 1))]  # fmt: skip
        return sum(sides)

    expected = [
        integral(lambda s: 1),
        integral(lambda s: np.cos(omega * s)),
        integral(lambda s: np.sin(omega * s)) / omega,
    ]
    np.testing.assert_allclose(exact(RULE, frequency) * scales(RULE), expected, rtol=1e-6)


def test_measured_coefficients_are_the_expected_ones():
    generator = torch.Generator().manual_seed(0)
    window = {"a_plus": 1.0, "a_minus": 0.6, "tau_plus": 16.8, "tau_minus": 33.7}
    arrays = drift(
        generator=generator, windows={"some": {**window, "pairing": "all_to_all"}},
        frequencies=[4.0], rates=(10.0, 40.0), depth=0.8, neurons=100, seconds=20, trials=8,
    )  # fmt: skip
    rows = {s.metric: s.value for s in scores.drift(arrays)}
    rate, covariance, change = exact(RULE, 4.0)
    assert rows["rate_coefficient"] == pytest.approx(rate, abs=0.005)
    assert rows["covariance_coefficient"] == pytest.approx(covariance, abs=0.05)
    assert rows["change_coefficient"] == pytest.approx(change, abs=0.02)
    assert 0.5 < rows["r2_regression"] < 1


def test_rates_below_zero_are_refused():
    with pytest.raises(ValueError, match=r"depth is 1\.5: give a number above 0, and up to 1"):
        drift(
            generator=torch.Generator(), windows={}, frequencies=[1], rates=(1.0, 2.0), depth=1.5,
            neurons=1, seconds=1, trials=1,
        )  # fmt: skip
