"""Scores of the simulations, each out of the arrays of the one of its name."""

from __future__ import annotations

import numpy as np

from replications.core.base.scores import Score

Arrays = dict[str, np.ndarray]


def slope(x: np.ndarray, error: np.ndarray) -> float:
    """Least-squares slope of log error against log x: the order of the error in x."""
    return np.polyfit(np.log(x), np.log(error), 1)[0]


def shares(arrays: Arrays, part: str = "", suffix: str = "") -> list[Score]:
    """What share of the units and of the examples the scores are about."""
    names = [name for name in ("inside", "kept") if name + suffix in arrays]
    return [Score("share", arrays[n + suffix], ", ".join(filter(None, [n, part]))) for n in names]


def gradient_estimate(arrays: Arrays) -> list[Score]:
    """The order of both errors in beta by depth, and cosines by layer, with the lowest of them."""
    found, cosines = [], []
    for h in sorted(n.removeprefix("one_sided_") for n in arrays if n.startswith("one_sided")):
        depth = f"{h} hidden"
        for name, array in (("one-sided", f"one_sided_{h}"), ("symmetric", f"symmetric_{h}")):
            found.append(Score("order", slope(arrays["beta"], arrays[array]), f"{name}, {depth}"))
        for metric in ("cosine", "norm_ratio"):
            values = enumerate(arrays[f"{metric}_{h}"], start=1)
            found += [Score(metric, value, f"W{k}, {depth}") for k, value in values]
        cosines += list(arrays[f"cosine_{h}"])
        found += shares(arrays, depth, f"_{h}")
    return [*found, Score("cosine", min(cosines), "lowest")]


def energy_descent(arrays: Arrays) -> list[Score]:
    """The order of the discretisation's error, and the largest rise of F at any step size."""
    return [
        scored
        for phase in ("free", "nudged")
        for scored in (
            Score("order", slope(arrays["step_size"], arrays[f"error_{phase}"]), phase),
            Score("largest_rise", arrays[f"largest_rise_{phase}"].max(), phase),
        )
    ]


def nudged_cost(arrays: Arrays) -> list[Score]:
    """The largest dC/dbeta at 0 of any example, its error, and how often C falls in the sweep."""
    kept = arrays["smooth"].astype(bool)
    derivative, implicit = arrays["derivative"], arrays["implicit"]
    error = np.linalg.norm((derivative - implicit)[kept]) / np.linalg.norm(implicit[kept])
    falls = (np.diff(arrays["cost"], axis=0) <= 0).mean()
    return [
        Score("largest_derivative", derivative.max()),
        Score("relative_error", error, "derivative"),
        Score("share", falls, "falls"),
        Score("share", kept.mean(), "kept"),
    ]


def stdp_integral(arrays: Arrays) -> list[Score]:
    """The order of the left rule's error, and the midpoint rule's largest error."""
    return [
        Score("order", slope(arrays["step_size"], arrays["left"]), "left"),
        Score("relative_error", arrays["left"][-1], "left, smallest step"),
        Score("relative_error", arrays["midpoint"].max(), "midpoint"),
    ]


def recurrent_backpropagation(arrays: Arrays) -> list[Score]:
    """The order in beta of the worst step's error, and that error at the smallest beta."""
    worst = arrays["error"].max(axis=1)  # (K,)
    return [
        Score("order", slope(arrays["beta"], worst)),
        Score("relative_error", worst[-1], "worst step"),
        *shares(arrays),
    ]


def backpropagation_through_time(arrays: Arrays) -> list[Score]:
    """The process error of each layer at the smallest beta, the largest, and its order in beta."""
    layers = [f"W{k}" for k in range(1, arrays["process_error"].shape[1] + 1)]
    errors = dict(zip(layers, arrays["process_error"].T, strict=True))
    return [
        *(Score("process_error", error[-1], name) for name, error in errors.items()),
        Score("process_error", max(error[-1] for error in errors.values()), "largest"),
        *(Score("order", slope(arrays["beta"], error), name) for name, error in errors.items()),
        *shares(arrays),
    ]


def feedback_gain(arrays: Arrays) -> list[Score]:
    """By layer, the order of the error in the gain, and cosine and norm ratio at the smallest."""
    found = []
    for k, error in enumerate(arrays["error"].T):
        name = f"W{k + 1}"
        found.append(Score("order", slope(arrays["feedback_gain"], error), name))
        for metric in ("cosine", "norm_ratio"):
            found.append(Score(metric, arrays[metric][-1, k], name))
    lowest, furthest = arrays["cosine"][-1].min(), np.abs(arrays["norm_ratio"][-1] - 1).argmax()
    return [
        *found,
        Score("cosine", lowest, "lowest"),
        Score("norm_ratio", arrays["norm_ratio"][-1, furthest], "furthest from 1"),
        *shares(arrays),
    ]


def clamped_limit(arrays: Arrays) -> list[Score]:
    """The error's order in 1 / beta, its last value, and how often the objective is negative."""
    error = arrays["limit_error"]
    return [
        Score("order", slope(1 / arrays["beta"], error), "in 1 / beta"),
        Score("relative_error", error[-1], "largest beta"),
        Score("share", (arrays["objective"] < -1e-9).mean(), "negative, one mode"),
        Score("share", (arrays["wild_objective"] < -1e-9).mean(), "negative, several modes"),
    ]


def convergence(arrays: Arrays) -> list[Score]:
    """Iterations by solver and depth, their order in the depth, and how far the solvers differ."""
    ways = ("euler", "alternate")
    counts = [
        Score("iterations", count, f"{way}, {depth} hidden")
        for way in ways
        for depth, count in zip(arrays["depth"], arrays[way], strict=True)
    ]
    return [
        *counts,
        *(Score("order", slope(arrays["depth"], arrays[way]), way) for way in ways),
        Score("iterations_ratio", (arrays["euler"] / arrays["alternate"]).mean()),
        Score("largest_difference", arrays["largest_difference"].max()),
    ]


def langevin(arrays: Arrays) -> list[Score]:
    """The difference from the deterministic estimate by temperature, and its Monte Carlo error."""
    named = (("relative_error", "difference"), ("standard_error", "standard_error"))
    return [
        Score(metric, value, f"T = {temperature:g}")
        for metric, name in named
        for temperature, value in zip(arrays["temperature"], arrays[name], strict=True)
    ]
