"""Auto-encoders by targets and by gradients, against automatic differentiation."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from replications.core.learn.networks import FeedForward
from replications.lee2015.baselines.auto_encoder import AutoEncoder, AutoEncoderByGradients
from tests.feed_forward import build


def passed(rule, batch, parameters):
    """The noisy pass, the reconstruction and the clean features, written out."""
    noise = torch.randn(batch.inputs.shape, generator=rule.generator, dtype=torch.float64)
    p = parameters

    def encoder(x):
        return (x @ p["W1"] + p["b1"]).sigmoid()

    h = encoder(batch.inputs + 0.3 * noise)
    return encoder, h, (h @ p["D"] + p["d"]).sigmoid()


@pytest.mark.parametrize("kind", [AutoEncoder, AutoEncoderByGradients])
def test_updates_descend_the_reconstruction_the_target_and_the_classifiers_cost(kind):
    rule, batch = build(kind, FeedForward, layers=(5, 4, 3), units="sigmoid", noise=0.3)
    before = rule.generator.get_state()
    updates, monitor = rule.updates(batch)
    rule.generator.set_state(before)
    p = {n: v.clone().requires_grad_() for n, v in
         (rule.network.parameters | rule.parameters).items()}  # fmt: skip
    encoder, h, y = passed(rule, batch, p)
    if kind is AutoEncoder:
        target = (2 * h - encoder(y)).detach()
        y = (h.detach() @ p["D"] + p["d"]).sigmoid()  # no derivative crosses a layer
        loss = (h - target).square().sum(1).mean()
    else:
        loss = 0
    loss = loss + (y - batch.inputs).square().sum(1).mean()
    features = encoder(batch.inputs).detach()
    cost = cross_entropy(features @ p["W2"] + p["b2"], batch.labels)
    gradients = torch.autograd.grad(loss + cost, list(p.values()))
    assert set(updates) == set(p)
    for name, gradient in zip(p, gradients, strict=True):
        torch.testing.assert_close(updates[name], -gradient, msg=name)
    torch.testing.assert_close(monitor["train_cost"], cost.detach())


def test_a_perfect_reconstruction_moves_nothing():
    """y = x and no noise: the target is h itself."""
    rule, batch = build(AutoEncoder, FeedForward, layers=(5, 4, 3), units="sigmoid", noise=0.0)
    h = rule.network.layer(1, batch.inputs)
    assert not rule.back(h, batch.inputs, torch.zeros_like(batch.inputs)).any()
