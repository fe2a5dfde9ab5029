"""The deep belief network against its machines, and against an enumeration, in float64."""

from itertools import islice, product

import pytest
import torch

from replications.bengio2015.baselines.deep_belief_network import DeepBeliefNetwork
from replications.bengio2015.baselines.restricted_boltzmann_machine import (
    RestrictedBoltzmannMachine,
)

RBM = {"gibbs_steps": 1, "weight_decay": 0.1, "initial_scale": 1.0, "chains": 5, "chain_steps": 4}
LAYERS = [6, 4, 3, 5]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(layers=LAYERS, **changes) -> DeepBeliefNetwork:
    settings = {**RBM, "layers": layers, "steps_per_layer": 2, "dtype": torch.float64, **changes}
    model = DeepBeliefNetwork(**settings, generator=seeded(0), device="cpu")
    for name, value in model.parameters.items():
        if name.endswith("bias"):
            value.copy_(torch.randn(value.shape, generator=seeded(1), dtype=torch.float64))
    return model


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(10, LAYERS[0], generator=seeded(2), dtype=torch.float64)


def test_machines_are_trained_in_turn_on_the_means_of_those_below(images):
    model = build()
    data = images
    for step, turn in enumerate([1, 1, 2, 2, 3, 3, 3]):  # the last one takes all that remain
        assert model.buffers["steps"] == step
        updates, losses = model.updates(images, seeded(step))
        assert set(updates) == set(model.parameters)
        moved = {name.split(".")[0] for name, update in updates.items() if update.any()}
        assert moved == {f"rbm{turn}"}

        data = images
        for below in range(1, turn):
            weight = model.parameters[f"rbm{below}.weight"]
            data = torch.sigmoid(data @ weight.T + model.parameters[f"rbm{below}.hidden.bias"])
        machine = RestrictedBoltzmannMachine(
            **RBM,
            layers=LAYERS[turn - 1 : turn + 1],
            generator=seeded(0),
            device="cpu",
            dtype=torch.float64,
        )
        for name, value in machine.parameters.items():
            value.copy_(model.parameters[f"rbm{turn}.{name}"])
        expected, losses_expected = machine.updates(data, seeded(step))
        for name, update in expected.items():
            torch.testing.assert_close(updates[f"rbm{turn}.{name}"], update)
        torch.testing.assert_close(losses, losses_expected)


def test_parameters_changed_in_place_change_the_machines(images):
    model = build()
    model.parameters["rbm1.weight"].zero_()
    model.parameters["rbm1.hidden.bias"].zero_()
    assert (model.encode(images, 1) == 0.5).all()


def test_ancestral_has_the_means_of_the_enumerated_network():
    model = build([4, 3, 2], chains=10_000, chain_steps=60)
    p = model.parameters
    h1 = torch.tensor(list(product([0.0, 1.0], repeat=3)), dtype=torch.float64)
    h2 = torch.tensor(list(product([0.0, 1.0], repeat=2)), dtype=torch.float64)
    energy = -(h1 @ p["rbm2.weight"].T @ h2.T) - h2 @ p["rbm2.hidden.bias"]
    energy = energy - (h1 @ p["rbm2.visible.bias"])[:, None]
    law = torch.softmax(-energy.flatten(), 0).view(8, 4).sum(1)  # p(h1) of the top machine
    means = torch.sigmoid(h1 @ p["rbm1.weight"] + p["rbm1.visible.bias"])  # E[x | h1]
    model.finish(torch.zeros(1, 4, dtype=torch.float64))
    samples = model.ancestral(10_000, seeded(3))
    torch.testing.assert_close(samples.mean(0), law @ means, rtol=0, atol=0.015)
    second = samples.T @ samples / len(samples)  # each row is E[x | h1] of a drawn h1
    torch.testing.assert_close(second, means.T @ (law[:, None] * means), rtol=0, atol=0.015)


def test_ancestral_starts_at_training_images_and_repeats_under_a_seed(images):
    model = build()
    model.finish(images)
    assert torch.equal(model.buffers["start"], images[::2])
    samples = model.ancestral(12, seeded(4))
    assert samples.shape == (12, LAYERS[0]) and samples.dtype == torch.float64
    assert samples.min() >= 0 and samples.max() <= 1
    states = list(islice(model.states(images[::2], seeded(4)), 6))
    assert torch.equal(samples, torch.cat(states[3:])[:12])
    assert not torch.equal(samples, model.ancestral(12, seeded(5)))
