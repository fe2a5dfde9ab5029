"""The corruptions against the probabilities they are named for."""

import pytest
import torch

from replications.bengio2015.baselines.noise import bernoulli, glorot, salt_and_pepper


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_salt_and_pepper_replaces_the_share_by_either_colour():
    x = torch.full((200, 500), 0.5, dtype=torch.float64)
    noisy = salt_and_pepper(x, 0.4, seeded(0))
    assert noisy.dtype == torch.float64
    for value, share in ((1.0, 0.2), (0.0, 0.2), (0.5, 0.6)):  # standard error 0.0016
        assert (noisy == value).double().mean().item() == pytest.approx(share, abs=0.007)
    assert torch.equal(salt_and_pepper(x, 0.0, seeded(0)), x)


def test_bernoulli_has_its_mean_and_is_sure_at_the_ends():
    mean = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64).expand(50_000, 3)
    samples = bernoulli(mean, seeded(0))
    assert set(samples.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(samples.mean(0), mean[0], rtol=0, atol=0.01)
    assert samples[:, 0].max() == 0 and samples[:, 2].min() == 1


def test_glorot_fills_its_interval():
    weight = glorot((300, 400), seeded(0), torch.zeros(1))
    bound = (6 / 700) ** 0.5
    assert weight.shape == (300, 400)
    assert weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert weight.abs().max() <= bound * (1 + 1e-6)
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
