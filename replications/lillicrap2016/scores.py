"""Scores of the simulations."""

from __future__ import annotations

import numpy as np

from replications.core.base.scores import Score
from replications.lillicrap2016.simulation import RULES

Arrays = dict[str, np.ndarray]
LEARNT = 1e-3
DIRECTIONS = ("back-propagation", "pseudo-backprop")


def linear_task(arrays: Arrays) -> list[Score]:
    """normalised_error of each rule at the end, and how feedback alignment turns.

    angle_to, degrees: of its Δh to that of back-propagation and of pseudo-backprop, over the first
    `every` examples ("at first") and over the last before the error is below LEARNT: of no error
    there is no direction.
    """
    scores = [Score("normalised_error", arrays[rule][-1], rule) for rule in RULES]
    last = np.flatnonzero(arrays["feedback alignment"][:-1] >= LEARNT)[-1]
    for direction in DIRECTIONS:
        turned = arrays[f"angle, {direction}"]
        scores += [
            Score("angle_to", turned[0], f"{direction}, at first"),
            Score("angle_to", turned[last], direction),
        ]
    return scores


def initial_scales(arrays: Arrays) -> list[Score]:
    """angle_to, degrees, and normalised_error, by the scale of the initial weights."""
    scores = []
    for k, scale in enumerate(arrays["scales"]):
        scores.append(Score("normalised_error", arrays["error"][k], f"scale {scale:g}"))
        scores += [
            Score("angle_to", arrays[f"angle, {direction}"][k], f"{direction}, scale {scale:g}")
            for direction in DIRECTIONS
        ]
    return scores


def conservation(arrays: Arrays) -> list[Score]:
    """largest_drift of the conserved quantity, and map_error at the end, by start."""
    return [
        Score(metric, value, start)
        for start in ("random", "zero")
        for metric, value in (
            ("largest_drift", arrays[f"{start}, drift"].max()),
            ("map_error", arrays[f"{start}, error"][-1]),
        )
    ]


def nonlinear_task(arrays: Arrays) -> list[Score]:
    """normalised_error at the end, mean over the networks, by student and rule.

    The smaller of both depths is told by the difference between them, too: depth_advantage, of
    the mean, over its standard error.
    """
    names = [name for name in arrays if name != "examples"]
    scores = [Score("normalised_error", arrays[name][-1].mean(), name) for name in names]
    students = list(dict.fromkeys(name.split(", ")[0] for name in names))
    for rule in dict.fromkeys(name.split(", ")[1] for name in names):
        few, more = (arrays[f"{student}, {rule}"][-1] for student in students)
        spread = np.sqrt(few.var(ddof=1) / len(few) + more.var(ddof=1) / len(more))
        scores.append(Score("depth_advantage", (few.mean() - more.mean()) / spread, rule))
    return scores


def three_neurons(arrays: Arrays) -> list[Score]:
    """Where paths end: share_solved, |1 - w0 w1| below 1e-3, of all starts and of those near 0
    (both weights within 1/2), percent; largest_drift of 2 w1 - w0²."""
    paths, kept = arrays["paths"], arrays["quantity"]
    solved = np.abs(1 - paths[-1].prod(axis=-1)) < 1e-3
    near = (np.abs(paths[0]) < 0.5).all(axis=-1)
    drift = np.abs(kept - kept[0]).max()
    return [
        Score("share_solved", 100 * solved.mean(), "all starts"),
        Score("share_solved", 100 * solved[near].mean(), "starts near 0"),
        Score("largest_drift", drift),
    ]
