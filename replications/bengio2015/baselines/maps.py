"""Affine maps named in a dictionary of parameters."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import linear


def affine(name: str, inputs: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    """inputs W^T + b of the parameters "name.weight", "name.bias"; (B, inputs) -> (B, outputs)."""
    return linear(inputs, parameters[f"{name}.weight"], parameters[f"{name}.bias"])
