"""The helper that turns a loss into updates."""

import pytest
import torch

from replications.bengio2015.baselines.autograd import descent, leaves


def test_descent_is_minus_the_gradient_and_leaves_the_parameters_alone():
    parameters = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(3.0)}
    with torch.enable_grad():
        p = leaves(parameters)
        updates = descent((p["a"].square() * p["b"]).sum(), p)
    torch.testing.assert_close(updates, {"a": torch.tensor([-6.0, -12.0]), "b": torch.tensor(-5.0)})
    assert not any(value.requires_grad for value in (*parameters.values(), *updates.values()))


def test_a_parameter_without_influence_is_an_error():
    p = leaves({"a": torch.tensor(1.0), "idle": torch.tensor(1.0)})
    with pytest.raises(RuntimeError, match="not have been used"):
        descent(p["a"].square(), p)
