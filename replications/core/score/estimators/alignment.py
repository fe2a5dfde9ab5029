"""How a learning rule's update relates to the gradient that it stands for."""

from __future__ import annotations

from torch import Tensor


def alignment(update: Tensor, gradient: Tensor) -> dict[str, float]:
    """Cosine and angle (degrees) between `update` and -`gradient`, and |update| / |gradient|.

    Any equal shapes. An update of zero, or a gradient of zero, points nowhere: its cosine is 0,
    its angle 90 degrees and its norm ratio 0. What is not
    finite comes out as NaN. Computed in float64.
    """
    u, g = (tensor.cpu().double().flatten() for tensor in (update, gradient))
    norms = u.norm(), g.norm()
    if 0 in norms:
        return {"cosine": 0.0, "angle": 90.0, "norm_ratio": 0.0}
    cosine = (-(u @ g) / (norms[0] * norms[1])).clamp(-1, 1)  # keeps NaN, unlike min and max
    angle = cosine.acos().rad2deg()
    return {
        "cosine": float(cosine),
        "angle": float(angle),
        "norm_ratio": float(norms[0] / norms[1]),
    }
