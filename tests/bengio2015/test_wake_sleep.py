"""Wake-sleep against autograd and against an enumeration of its hidden states, in float64."""

from itertools import product

import pytest
import torch
from torch.distributions import Bernoulli

from replications.bengio2015.baselines.noise import bernoulli
from replications.bengio2015.baselines.wake_sleep import WakeSleep

LAYERS = [5, 4, 3]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def model() -> WakeSleep:
    settings = {"layers": LAYERS, "output_bias": -0.7, "dtype": torch.float64}
    model = WakeSleep(**settings, generator=seeded(0), device="cpu")
    for value in model.parameters.values():
        value.add_(torch.randn(value.shape, generator=seeded(1), dtype=torch.float64))
    return model


def log_p(p, x, h1, h2):
    """log p(x, h1, h2) without the model's code."""
    total = Bernoulli(logits=p["prior.bias"]).log_prob(h2).sum(1)
    for name, source, target in (("g2", h2, h1), ("g1", h1, x)):
        logits = source @ p[f"{name}.weight"].T + p[f"{name}.bias"]
        total = total + Bernoulli(logits=logits).log_prob(target).sum(1)
    return total


def log_q(p, x, h1, h2):
    """log q(h1, h2 | x) without the model's code."""
    total = 0
    for name, source, target in (("f1", x, h1), ("f2", h1, h2)):
        logits = source @ p[f"{name}.weight"].T + p[f"{name}.bias"]
        total = total + Bernoulli(logits=logits).log_prob(target).sum(1)
    return total


def hidden_states() -> tuple[torch.Tensor, torch.Tensor]:
    states = torch.tensor(list(product([0.0, 1.0], repeat=7)), dtype=torch.float64)
    return states[:, :4], states[:, 4:]


def test_delta_rules_are_the_gradients_of_both_log_likelihoods_at_the_sampled_states(model):
    x = torch.rand(6, LAYERS[0], generator=seeded(2), dtype=torch.float64)
    updates, losses = model.updates(x, seeded(3))
    noise = seeded(3)  # the same states, drawn again in the documented order
    wake = model.recognise(bernoulli(x, noise), noise)
    dreams, _ = model.dream(len(x), noise)
    leaves = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
    (log_p(leaves, *wake).mean() + log_q(leaves, *dreams).mean()).backward()
    assert set(updates) == set(leaves)
    for name, leaf in leaves.items():
        assert leaf.grad.abs().max() > 0
        torch.testing.assert_close(updates[name], leaf.grad)
    free_energy = log_q(model.parameters, *wake) - log_p(model.parameters, *wake)
    torch.testing.assert_close(losses["free_energy"], free_energy.mean())
    torch.testing.assert_close(losses["sleep"], -log_q(model.parameters, *dreams).mean())


def test_free_energy_is_its_enumerated_expectation_and_bounds_the_likelihood(model):
    x = torch.tensor([[1.0, 0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
    h1, h2 = hidden_states()
    joint = log_p(model.parameters, x.expand(len(h1), -1), h1, h2)
    posterior = log_q(model.parameters, x.expand(len(h1), -1), h1, h2)
    torch.testing.assert_close(posterior.exp().sum(), torch.ones((), dtype=torch.float64))
    expected = (posterior.exp() * (posterior - joint)).sum()
    _, losses = model.updates(x.expand(40_000, -1), seeded(4))
    torch.testing.assert_close(losses["free_energy"], expected, rtol=0, atol=0.05)
    assert losses["free_energy"] > -joint.logsumexp(0)


def test_ancestral_has_the_means_of_the_enumerated_network(model):
    h1, h2 = hidden_states()
    p = model.parameters
    law = Bernoulli(logits=p["prior.bias"]).log_prob(h2).sum(1)
    law = law + Bernoulli(logits=h2 @ p["g2.weight"].T + p["g2.bias"]).log_prob(h1).sum(1)
    means = torch.sigmoid(h1 @ p["g1.weight"].T + p["g1.bias"])
    samples = model.ancestral(20_000, seeded(5))
    torch.testing.assert_close(samples.mean(0), law.exp() @ means, rtol=0, atol=0.015)


def test_ancestral_gives_images_and_repeats_under_a_seed(model):
    samples = model.ancestral(1003, seeded(6))
    assert samples.shape == (1003, LAYERS[0]) and samples.dtype == torch.float64
    assert samples.min() >= 0 and samples.max() <= 1
    assert torch.equal(samples, model.ancestral(1003, seeded(6)))
    assert not torch.equal(samples, model.ancestral(1003, seeded(7)))
