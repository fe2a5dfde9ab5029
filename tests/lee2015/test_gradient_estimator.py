"""The gradient estimator: the chain rule with the sample's derivative that of its probability."""

import torch

from replications.core.learn.noise import random_tensor
from replications.lee2015.baselines.gradient_estimator import GradientEstimator
from replications.lee2015.network import BernoulliFeedForward
from tests.feed_forward import build


class Through(torch.autograd.Function):
    """A sample whose derivative by its probability is 1."""

    @staticmethod
    def forward(ctx, probability, drawn):
        return drawn

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


def test_updates_are_autograds_with_samples_passed_straight_through():
    rule, batch = build(
        GradientEstimator, BernoulliFeedForward, units="sigmoid", input_noise=0.3, passes=3
    )
    before = rule.generator.get_state()
    updates, _ = rule.updates(batch)
    rule.generator.set_state(before)
    noise = random_tensor(torch.randn, batch.inputs.shape, rule.generator, batch.inputs)
    noisy = batch.inputs + 0.3 * noise
    read, _ = rule.network.sampled(noisy, rule.generator)
    p = {n: v.clone().requires_grad_() for n, v in rule.network.parameters.items()}
    s = noisy
    firsts = []
    for i in (1, 2, 3):
        a = s @ p[f"W{i}"] + p[f"b{i}"]
        firsts.append(a)
        s = Through.apply(a.sigmoid(), read[i])
    cost = torch.nn.functional.cross_entropy(s @ p["W4"] + p["b4"], batch.labels)
    names = [n for n in p if n != "W1"]
    gradients = torch.autograd.grad(cost, [*(p[n] for n in names), firsts[0]])
    for name, gradient in zip(names, gradients[:-1], strict=True):
        torch.testing.assert_close(updates[name], -gradient)
    # Layer 1 is paired with the clean image, as in the released code.
    torch.testing.assert_close(updates["W1"], -batch.inputs.T @ gradients[-1])
