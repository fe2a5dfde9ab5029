"""Scores of the simulations: rows {"metric", "layer", "value"} out of their arrays."""

from __future__ import annotations

import numpy as np

Arrays = dict[str, np.ndarray]
Row = dict[str, object]


def rows(arrays: Arrays) -> list[Row]:
    """The rows of the simulation that the arrays come from, told by an array that it alone has."""
    (found,) = (of(arrays) for name, of in SCORES.items() if name in arrays)
    return found


def row(metric: str, layer: str, value: float) -> Row:
    """One score; "layer" says which part of the simulation it is about."""
    return {"metric": metric, "layer": layer, "value": float(value)}


def slope(x: np.ndarray, error: np.ndarray) -> float:
    """Least-squares slope of log error against log x: the order of the error in x."""
    return np.polyfit(np.log(x), np.log(error), 1)[0]


def shares(arrays: Arrays, layer: str = "", suffix: str = "") -> list[Row]:
    """What share of the units and of the examples the scores are about."""
    names = [name for name in ("inside", "kept") if name + suffix in arrays]
    return [row("share", ", ".join(filter(None, [n, layer])), arrays[n + suffix]) for n in names]


def gradient_estimate(arrays: Arrays) -> list[Row]:
    """The order of both errors in beta by depth, and cosines by layer, with the lowest of them."""
    found, cosines = [], []
    for h in sorted(n.removeprefix("one_sided_") for n in arrays if n.startswith("one_sided")):
        depth = f"{h} hidden"
        for name, array in (("one-sided", f"one_sided_{h}"), ("symmetric", f"symmetric_{h}")):
            found.append(row("order", f"{name}, {depth}", slope(arrays["beta"], arrays[array])))
        for metric in ("cosine", "norm_ratio"):
            values = enumerate(arrays[f"{metric}_{h}"], start=1)
            found += [row(metric, f"W{k}, {depth}", value) for k, value in values]
        cosines += list(arrays[f"cosine_{h}"])
        found += shares(arrays, depth, f"_{h}")
    return [*found, row("cosine", "lowest", min(cosines))]


def energy_descent(arrays: Arrays) -> list[Row]:
    """The order of the discretisation's error, and the largest rise of F at any step size."""
    return [
        scored
        for phase in ("free", "nudged")
        for scored in (
            row("order", phase, slope(arrays["step_size"], arrays[f"error_{phase}"])),
            row("largest_rise", phase, arrays[f"largest_rise_{phase}"].max()),
        )
    ]


def nudged_cost(arrays: Arrays) -> list[Row]:
    """The largest dC/dbeta at 0 of any example, its error, and how often C falls in the sweep."""
    kept = arrays["smooth"].astype(bool)
    derivative, implicit = arrays["derivative"], arrays["implicit"]
    error = np.linalg.norm((derivative - implicit)[kept]) / np.linalg.norm(implicit[kept])
    falls = (np.diff(arrays["cost"], axis=0) <= 0).mean()
    return [
        row("largest_derivative", "", derivative.max()),
        row("relative_error", "derivative", error),
        row("share", "falls", falls),
        row("share", "kept", kept.mean()),
    ]


def stdp_integral(arrays: Arrays) -> list[Row]:
    """The order of the left rule's error, and the midpoint rule's largest error."""
    return [
        row("order", "left", slope(arrays["step_size"], arrays["left"])),
        row("relative_error", "left, smallest step", arrays["left"][-1]),
        row("relative_error", "midpoint", arrays["midpoint"].max()),
    ]


def recurrent_backpropagation(arrays: Arrays) -> list[Row]:
    """The order in beta of the worst step's error, and that error at the smallest beta."""
    worst = arrays["error"].max(axis=1)  # (K,)
    return [
        row("order", "", slope(arrays["beta"], worst)),
        row("relative_error", "worst step", worst[-1]),
        *shares(arrays),
    ]


def backpropagation_through_time(arrays: Arrays) -> list[Row]:
    """The process error of each layer at the smallest beta, the largest, and its order in beta."""
    layers = [f"W{k}" for k in range(1, arrays["process_error"].shape[1] + 1)]
    errors = dict(zip(layers, arrays["process_error"].T, strict=True))
    return [
        *(row("process_error", name, error[-1]) for name, error in errors.items()),
        row("process_error", "largest", max(error[-1] for error in errors.values())),
        *(row("order", name, slope(arrays["beta"], error)) for name, error in errors.items()),
        *shares(arrays),
    ]


def feedback_gain(arrays: Arrays) -> list[Row]:
    """By layer, the order of the error in the gain, and cosine and norm ratio at the smallest."""
    found = []
    for k, error in enumerate(arrays["error"].T):
        name = f"W{k + 1}"
        found.append(row("order", name, slope(arrays["feedback_gain"], error)))
        for metric in ("cosine", "norm_ratio"):
            found.append(row(metric, name, arrays[metric][-1, k]))
    lowest, furthest = arrays["cosine"][-1].min(), np.abs(arrays["norm_ratio"][-1] - 1).argmax()
    return [
        *found,
        row("cosine", "lowest", lowest),
        row("norm_ratio", "furthest from 1", arrays["norm_ratio"][-1, furthest]),
        *shares(arrays),
    ]


def clamped_limit(arrays: Arrays) -> list[Row]:
    """The error's order in 1 / beta, its last value, and how often the objective is negative."""
    error = arrays["limit_error"]
    return [
        row("order", "in 1 / beta", slope(1 / arrays["beta"], error)),
        row("relative_error", "largest beta", error[-1]),
        row("share", "negative, one mode", (arrays["objective"] < -1e-9).mean()),
        row("share", "negative, several modes", (arrays["wild_objective"] < -1e-9).mean()),
    ]


def convergence(arrays: Arrays) -> list[Row]:
    """Iterations by solver and depth, their order in the depth, and how far the solvers differ."""
    ways = ("euler", "alternate")
    counts = [
        row("iterations", f"{way}, {depth} hidden", count)
        for way in ways
        for depth, count in zip(arrays["depth"], arrays[way], strict=True)
    ]
    return [
        *counts,
        *(row("order", way, slope(arrays["depth"], arrays[way])) for way in ways),
        row("iterations_ratio", "", (arrays["euler"] / arrays["alternate"]).mean()),
        row("largest_difference", "", arrays["largest_difference"].max()),
    ]


def langevin(arrays: Arrays) -> list[Row]:
    """The difference from the deterministic estimate by temperature, and its Monte Carlo error."""
    named = (("relative_error", "difference"), ("standard_error", "standard_error"))
    return [
        row(metric, f"T = {temperature:g}", value)
        for metric, name in named
        for temperature, value in zip(arrays["temperature"], arrays[name], strict=True)
    ]


# By an array that no other simulation has.
SCORES = {
    "one_sided_1": gradient_estimate,
    "dissipated_free": energy_descent,
    "smooth": nudged_cost,
    "midpoint": stdp_integral,
    "error_derivative": recurrent_backpropagation,
    "process_error": backpropagation_through_time,
    "feedback_gain": feedback_gain,
    "limit_error": clamped_limit,
    "largest_difference": convergence,
    "temperature": langevin,
}
