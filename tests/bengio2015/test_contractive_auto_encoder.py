"""The contractive auto-encoder against its equations written out, in float64."""

from itertools import islice

import pytest
import torch
from torch.autograd.functional import jacobian

from replications.bengio2015.baselines.contractive_auto_encoder import ContractiveAutoEncoder

SETTINGS = {
    "layers": [12, 9],
    "contraction": 0.7,
    "noise_scale": 0.5,
    "chains": 4,
    "chain_steps": 3,
}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(**changes) -> ContractiveAutoEncoder:
    settings = {**SETTINGS, "dtype": torch.float64, **changes}
    return ContractiveAutoEncoder(**settings, generator=seeded(0), device="cpu")


@pytest.fixture
def model() -> ContractiveAutoEncoder:
    model = build()
    for name in ("hidden_bias", "visible_bias"):  # zero biases would hide a forgotten one
        model.parameters[name].normal_(generator=seeded(3))
    return model


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(7, 12, generator=seeded(1), dtype=torch.float64)


def losses_written_out(p, images):
    """Cross-entropy and ||dh/dx||_F^2 by automatic differentiation, means over the images."""

    def encode(x):
        return torch.sigmoid(p["weight"] @ x + p["hidden_bias"])

    rebuilt = contraction = 0
    for x in images:
        y = torch.sigmoid(p["weight"].T @ encode(x) + p["visible_bias"])
        rebuilt = rebuilt - (x * y.log() + (1 - x) * (1 - y).log()).sum()
        contraction = contraction + jacobian(encode, x, create_graph=True).square().sum()
    return rebuilt / len(images), contraction / len(images)


def test_losses_and_updates_are_those_of_the_jacobian(model, images):
    updates, losses = model.updates(images, seeded(2))
    leaves = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
    rebuilt, contraction = losses_written_out(leaves, images)
    torch.testing.assert_close(losses["reconstruction"], rebuilt.detach())
    torch.testing.assert_close(losses["contraction"], contraction.detach())
    gradients = torch.autograd.grad(rebuilt + 0.7 * contraction, list(leaves.values()))
    expected = {name: -gradient for name, gradient in zip(leaves, gradients, strict=True)}
    torch.testing.assert_close(updates, expected)


def test_updates_work_where_gradients_are_off_and_change_nothing(model, images):
    before = {name: value.clone() for name, value in model.parameters.items()}
    with torch.no_grad():
        updates, losses = model.updates(images, seeded(2))
    torch.testing.assert_close(model.parameters, before, rtol=0, atol=0)
    for value in (*updates.values(), *losses.values(), *model.parameters.values()):
        assert not value.requires_grad


def test_training_lowers_the_loss(images):
    model = build()
    history = []
    for _ in range(50):
        updates, losses = model.updates(images, seeded(0))
        history.append(losses["reconstruction"] + 0.7 * losses["contraction"])
        for name, update in updates.items():
            model.parameters[name] += 0.05 * update
    assert history[-1] < 0.8 * history[0]


def test_the_chain_is_the_printed_one(model, images):
    states = list(islice(model.states(images, seeded(4)), 2))
    noise, x = seeded(4), images
    for state in states:
        h = model.f(x)
        eps = 0.5 * torch.randn(h.shape, generator=noise, dtype=torch.float64)
        moved = torch.empty_like(h)
        for row in range(len(x)):
            J = jacobian(model.f, x[row])  # (9, 12)
            moved[row] = h[row] + J @ J.T @ eps[row]
        x = model.g(moved)
        torch.testing.assert_close(state, x)


def test_chain_keeps_the_states_after_its_first_steps(model, images):
    model.finish(images)
    torch.testing.assert_close(model.buffers["start"], images[[0, 1, 3, 5]])
    samples = model.chain(10, seeded(5))
    expected = list(islice(model.states(images[[0, 1, 3, 5]], seeded(5)), 5))
    torch.testing.assert_close(samples, torch.cat(expected[2:])[:10])
    assert samples.shape == (10, 12) and samples.dtype == torch.float64
    assert samples.min() >= 0 and samples.max() <= 1
    assert not torch.equal(samples, model.chain(10, seeded(6)))


def test_initial_parameters_and_required_settings():
    model = build(layers=[400, 300], dtype=torch.float32)
    bound = 4 * (6 / 700) ** 0.5
    assert model.parameters["weight"].shape == (300, 400)
    assert model.parameters["weight"].abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert not model.parameters["hidden_bias"].any() and not model.parameters["visible_bias"].any()
    with pytest.raises(ValueError, match="two layers"):
        build(layers=[12, 9, 5])
    for missing in SETTINGS:
        incomplete = {name: value for name, value in SETTINGS.items() if name != missing}
        with pytest.raises(TypeError, match=missing):
            ContractiveAutoEncoder(**incomplete, generator=seeded(0), device="cpu")
