"""Pfister & Gerstner 2006: which rule of plasticity follows the measured dependence on frequency.

A candidate is a rule with what is to be fitted of it: {"rule": {"triplet": {...}}, "free": [...],
"searched": {...}} (see `fitting.fit`). Rules are "pair", "triplet" and "voltage" (Clopath et al.
2010). Free amplitudes that are left out are those that only the fit gives; a candidate that has all
its numbers is also compared with the data as it is, "published", and one with nothing free only so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

import numpy as np
from torch import Generator

from replications.core.learn.spiking.measured import bi_poo_window
from replications.core.learn.spiking.pair import PairRule
from replications.core.learn.spiking.plasticity import PlasticityRule
from replications.core.learn.spiking.triplet import TripletRule
from replications.core.learn.spiking.voltage import VoltageRule
from replications.pfister2006 import measurements
from replications.pfister2006.fitting import changes, check_names, fit
from replications.pfister2006.protocols import PROTOCOLS, Protocol

RULES = {"pair": PairRule, "triplet": TripletRule, "voltage": VoltageRule}
CURVE = np.concatenate([[0.1, 1, 2], np.arange(4.0, 51.0, 2)])  # Hz, of the figures' lines
REACH = 100  # ms, the largest lag of the STDP window
JOINT = " | "  # between the parts of an array's name

Arrays = dict[str, np.ndarray]
Candidates = Mapping[str, Mapping]


def frequency_dependence(
    *, generator: Generator, candidates: Candidates, protocols: Sequence[str], starts: int
) -> Arrays:
    """Candidates against Sjöström et al. (2001) under each of some protocols.

    Names are "<what> | <candidate> | fitted or published | <protocol>". "change", (2, 5): at the
    lags +10 and −10 ms and the measured rates; "curve", (2, C): at the rates of CURVE;
    "parameters", (P,): the rule's numbers in the order of its fields. Raises ValueError for a
    protocol or a rule that there is not.
    """
    arrays: Arrays = {}
    for name in protocols:
        if name not in PROTOCOLS:
            raise ValueError(f"protocols: unknown {name!r}: choose from {', '.join(PROTOCOLS)}")
        measured, lines = (grid(PROTOCOLS[name], rates) for rates in (measurements.RATES, CURVE))
        for candidate, given in candidates.items():
            start, complete = build(given)
            rules = {"published": start} if complete else {}
            if given["free"]:
                rules["fitted"] = fit(
                    start, measured, measurements.CHANGE.ravel(), measurements.ERROR.ravel(),
                    starts=starts, generator=generator, free=given["free"],
                    searched=given["searched"],
                )  # fmt: skip
            for which, rule in rules.items():
                label = JOINT.join((candidate, which, name))
                arrays[f"change{JOINT}{label}"] = changes(rule, measured).reshape(2, -1)
                arrays[f"curve{JOINT}{label}"] = changes(rule, lines).reshape(2, -1)
                arrays[f"parameters{JOINT}{label}"] = numbers(rule)
    return arrays


def window(
    *, generator: Generator, candidates: Candidates, rate: float, pairs: int, points: int
) -> Arrays:
    """Each candidate's change by lag, beside the window of Bi & Poo (1998).

    `pairs` pairs at `rate` Hz, lags at `points` steps up to REACH ms on each side. Free amplitudes
    are fitted to the window, others are as they are; nothing is searched, so that `generator` is
    not drawn from. "lags" and "measured", (2 · points,); "window | <candidate>", (2 · points,).
    """
    steps = np.linspace(REACH / points, REACH, points)
    lags = np.concatenate([-steps[::-1], steps])
    measured = bi_poo_window(lags)
    arrays: Arrays = {"lags": lags, "measured": measured}
    for candidate, given in candidates.items():
        rule, _ = build(given)
        protocols = [Protocol(rate, lag, pairs, 1) for lag in lags]
        if given["free"]:
            rule = fit(
                rule, protocols, measured, np.ones_like(measured),
                starts=1, generator=generator, free=given["free"], searched=given["searched"],
            )  # fmt: skip
        arrays[f"window{JOINT}{candidate}"] = changes(rule, protocols)
    return arrays


def build(candidate: Mapping) -> tuple[PlasticityRule, bool]:
    """The rule, amplitudes to be fitted set to 0 where left out, and whether none was.

    Raises ValueError for other keys than rule, free and searched, for an unknown rule, and for
    parameters that it does not have or lacks.
    """
    if set(candidate) != {"rule", "free", "searched"}:
        raise ValueError(f"a candidate has rule, free and searched, not {', '.join(candidate)}")
    ((name, given),) = candidate["rule"].items()
    if name not in RULES:
        raise ValueError(f"rule: unknown {name!r}: choose from {', '.join(RULES)}")
    free = candidate["free"]
    check_names("free", free, RULES[name].AMPLITUDES)
    known = {field.name for field in fields(RULES[name])}
    unknown, missing = sorted(set(given) - known), sorted(known - set(given) - set(free))
    if unknown or missing:
        raise ValueError(
            f"rule: {name} takes {', '.join(sorted(known))}"
            + (f"; unknown: {', '.join(unknown)}" if unknown else "")
            + (f"; missing: {', '.join(missing)}" if missing else "")
        )
    return RULES[name](**{**dict.fromkeys(free, 0.0), **given}), set(free) <= set(given)


def grid(protocol, rates: np.ndarray) -> list[Protocol]:
    """The protocol at both lags and all rates, lags first."""
    return [protocol(rate, lag) for lag in measurements.LAGS for rate in rates]


def numbers(rule: PlasticityRule) -> np.ndarray:
    """The rule's numeric fields in their order."""
    return np.array([float(v) for v in asdict(rule).values() if not isinstance(v, str)])
