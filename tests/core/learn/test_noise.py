"""Random numbers: of their law, with the dtype of what they go with, the same under a seed."""

import pytest
import torch

from replications.core.learn.noise import random_tensor


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("law", [torch.rand, torch.randn])
def test_numbers_are_those_of_the_law_and_the_generator(law):
    like = torch.zeros(1, dtype=torch.float64)
    first, again, other = (random_tensor(law, (2, 3), seeded(s), like) for s in (0, 0, 1))
    assert first.shape == (2, 3) and first.dtype == torch.float64
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(first, law(2, 3, generator=seeded(0), dtype=torch.float64))


def test_numbers_come_on_the_device_of_what_they_go_with():
    like = torch.empty(0, device="meta")
    assert random_tensor(torch.rand, (4,), seeded(0), like).device.type == "meta"
