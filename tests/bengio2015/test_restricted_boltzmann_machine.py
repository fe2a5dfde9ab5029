"""The restricted Boltzmann machine against one small enough to enumerate, in float64."""

from itertools import islice, product

import pytest
import torch

from replications.bengio2015.baselines.restricted_boltzmann_machine import (
    RestrictedBoltzmannMachine,
)

SETTINGS = {
    "layers": [4, 3],
    "gibbs_steps": 1,
    "weight_decay": 0.0,
    "initial_scale": 1.5,
    "chains": 5,
    "chain_steps": 4,
}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(**changes) -> RestrictedBoltzmannMachine:
    settings = {**SETTINGS, "dtype": torch.float64, **changes}
    model = RestrictedBoltzmannMachine(**settings, generator=seeded(0), device="cpu")
    for name in ("visible.bias", "hidden.bias"):
        bias = model.parameters[name]
        bias.copy_(torch.randn(bias.shape, generator=seeded(1), dtype=torch.float64))
    return model


def binary(units: int) -> torch.Tensor:
    return torch.tensor(list(product([0.0, 1.0], repeat=units)), dtype=torch.float64)


def joint(parameters) -> torch.Tensor:
    """p(v, h) of all 16 x 8 states, normalised by summing over them."""
    v, h = binary(4), binary(3)
    energy = -(v @ parameters["weight"].T @ h.T)
    energy = energy - (v @ parameters["visible.bias"])[:, None] - h @ parameters["hidden.bias"]
    return torch.softmax(-energy.flatten(), 0).view(16, 8)


def test_conditionals_are_those_of_the_enumerated_joint():
    model = build()
    p = joint(model.parameters)
    torch.testing.assert_close(model.hidden(binary(4)), (p / p.sum(1, True)) @ binary(3))
    torch.testing.assert_close(model.visible(binary(3)), (p / p.sum(0)).T @ binary(4))


def test_the_update_is_the_data_statistics_less_those_of_the_chain():
    model = build(gibbs_steps=2, weight_decay=0.3)
    x = torch.rand(6, 4, generator=seeded(2), dtype=torch.float64)
    updates, losses = model.updates(x, seeded(3))
    means, dreamt = next(islice(model.gibbs(x, seeded(3)), 1, None))
    assert set(dreamt.unique().tolist()) == {0.0, 1.0}

    def statistics(v):
        h = torch.sigmoid(v @ model.parameters["weight"].T + model.parameters["hidden.bias"])
        weight = torch.stack([torch.outer(a, b) for a, b in zip(h, v, strict=True)]).mean(0)
        return {"weight": weight, "visible.bias": v.mean(0), "hidden.bias": h.mean(0)}

    positive, negative = statistics(x), statistics(dreamt)
    for name, update in updates.items():
        decay = 0.3 * model.parameters["weight"] if name == "weight" else 0
        torch.testing.assert_close(update, positive[name] - negative[name] - decay)
    nats = -(x * means.log() + (1 - x) * (1 - means).log()).sum(1).mean()
    torch.testing.assert_close(losses["reconstruction"], nats)


def test_many_steps_give_the_gradient_of_the_log_likelihood_and_one_step_does_not():
    data = binary(4)[[3, 5, 5, 14]]
    leaves = {k: v.clone().requires_grad_() for k, v in build().parameters.items()}
    (joint(leaves).sum(1)[[3, 5, 5, 14]].log().mean()).backward()

    def worst(steps):
        updates, _ = build(gibbs_steps=steps).updates(data.repeat(10_000, 1), seeded(4))
        return max((updates[k] - leaves[k].grad).abs().max().item() for k in updates)

    assert worst(100) < 0.012  # standard error of a statistic of 40,000 chains: at most 0.0025
    assert worst(1) > 0.1


def test_the_chain_reaches_the_enumerated_distribution():
    model = build()
    start = torch.zeros(20_000, 4, dtype=torch.float64)
    means = next(islice(model.states(start, seeded(5)), 100, None))
    expected = joint(model.parameters).sum(1) @ binary(4)
    torch.testing.assert_close(means.mean(0), expected, rtol=0, atol=0.015)


def test_chain_starts_at_training_images_and_repeats_under_a_seed():
    model = build()
    images = torch.rand(10, 4, generator=seeded(6), dtype=torch.float64)
    model.finish(images)
    assert torch.equal(model.buffers["start"], images[::2])
    samples = model.chain(12, seeded(7))
    assert samples.shape == (12, 4) and samples.dtype == torch.float64
    assert samples.min() >= 0 and samples.max() <= 1
    states = list(islice(model.states(images[::2], seeded(7)), 6))
    assert torch.equal(samples, torch.cat(states[3:])[:12])  # the 4th step and those after it
    assert not torch.equal(samples, model.chain(12, seeded(8)))


def test_initial_weights_have_the_scale_and_layers_are_two():
    model = RestrictedBoltzmannMachine(
        **{**SETTINGS, "layers": [300, 200]}, generator=seeded(0), device="cpu"
    )
    assert model.parameters["weight"].shape == (200, 300)
    assert model.parameters["weight"].std().item() == pytest.approx(1.5, rel=0.02)
    assert not model.parameters["visible.bias"].any()
    with pytest.raises(ValueError, match="unpack"):
        build(layers=[4, 3, 2])
