"""The STDP simulation of Bengio et al. 2015, Sec. 2: identities, quadrature, fits, bad input."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from replications.bengio2015 import scores, simulation
from replications.core.learn.spiking.measured import BI_POO, bi_poo_window

SETTINGS = {
    "pairs": 20_000,
    "slope_sd": 0.5,
    "gap": 5.0,
    "gap_spread": 10.0,
    "jitter": 0.0,
    "window": 100.0,
    "bins": 50,
    "averaged_over": "delay",
    "learning_rate": 1.0,
}
SLOPES = st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3)


def curve(seed=0, **changes):
    return simulation.stdp_curve(
        generator=torch.Generator().manual_seed(seed), **{**SETTINGS, **changes}
    )


def scored(arrays, of=scores.stdp_curve):
    return {(s.part, s.metric): s.value for s in of(arrays)}


def planted(w):
    """Arrays as stdp_curve returns them, with ΔW = w(ΔT) and no noise."""
    t = np.linspace(-98.0, 98.0, 50)
    return {"delta_t": t, "delta_w": w(t), "delta_w_se": 0 * t, "count": np.full(50, 9)}


@given(slope=SLOPES, gap=st.floats(0.01, 100.0), rate=st.floats(0.01, 10.0))
def test_product_of_delay_and_change_is_learning_rate_times_gap(slope, gap, rate):
    delta_t, delta_w = simulation.spike_pair(slope, gap, rate)
    assert delta_t * delta_w == pytest.approx(rate * gap, rel=1e-14)


@given(slope=SLOPES, gap=st.floats(0.01, 100.0))
def test_time_reversal_turns_potentiation_into_depression(slope, gap):
    forward = simulation.spike_pair(slope, gap, 1.0)
    backward = simulation.spike_pair(-slope, gap, 1.0)
    assert backward == (-forward[0], -forward[1])


@pytest.mark.parametrize("slope", [0.3, -0.3, 1.7, -1.7])
def test_delay_is_where_the_integrated_potential_meets_the_threshold(slope):
    step, gap = 1e-3 * np.sign(slope), 4.0  # ms; a falling ramp is followed back in time
    depth, moment = -gap, 0.0
    while depth < 0:
        depth, moment = depth + step * slope, moment + step
    delta_t, _ = simulation.spike_pair(slope, gap, 1.0)
    assert moment == pytest.approx(delta_t, abs=2e-3)


@pytest.mark.parametrize("averaged_over", ["delay", "slope"])
def test_one_gap_gives_a_hyperbola(averaged_over):
    found = scored(curve(pairs=200_000, gap_spread=0.0, averaged_over=averaged_over))
    for side in scores.SIDES:
        assert found[side, "r2_power"] > 0.999
        assert found[side, "exponent"] == pytest.approx(-1, abs=0.03)
        assert found[side, "r2_power"] > found[side, "r2_exponential"]


def test_spread_of_gaps_makes_the_curve_look_exponential():
    found = scored(curve(pairs=200_000))
    for side in scores.SIDES:
        assert found[side, "r2_exponential"] > 0.95
        assert found[side, "r2_exponential"] > found[side, "r2_power"]
        assert found[side, "sign_agreement"] == 1
        assert found[side, "spearman"] < -0.99


def expected_change(low, high, *, slope_sd, gap, gap_spread):
    """E[u | low < gap/u < high], u > 0, by quadrature over u of P(low u < gap < high u)."""
    bottom, top = gap - gap_spread / 2, gap + gap_spread / 2

    def chance(u):
        return max(min(high * u, top) - max(low * u, bottom), 0.0) * norm.pdf(u, scale=slope_sd)

    kinks = sorted({bottom / high, top / high, bottom / max(low, 1e-9), top / max(low, 1e-9)})
    ends = [0.0, *[u for u in kinks if 0 < u < 12 * slope_sd], 12 * slope_sd]
    moments = [
        sum(
            quad(lambda u, k=k: u**k * chance(u), a, b, epsabs=1e-13)[0]
            for a, b in itertools.pairwise(ends)
        )
        for k in (0, 1)
    ]
    return moments[1] / moments[0]


@pytest.mark.parametrize("gap_spread", [10.0, 4.0])
def test_bin_means_agree_with_quadrature(gap_spread):
    arrays = curve(pairs=400_000, gap_spread=gap_spread, bins=20)
    edges = np.linspace(-100, 100, 21)
    for low, high, mean, se in zip(
        edges[10:-1], edges[11:], arrays["delta_w"][10:], arrays["delta_w_se"][10:], strict=True
    ):
        truth = expected_change(low, high, slope_sd=0.5, gap=5.0, gap_spread=gap_spread)
        assert abs(mean - truth) < 4 * se


def test_peak_of_the_spread_curve_is_the_mean_of_slopes_weighted_by_size():
    """As ΔT → 0 with gaps down to 0: E[u²] / E[|u|] = slope_sd sqrt(π / 2)."""
    limit = expected_change(0.0, 1e-3, slope_sd=0.5, gap=5.0, gap_spread=10.0)
    assert limit == pytest.approx(0.5 * np.sqrt(np.pi / 2), rel=1e-6)


def test_fits_recover_planted_curves():
    found = scored(planted(lambda t: np.sign(t) * 0.8 * np.exp(-np.abs(t) / 17)))
    assert found["potentiation", "tau"] == pytest.approx(17)
    assert found["depression", "amplitude_exponential"] == pytest.approx(0.8)
    assert found["depression", "r2_exponential"] == pytest.approx(1)
    found = scored(planted(lambda t: np.sign(t) * 3 * np.abs(t) ** -0.7))
    assert found["potentiation", "exponent"] == pytest.approx(-0.7)
    assert found["potentiation", "amplitude_power"] == pytest.approx(3)
    assert found["potentiation", "r2_power"] == pytest.approx(1)
    assert found["potentiation", "spearman"] == -1


def test_fits_of_the_bi_poo_window_are_its_constants():
    found = scored(planted(bi_poo_window))
    for side, sign in scores.SIDES.items():
        assert found[side, "tau"] == pytest.approx(BI_POO[side]["tau"])
        assert found[side, "amplitude_exponential"] == pytest.approx(
            sign * BI_POO[side]["amplitude"]
        )
    assert bi_poo_window(np.zeros(1)) == 0


def test_too_few_bins_have_no_score_and_none_is_made_up():
    with pytest.raises(ValueError, match=r"potentiation at step 0 is nan: this run"):
        scored(curve(pairs=2_000, bins=2))


def test_sign_agreement_counts_bins_of_the_wrong_sign():
    wrong = planted(lambda t: np.where((t > 0) & (t < 20), -1.0, np.sign(t)) * np.exp(-abs(t) / 20))
    found = scored(wrong)
    assert found["potentiation", "sign_agreement"] == pytest.approx(20 / 25)
    assert found["depression", "sign_agreement"] == 1


@pytest.mark.parametrize("averaged_over", ["delay", "slope"])
def test_same_seed_same_curve_and_another_seed_another(averaged_over):
    first, again, other = (curve(seed, averaged_over=averaged_over) for seed in (3, 3, 4))
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
        assert array.shape == (SETTINGS["bins"],)
    assert not np.array_equal(first["delta_w"], other["delta_w"], equal_nan=True)


def test_standard_error_is_the_scatter_over_seeds():
    runs = [curve(seed, pairs=5_000, bins=10) for seed in range(60)]
    scatter = np.std([run["delta_w"] for run in runs], axis=0, ddof=1)
    claimed = np.mean([run["delta_w_se"] for run in runs], axis=0)
    np.testing.assert_allclose(claimed, scatter, rtol=0.45)


def test_only_pairs_inside_the_window_are_counted():
    arrays = curve(window=20.0)
    assert 0 < arrays["count"].sum() < SETTINGS["pairs"]
    assert np.nanmax(np.abs(arrays["delta_t"])) <= 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pairs": 0}, "pairs is 0: give a number above 0"),
        ({"slope_sd": -1.0}, "slope_sd is -1.0: give"),
        ({"gap": 0.0}, "gap is 0.0: give"),
        ({"gap_spread": -1.0}, r"gap_spread is -1.0: give 0 \(one gap\)"),
        ({"gap_spread": 11.0}, "stays below the threshold"),
        ({"jitter": -0.1}, "jitter is -0.1: give"),
        ({"jitter": float("nan")}, "jitter is nan: give"),
        ({"window": 0.0}, "window is 0.0: give"),
        ({"bins": 7}, "bins is 7: give an even number"),
        ({"averaged_over": "pairs"}, 'give "delay" or "slope"'),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: give"),
        ({"window": 1e-9, "pairs": 10, "gap_spread": 0.0}, "widen window or add pairs"),
    ],
)
def test_bad_input_says_what_to_do(changes, message):
    with pytest.raises(ValueError, match=message):
        curve(**changes)


COMPANION = {
    "rate": 20.0,
    "spread": 3.0,
    "scale": 9.0,
    "tau": 20.0,
    "smoothing": 5.0,
    "window": 50,
    "bins": 20,
    "neurons": 60,
}


def companion(updates, **changes):
    generator = torch.Generator().manual_seed(0)
    return simulation.rate_of_change(generator=generator, updates=updates, **COMPANION | changes)


def test_filtered_noise_has_its_autocovariance():
    generator = torch.Generator().manual_seed(0)
    noise = simulation.filtered_noise(40, tau=20.0, smoothing=5.0, generator=generator)
    for lag in (0, 5, 20, 60):
        expected = (20 * np.exp(-lag / 20) - 5 * np.exp(-lag / 5)) / 15
        covariance = np.mean(noise[:, : noise.shape[1] - lag] * noise[:, lag:])
        assert covariance == pytest.approx(expected, abs=0.02)


def test_expected_change_is_the_slope_of_the_autocovariance():
    def autocovariance(t):
        return 9.0 * (20 * np.exp(-abs(t) / 20) - 5 * np.exp(-abs(t) / 5)) / 15

    for lag in (-30.0, -2.0, 1.0, 12.0):
        slope = (autocovariance(lag + 1e-5) - autocovariance(lag - 1e-5)) / 2e-5
        expected = simulation.expected_change(np.array([lag]), 3.0, 9.0, 20.0, 5.0)
        assert expected[0] == pytest.approx(-slope / 9.0, rel=1e-6)


def test_correlation_is_the_sum_over_times():
    first, second = np.random.default_rng(0).normal(size=(2, 50))
    lags = np.array([-7, -1, 0, 3])
    expected = [
        sum(first[t] * second[t + lag] for t in range(50) if 0 <= t + lag < 50) for lag in lags
    ]
    np.testing.assert_allclose(simulation.correlation(first, second, lags), expected, atol=1e-12)


@pytest.mark.parametrize("updates", ["spikes", "rates"])
def test_the_companion_curve_is_the_expected_one_within_its_errors(updates):
    arrays = companion(updates)
    z = (arrays["delta_w"] - arrays["expected"]) / arrays["delta_w_se"]
    assert np.sqrt(np.mean(z**2)) < 2
    assert (np.sign(arrays["delta_w"]) == np.sign(arrays["delta_t"])).mean() > 0.9
    np.testing.assert_allclose(arrays["delta_t"], -arrays["delta_t"][::-1])


def test_rates_give_the_curve_with_less_noise_than_spikes():
    spikes, rates = companion("spikes", neurons=20), companion("rates", neurons=20)
    assert rates["delta_w_se"].mean() < spikes["delta_w_se"].mean() / 2


def test_the_distance_from_what_is_expected_is_scored():
    arrays = companion("rates", neurons=5)
    arrays["delta_w"] = 1.5 * arrays["expected"]
    found = scored(arrays, scores.rate_of_change)
    assert found["", "relative_error"] == pytest.approx(0.5)
    shapes = scored(arrays)
    assert found == shapes | {("", "relative_error"): found["", "relative_error"]}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"updates": "both"}, "updates is 'both': give"),
        ({"updates": "rates", "bins": 30}, "bins is 30: give an even number that divides 100 ms"),
        (
            {"updates": "rates", "smoothing": 20.0},
            "smoothing is 20.0: give a time between 0 and tau",
        ),
        ({"updates": "rates", "neurons": 1}, "neurons is 1: a standard error takes 2"),
    ],
)
def test_companion_settings_that_mean_nothing_are_told(changed, message):
    with pytest.raises(ValueError, match=message):
        companion(**changed)
