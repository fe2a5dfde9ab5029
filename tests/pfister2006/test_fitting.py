"""The fit: it finds what made the data, and its E is the least there is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from replications.core.learn.spiking.triplet import TripletRule
from replications.pfister2006.fitting import changes, fit, squared_error
from replications.pfister2006.measurements import LAGS, RATES
from replications.pfister2006.protocols import sixty_pairings

TRUE = TripletRule(
    a2_plus=0.0, a3_plus=6e-3, a2_minus=7e-3, a3_minus=0.0, tau_plus=16.8, tau_minus=33.7,
    tau_x=100.0, tau_y=80.0, pairing="all_to_all",
)  # fmt: skip
GRID = [sixty_pairings(rate, lag) for lag in LAGS for rate in RATES]
ERROR = np.linspace(0.05, 0.3, len(GRID))


def fitted(measured, **given):
    settings = {"free": ["a3_plus", "a2_minus"], "searched": {}, "starts": 1} | given
    start = replace(TRUE, a3_plus=0.0, a2_minus=0.0)
    return fit(start, GRID, measured, ERROR, generator=torch.Generator().manual_seed(1), **settings)


def test_parameters_that_made_the_data_are_found():
    found = fitted(changes(TRUE, GRID), searched={"tau_y": (1, 1000)}, starts=2)
    assert found.tau_y == pytest.approx(80, rel=1e-2)
    assert found.a3_plus == pytest.approx(6e-3, rel=1e-2)
    assert found.a2_minus == pytest.approx(7e-3, rel=1e-2)


def test_no_step_away_from_the_fit_is_better():
    measured = changes(TRUE, GRID) + np.random.default_rng(0).normal(0, 0.1, len(GRID))
    found = fitted(measured)
    least = squared_error(changes(found, GRID), measured, ERROR)
    for name in ("a3_plus", "a2_minus"):
        for factor in (0.99, 1.01):
            other = replace(found, **{name: factor * getattr(found, name)})
            assert squared_error(changes(other, GRID), measured, ERROR) > least


def test_amplitudes_that_are_not_free_count_and_stay():
    held = replace(TRUE, a3_plus=0.0)
    found = fit(held, GRID, changes(TRUE, GRID), ERROR, free=["a3_plus"], searched={}, starts=1,
                generator=torch.Generator())  # fmt: skip
    assert found.a2_minus == TRUE.a2_minus
    assert found.a3_plus == pytest.approx(TRUE.a3_plus)


def test_amplitudes_are_never_below_zero():
    assert fitted(-changes(replace(TRUE, a2_minus=0.0), GRID)).a3_plus == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"free": ["tau_y"]}, "free: tau_y: choose from a2_plus"),
        ({"free": []}, "free: names no amplitude"),
        ({"searched": {"tau_z": (1, 2)}}, "searched: tau_z: choose from tau_plus"),
        ({"searched": {"tau_y": (0, 2)}}, "searched.tau_y is 0 to 2 ms: give a range above 0"),
    ],
)
def test_what_cannot_be_fitted_is_told(given, message):
    with pytest.raises(ValueError, match=message):
        fitted(np.zeros(len(GRID)), **given)
