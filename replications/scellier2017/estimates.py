"""Updates compared with gradients: relative error, cosine and norm ratio."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from replications.core.learn.learning import Updates
from replications.scellier2017 import gradients
from replications.scellier2017.network import States
from replications.scellier2017.rule import contrast
from replications.scellier2017.settled import Settled, active, unchanged


def flat(updates: Updates) -> Tensor:
    """All parameters of an update in one vector, (P,)."""
    return torch.cat([u.flatten() for u in updates.values()])


def relative_error(found: Tensor, truth: Tensor) -> float:
    """|found - truth| / |truth|, Euclidean norms over all entries."""
    return float((found - truth).norm() / truth.norm())


def by_layer(update: Updates, gradient: Updates) -> dict[str, np.ndarray]:
    """Relative "error", "cosine", "norm_ratio" of `update` and -`gradient`, W_1 to W_n: (n,)."""
    pairs = [(-update[name], gradient[name]) for name in gradient if name[0] == "W"]
    products = [float((u * g).sum() / (u.norm() * g.norm())) for u, g in pairs]
    return {
        "error": np.array([relative_error(u, g) for u, g in pairs]),
        "cosine": np.array(products),
        "norm_ratio": np.array([float(u.norm() / g.norm()) for u, g in pairs]),
    }


def shares(whole: Settled, kept: Tensor) -> dict[str, np.ndarray]:
    """ "inside", units strictly inside (0, 1) at the free fixed points, and "kept" examples."""
    inside = active(whole.free)
    return {"inside": inside.double().mean().numpy(), "kept": kept.double().mean().numpy()}


def smooth(
    whole: Settled, betas: Sequence[float], **settings
) -> tuple[Settled, list[list[States]], dict[str, np.ndarray]]:
    """The examples whose active set stays in the nudged phases of all `betas`, and `shares`.

    Between them the examples' paths through these phases, by beta.
    """
    paths = [whole.path(beta, **settings) for beta in betas]
    kept = unchanged(whole.free, [states for path in paths for states in path])
    own = [[[layer[kept] for layer in states] for states in path] for path in paths]
    return whole.only(kept), own, shares(whole, kept)


def contrastive_objective(case: Settled, clamped: States) -> Tensor:
    """E at the states with outputs clamped to the targets less E at the free ones, (B,)."""
    energy = case.network.energy
    return energy(case.inputs, clamped) - energy(case.inputs, case.free)


def against_implicit_gradient(whole: Settled, betas: Sequence[float]) -> dict[str, np.ndarray]:
    """Relative errors over all parameters, one-sided and symmetric, against beta; see `by_layer`.

    One-sided: contrast of s^beta and s^0 over beta; symmetric: of s^beta and s^-beta over 2 beta
    (Laborieux et al. 2021). Over the examples whose active set is the same at all of these.
    """
    ends = [(whole.nudged(-beta), whole.nudged(beta)) for beta in betas]
    kept = unchanged(whole.free, [states for pair in ends for states in pair])
    case = whole.only(kept)
    gradient = gradients.implicit_gradient(case)
    errors = []
    for beta, pair in zip(betas, ends, strict=True):
        below, above = ([s[kept] for s in states] for states in pair)
        symmetric = contrast(case.inputs, below, above, 2 * beta)
        pair = contrast(case.inputs, case.free, above, beta), symmetric
        errors.append([relative_error(-flat(update), flat(gradient)) for update in pair])
    one_sided, centred = np.array(errors).T.copy()  # (2, K)
    layers = by_layer(symmetric, gradient)
    return {
        "one_sided": one_sided,
        "symmetric": centred,
        "cosine": layers["cosine"],
        "norm_ratio": layers["norm_ratio"],
        **shares(whole, kept),
    }
