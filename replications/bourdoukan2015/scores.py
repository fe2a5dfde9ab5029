"""Scores of the simulation: how well the population decodes, and how near it is to the optimum."""

from __future__ import annotations

import numpy as np
import torch

from replications.bourdoukan2015.measures import eigenvalues, relative
from replications.bourdoukan2015.simulation import JOINT, LEARNED, UNTRAINED
from replications.core.base.scores import Score


def learning(arrays: dict[str, np.ndarray]) -> list[Score]:
    """What a population has learned; the part is a condition, or "untrained".

    Of the last tests decoding_error, weight_distance of the "fast" and the "slow" weights from the
    optimal ones, and of the fast ones from −F Fᵀ ("fast without μ"), dynamics_distance,
    eigenvalue_distance, balance, output_rate and irregularity; and decoding_error with feedback in
    the first and in the last tenth of learning.
    """
    scores = []
    names = [key.split(JOINT)[1] for key in arrays if key.startswith(f"decoding_error{JOINT}")]
    true = eigenvalues(torch.from_numpy(arrays["dynamics"])).numpy()
    for part, name, at in [(UNTRAINED, LEARNED, 0), *((n, n, -1) for n in names)]:
        of = {k.split(JOINT)[0]: v for k, v in arrays.items() if k.endswith(JOINT + name)}
        found = {(m, part): of[m][at] for m in ("decoding_error", "dynamics_distance", "balance",
                                                 "output_rate", "irregularity")}  # fmt: skip
        found["eigenvalue_distance", part] = relative(
            torch.from_numpy(of["eigenvalues"][at]), torch.from_numpy(true)
        )
        for kind, key in (("fast", "fast"), ("fast without μ", "rule"), ("slow", "slow")):
            found["weight_distance", f"{part}, {kind}"] = of[f"{key}_distance"][at]
        if part != UNTRAINED:
            course = of["learning_error"]
            tenth = -(-len(course) // 10)
            for when, of_it in (("first", course[:tenth]), ("last", course[-tenth:])):
                found["decoding_error", f"{part}, {when} tenth of learning"] = of_it.mean()
        if np.isnan(found["irregularity", part]):  # hardly a spike
            del found["irregularity", part]
        scores += [Score(metric, value, whose) for (metric, whose), value in found.items()]
    return scores
