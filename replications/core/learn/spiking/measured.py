"""Measurements of plasticity by spike timing that several papers are compared with."""

import numpy as np

# Bi & Poo (1998), Fig. 7, as fitted in the later literature: time constants (ms) are read,
# amplitudes (relative change of the synaptic current after 60 pairs at 1 Hz) are recalled. The
# single measurements are not to hand.
BI_POO = {
    "potentiation": {"amplitude": 0.78, "tau": 16.8},
    "depression": {"amplitude": -0.27, "tau": 33.7},
}


def bi_poo_window(lags: np.ndarray) -> np.ndarray:
    """amplitude · exp(−|lag| / tau) on each side, 0 at lag 0; lags (ms): post less pre."""
    sides = ((lags > 0, BI_POO["potentiation"]), (lags < 0, BI_POO["depression"]))
    windows = [
        np.where(there, side["amplitude"] * np.exp(-np.abs(lags) / side["tau"]), 0.0)
        for there, side in sides
    ]
    return np.sum(windows, axis=0)
