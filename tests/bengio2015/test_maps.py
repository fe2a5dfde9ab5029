"""Affine maps by name."""

import torch

from replications.bengio2015.baselines.maps import affine


def test_affine_is_the_named_weight_and_bias_of_each_row():
    draws = torch.Generator().manual_seed(0)
    shapes = {"a.weight": (3, 2), "a.bias": (3,), "b.weight": (1, 2), "b.bias": (1,)}
    parameters = {name: torch.randn(shape, generator=draws) for name, shape in shapes.items()}
    x = torch.randn(5, 2, generator=draws)
    expected = [
        [w @ row + b for w, b in zip(parameters["a.weight"], parameters["a.bias"], strict=True)]
        for row in x
    ]
    torch.testing.assert_close(affine("a", x, parameters), torch.tensor(expected))
