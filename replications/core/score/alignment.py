"""How a learning rule's update relates to the gradient that it stands for."""

from __future__ import annotations

import math

from torch import Tensor


def alignment(update: Tensor, gradient: Tensor) -> dict[str, float]:
    """Cosine and angle (degrees) between `update` and -`gradient`, and |update| / |gradient|.

    Any equal shapes. An update of zero, or a gradient of zero, points nowhere: its cosine is 0,
    its angle 90 degrees and its norm ratio 0. Computed in float64.
    """
    u, g = update.double().flatten(), gradient.double().flatten()
    norms = float(u.norm()), float(g.norm())
    if 0 in norms:
        return {"cosine": 0.0, "angle": 90.0, "norm_ratio": 0.0}
    cosine = max(-1.0, min(1.0, float(-(u @ g)) / (norms[0] * norms[1])))
    angle = math.degrees(math.acos(cosine))
    return {"cosine": cosine, "angle": angle, "norm_ratio": norms[0] / norms[1]}
