"""Bengio et al. 2015 (arXiv 1502.04156v3), Sec. 2, Fig. 1: STDP out of ΔW_ij ∝ S_i dV_j/dt.

A pair is one presynaptic spike at t = 0 and one postsynaptic spike at t = ΔT. Around it
the postsynaptic potential is a ramp with slope u that starts one gap below the threshold,

    V(t) − threshold = −gap + u t,     crossed at  ΔT = gap / u,     ΔW = learning_rate · u,

so pre before post (ΔT > 0) goes with a rising potential and ΔW > 0. One gap for all pairs
gives ΔW ΔT = learning_rate · gap, a hyperbola; with gaps spread down to zero the mean over pairs
of like ΔT looks exponential. Units: ms, mV, mV/ms; ΔW in units of learning_rate · mV/ms.

`rate_of_change` is the companion paper's version of it (Bengio, Mesnard, Fischer, Zhang & Wu,
arXiv 1509.05936): the presynaptic rate times dV_j/dt, with spikes as its witnesses alone.
"""

import numpy as np
import torch
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import lfilter


def stdp_curve(
    *,
    generator: torch.Generator,
    pairs: int,
    slope_sd: float,
    gap: float,
    gap_spread: float,
    jitter: float,
    window: float,
    bins: int,
    averaged_over: str,
    learning_rate: float,
) -> dict[str, np.ndarray]:
    """Mean ΔW against mean ΔT over simulated spike pairs (Sec. 2, Fig. 1).

    u ~ N(0, slope_sd²) mV/ms, gap ~ U(gap ± gap_spread / 2) mV, ΔT = gap / u + jitter · N(0, 1)
    ms; pairs with |ΔT| > window are not seen. `averaged_over`: the pairs of one point share a
    "delay" (equal bins of ΔT over ±window) or a "slope" (equal bins of u over ±3 slope_sd, the
    outer two open). Variants with one seed share their slopes: all is drawn in every variant.

    Returns arrays of shape ``(bins,)``: "delta_t" (ms), "delta_w", "delta_w_se" (standard error
    of delta_w) and "count"; bins with fewer than two pairs hold NaN.
    """
    _check(
        pairs=pairs,
        slope_sd=slope_sd,
        gap=gap,
        gap_spread=gap_spread,
        jitter=jitter,
        window=window,
        bins=bins,
        averaged_over=averaged_over,
        learning_rate=learning_rate,
    )
    drawn = {"generator": generator, "device": generator.device, "dtype": torch.float64}
    slopes = slope_sd * torch.randn(pairs, **drawn)  # (pairs,)
    gaps = gap + gap_spread * (torch.rand(pairs, **drawn) - 0.5)  # (pairs,)
    delta_t, delta_w = spike_pair(slopes, gaps, learning_rate)
    delta_t = delta_t + jitter * torch.randn(pairs, **drawn)
    seen = delta_t.abs() <= window
    if not seen.any():
        raise ValueError(f"no spike pair fell within ±{window} ms: widen window or add pairs")
    slopes, delta_t, delta_w = (a[seen].cpu().numpy() for a in (slopes, delta_t, delta_w))
    shared, limit = (delta_t, window) if averaged_over == "delay" else (slopes, 3 * slope_sd)
    return _averages(shared, delta_t, delta_w, bins=bins, limit=limit)


def spike_pair(slope, gap, learning_rate):
    """Delay and weight change of one ramp: ΔT = gap / u (ms), ΔW = learning_rate · u (Sec. 2).

    ΔW = learning_rate ∫ S_i (dV_j/dt) dt with S_i = δ(t), dV_j/dt = u. The crossing −gap + u t = 0
    lies after the presynaptic spike for u > 0 and before it for u < 0 (the potential has been
    falling since the postsynaptic spike); u → −u turns (ΔT, ΔW) into (−ΔT, −ΔW).
    """
    return gap / slope, learning_rate * slope


def rate_of_change(
    *,
    generator: torch.Generator,
    updates: str,
    rate: float,
    spread: float,
    scale: float,
    tau: float,
    smoothing: float,
    window: int,
    bins: int,
    neurons: int,
) -> dict[str, np.ndarray]:
    """Mean S_i dV_j/dt, or rate_i dV_j/dt over the mean rate, around pairs of spikes by their ΔT.

    Potentials V (mV, SD `spread`) of both sides are white noise filtered by `tau` and `smoothing`
    (ms); spikes are Poisson at rate · (1 + V / scale)₊ (Hz), so that nothing but V ties spikes to
    dV/dt. `updates`: "spikes" takes dV_j/dt at presynaptic spikes, "rates" weighted by the
    presynaptic rate at all times. Expected is the slope of the autocovariance of V,

        ΔW(ΔT) = −C'(ΔT) / scale = spread² (exp(−|ΔT|/tau) − exp(−|ΔT|/smoothing))
                                   · sign(ΔT) / (scale (tau − smoothing)).

    `neurons` pairs of 100 s. Returns arrays as `stdp_curve` does, from `bins` bins over ±window ms
    without ΔT = 0, and "expected", ``(bins,)``. Raises ValueError for unknown `updates`, bins that
    do not hold whole ms, a smoothing that is none or not below tau, and less than two pairs.
    """
    if updates not in ("spikes", "rates"):
        raise ValueError(f'updates is {updates!r}: give "spikes" or "rates"')
    if bins < 2 or bins % 2 or (2 * window) % bins:
        raise ValueError(f"bins is {bins}: give an even number that divides {2 * window} ms")
    if not 0 < smoothing < tau:
        raise ValueError(f"smoothing is {smoothing}: give a time between 0 and tau = {tau} ms")
    if neurons < 2:
        raise ValueError(f"neurons is {neurons}: a standard error takes 2 pairs at least")
    lags = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    sums, pairs = np.zeros((neurons, bins)), np.zeros((neurons, bins))
    for pair in range(neurons):
        potential = spread * filtered_noise(2, tau=tau, smoothing=smoothing, generator=generator)
        rates = rate / 1000 * (1 + potential / scale).clip(0)  # (2, ticks), 1/ms
        drawn = torch.rand(rates.shape, generator=generator, dtype=torch.float64).numpy()
        before, after = drawn < rates
        presynaptic = before if updates == "spikes" else rates[0]
        change = presynaptic * np.gradient(potential[1])
        sums[pair], pairs[pair] = (
            correlation(side, after, lags).reshape(bins, -1).sum(axis=1)
            for side in (change, presynaptic)
        )
    each = sums / pairs
    return {
        "delta_t": lags.reshape(bins, -1).mean(axis=1),
        "delta_w": sums.sum(axis=0) / pairs.sum(axis=0),
        "delta_w_se": each.std(axis=0, ddof=1) / np.sqrt(neurons),
        "count": pairs.sum(axis=0),
        "expected": expected_change(lags, spread, scale, tau, smoothing).reshape(bins, -1).mean(1),
    }


def filtered_noise(
    signals: int, *, tau: float, smoothing: float, generator: torch.Generator
) -> np.ndarray:
    """White noise through two low-pass filters, ms, variance 1 in the mean: ``(signals, 10⁵)``.

    Its autocovariance is (tau exp(−|t|/tau) − smoothing exp(−|t|/smoothing)) / (tau − smoothing).
    """
    ticks, settling = 100_000, int(10 * (tau + smoothing))
    noise = torch.randn(signals, settling + ticks, generator=generator, dtype=torch.float64)
    for time in (tau, smoothing):
        noise = lfilter([1 - np.exp(-1 / time)], [1, -np.exp(-1 / time)], noise)
    one, other = np.exp(-1 / tau), np.exp(-1 / smoothing)
    variance = (1 - one) * (1 - other) / ((1 + one) * (1 + other)) * (1 + one * other)
    return noise[:, settling:] / np.sqrt(variance / (1 - one * other))


def correlation(first: np.ndarray, second: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Σ_t first(t) second(t + lag), ``(lags,)``, of two signals ``(ticks,)``."""
    length = next_fast_len(len(first) + int(np.abs(lags).max()), real=True)
    spectrum = np.conj(rfft(first, length)) * rfft(second, length)
    return irfft(spectrum, length)[lags]


def expected_change(lags, spread, scale, tau, smoothing):
    """−C'(lag) / scale of the potentials of `rate_of_change`, mV/ms."""
    size = np.exp(-np.abs(lags) / tau) - np.exp(-np.abs(lags) / smoothing)
    return np.sign(lags) * spread**2 * size / (scale * (tau - smoothing))


def _averages(shared, delta_t, delta_w, *, bins, limit):
    """Means over equal bins of `shared` on ±limit; arrays in ``(seen,)``, out ``(bins,)``."""
    place = ((shared + limit) / (2 * limit) * bins).astype(int).clip(0, bins - 1)  # (seen,)
    count = np.bincount(place, minlength=bins)  # (bins,)
    few = np.where(count >= 2, count, np.nan)
    mean_t, mean_w = (np.bincount(place, a, minlength=bins) / few for a in (delta_t, delta_w))
    squares = np.bincount(place, (delta_w - mean_w[place]) ** 2, minlength=bins)
    return {
        "delta_t": mean_t,
        "delta_w": mean_w,
        "delta_w_se": np.sqrt(squares / (few - 1) / few),
        "count": count,
    }


def _check(*, pairs, slope_sd, gap, gap_spread, jitter, window, bins, averaged_over, learning_rate):
    """Raise ValueError with the remedy for the first setting that has no meaning."""
    for name, value in {
        "pairs": pairs,
        "slope_sd": slope_sd,
        "gap": gap,
        "window": window,
        "learning_rate": learning_rate,
    }.items():
        if not value > 0:
            raise ValueError(f"{name} is {value}: give a number above 0")
    if not 0 <= gap_spread <= 2 * gap:
        raise ValueError(
            f"gap_spread is {gap_spread}: give 0 (one gap) to 2 · gap = {2 * gap} mV, "
            "so that V(0) stays below the threshold"
        )
    if not jitter >= 0:
        raise ValueError(f"jitter is {jitter}: give 0 (none) or a standard deviation in ms")
    if bins < 2 or bins % 2:
        raise ValueError(f"bins is {bins}: give an even number, so that no bin straddles zero")
    if averaged_over not in ("delay", "slope"):
        raise ValueError(f'averaged_over is {averaged_over!r}: give "delay" or "slope"')
