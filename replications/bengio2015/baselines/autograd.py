"""Updates by automatic differentiation: the baselines are trained by back-propagation."""

from collections.abc import Mapping

import torch
from torch import Tensor


def leaves(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same values (shared, not copied), detached and requiring grad: what a loss is made of.

    The parameters themselves never require grad, so the outer loop may change them in place.
    """
    return {name: value.detach().requires_grad_() for name, value in parameters.items()}


def descent(loss: Tensor, leaves: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """-dloss/dp for every leaf p, named like the leaves.

    Raises RuntimeError for a leaf that the loss does not depend on: it is not given a zero.
    """
    gradients = torch.autograd.grad(loss, list(leaves.values()))
    return {name: -gradient for name, gradient in zip(leaves, gradients, strict=True)}
