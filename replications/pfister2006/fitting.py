"""Least squares of a rule's weight changes on measurements.

    E = mean over the measurements of ((change of the model − change measured) / standard error)²

A change is linear in the rule's amplitudes, which are found exactly (non-negative least squares);
its time constants are searched by the simplex method on a logarithmic scale, from random starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
import torch
from scipy.optimize import minimize, nnls

from replications.core.learn.spiking.plasticity import PlasticityRule
from replications.pfister2006.protocols import Protocol

Range = tuple[float, float]


def changes(rule: PlasticityRule, protocols: Sequence[Protocol]) -> np.ndarray:
    """The change of the weight after each protocol, ``(protocols,)``."""
    amplitudes = np.array([getattr(rule, name) for name in rule.AMPLITUDES])
    return design(rule, protocols) @ amplitudes


def design(rule: PlasticityRule, protocols: Sequence[Protocol]) -> np.ndarray:
    """The rule's terms after each protocol, ``(protocols, amplitudes)``."""
    return np.array([protocol.terms(rule) for protocol in protocols])


def squared_error(model: np.ndarray, measured: np.ndarray, error: np.ndarray) -> float:
    """E, in squared standard errors; arrays of one shape."""
    return float(np.mean(((model - measured) / error) ** 2))


def fit(
    rule: PlasticityRule,
    protocols: Sequence[Protocol],
    measured: np.ndarray,
    error: np.ndarray,
    *,
    free: Sequence[str],
    searched: Mapping[str, Range],
    starts: int,
    generator: torch.Generator,
) -> PlasticityRule:
    """The rule with the least E: `free` amplitudes above 0, `searched` time constants (ms) within.

    `measured` and `error`: ``(protocols,)``. Other fields keep their values. The best of `starts`
    searches is given back. Raises ValueError if `free` names no amplitude of the rule, or nothing,
    and if `searched` names no time constant of it, or one from 0 ms on.
    """
    check_names("free", free, rule.AMPLITUDES)
    check_names("searched", searched, [f.name for f in fields(rule) if f.name.startswith("tau")])
    if not free:
        raise ValueError("free: names no amplitude, so that there is nothing to fit")
    for name, (low, high) in searched.items():
        if not 0 < low < high:
            raise ValueError(f"searched.{name} is {low} to {high} ms: give a range above 0")
    columns = [rule.AMPLITUDES.index(name) for name in free]

    def best(candidate: PlasticityRule) -> tuple[float, PlasticityRule]:
        terms = design(candidate, protocols)
        fixed = [0.0 if name in free else getattr(rule, name) for name in rule.AMPLITUDES]
        rest = measured - terms @ np.array(fixed)
        amplitudes, _ = nnls(terms[:, columns] / error[:, None], rest / error)
        found = replace(candidate, **dict(zip(free, amplitudes.tolist(), strict=True)))
        model = terms @ np.array([getattr(found, name) for name in rule.AMPLITUDES])
        return squared_error(model, measured, error), found

    if not searched:
        return best(rule)[1]
    low, high = np.log(np.array(list(searched.values()))).T

    def at(point: np.ndarray) -> PlasticityRule:
        return replace(rule, **dict(zip(searched, np.exp(point).tolist(), strict=True)))

    uniform = torch.rand(starts, len(low), generator=generator, dtype=torch.float64).numpy()
    ends = [
        minimize(
            lambda point: best(at(point))[0], start, method="Nelder-Mead",
            bounds=np.stack([low, high], axis=1), options={"xatol": 1e-3, "fatol": 1e-6},
        )
        for start in low + uniform * (high - low)
    ]  # fmt: skip
    return best(at(min(ends, key=lambda end: end.fun).x))[1]


def check_names(what: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Raise ValueError, naming what there is, if something given is not known."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"{what}: {', '.join(unknown)}: choose from {', '.join(known)}")
