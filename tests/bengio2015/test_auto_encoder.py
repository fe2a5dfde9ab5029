"""What the tied auto-encoders share: their initial weights, and what is refused."""

import pytest
import torch

from replications.bengio2015.baselines.auto_encoder import TiedAutoEncoder


class Wide(TiedAutoEncoder):
    GAIN = 3.0


def build(layers, kind=TiedAutoEncoder):
    generator = torch.Generator().manual_seed(0)
    return kind(layers=layers, chains=5, chain_steps=2, generator=generator, device="cpu")


def test_weights_start_by_glorots_law_times_the_gain_and_biases_at_zero():
    plain, wide = build([400, 300]), build([400, 300], Wide)
    weight, bound = plain.parameters["weight"], (6 / 700) ** 0.5
    assert weight.shape == (300, 400)
    assert weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)
    torch.testing.assert_close(wide.parameters["weight"], 3 * weight)
    for name, width in (("hidden_bias", 300), ("visible_bias", 400)):
        assert torch.equal(plain.parameters[name], torch.zeros(width))
    assert plain.buffers["start"].shape == (5, 400)


def test_it_has_two_layers():
    with pytest.raises(ValueError, match=r"two layers, x and h; got \[4, 3, 2\]"):
        build([4, 3, 2])
