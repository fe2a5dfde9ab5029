"""Three kinds of target propagation against their printed losses and automatic differentiation."""

import pytest
import torch

from replications.bartunov2018.rule import (
    AuxiliaryTargetPropagation,
    SimplifiedTargetPropagation,
    TargetPropagation,
)
from replications.core.learn.learning import Batch
from replications.core.score.estimators.alignment import alignment
from tests.feed_forward import build

DTP = {"alpha": 0.3, "noise": 0.2, "parallel": False}
SDTP = {"noise": 0.2, "parallel": False}
RULES = {
    TargetPropagation: DTP,
    SimplifiedTargetPropagation: SDTP,
    AuxiliaryTargetPropagation: {**SDTP, "auxiliary": 4},
}


def f(rule, i, h):
    p = rule.network.parameters
    before = h @ p[f"W{i}"] + p[f"b{i}"]
    return before.softmax(1) if i == 4 else before.tanh()


def g(rule, i, h):
    return (h @ rule.parameters[f"V{i}"] + rule.parameters[f"c{i}"]).tanh()


def told(rule, output, below):
    """What the inverse of the top layer reads: the output, with the fixed features of h_3."""
    if isinstance(rule, AuxiliaryTargetPropagation):
        return torch.cat([output, (below @ rule.state["R"]).tanh()], dim=1)
    return output


def printed_targets(rule, batch):
    h = [batch.inputs]
    for i in (1, 2, 3, 4):
        h.append(f(rule, i, h[-1]))
    if type(rule) is TargetPropagation:
        top = h[3].clone().requires_grad_()
        logits = top @ rule.network.parameters["W4"] + rule.network.parameters["b4"]
        each = -(logits.log_softmax(1) * batch.targets).sum(1)
        (gradient,) = torch.autograd.grad(each.sum(), top)  # of each image's own cost
        t = {3: h[3] - 0.3 * gradient}
    else:
        given, right = (told(rule, o, h[3]) for o in (h[4], batch.targets))
        t = {3: h[3] - g(rule, 4, given) + g(rule, 4, right)}
    for i in (3, 2):
        t[i - 1] = h[i - 1] - g(rule, i, h[i]) + g(rule, i, t[i])
    return h, {i: target.detach() for i, target in t.items()}


@pytest.mark.parametrize("kind", RULES)
def test_forward_updates_descend_the_distance_to_the_targets(kind):
    rule, batch = build(kind, **RULES[kind])
    h, t = printed_targets(rule, batch)
    updates, _ = rule.updates(batch)
    p = rule.network.parameters
    with torch.enable_grad():
        for parameter in p.values():
            parameter.requires_grad_()
        losses = [(f(rule, i, h[i - 1].detach()) - t[i]).square().sum(1).mean() for i in (1, 2, 3)]
        losses.append(-(f(rule, 4, h[3].detach()).log() * batch.targets).sum(1).mean())
        gradients = torch.autograd.grad(sum(losses), list(p.values()))
    for name, gradient in zip(p, gradients, strict=True):
        torch.testing.assert_close(updates[name], -gradient, msg=name)


@pytest.mark.parametrize("kind", RULES)
def test_inverse_updates_descend_their_loss(kind):
    """Those of DTP are to keep the noise, the others' to take it away."""
    rule, batch = build(kind, **RULES[kind])
    state = rule.generator.get_state()
    updates, _ = rule.inverse_updates(batch)
    rule.generator.set_state(state)
    h = printed_targets(rule, batch)[0]
    q, loss = rule.parameters, torch.zeros(())
    with torch.enable_grad():
        for parameter in q.values():
            parameter.requires_grad_()
        for i in (2, 3) if kind is TargetPropagation else (2, 3, 4):
            noise = torch.randn(h[i - 1].shape, generator=rule.generator, dtype=torch.float64)
            noisy = h[i - 1] + 0.2 * noise
            above = f(rule, i, noisy)
            read = told(rule, above, noisy) if i == 4 else above
            wanted = noisy if kind is TargetPropagation else h[i - 1]
            loss = loss + (g(rule, i, read) - wanted).square().sum(1).mean()
        gradients = torch.autograd.grad(loss, list(q.values()))
    assert set(updates) == set(q)
    for name, gradient in zip(q, gradients, strict=True):
        torch.testing.assert_close(updates[name], -gradient, msg=name)


@pytest.mark.parametrize("kind", RULES)
def test_in_parallel_every_batch_brings_both_updates(kind):
    turns, batch = build(kind, **RULES[kind])
    parallel, _ = build(kind, **RULES[kind] | {"parallel": True})
    forward, inverse = turns.updates(batch)[0], turns.inverse_updates(batch)[0]
    assert [sweep.__name__ for sweep in turns.sweeps] == ["inverse_updates", "updates"]
    (both,) = parallel.sweeps
    found, monitor = both(batch)
    assert "train_error" in monitor and set(found) == set(forward) | set(inverse)
    for name, update in (forward | inverse).items():
        torch.testing.assert_close(found[name], update)


def test_the_auxiliary_features_are_fixed_and_tell_images_of_a_class_apart():
    """By the label alone the inverse gives all images of a class the same."""
    plain, batch = build(SimplifiedTargetPropagation, **SDTP)
    ours, _ = build(AuxiliaryTargetPropagation, **RULES[AuxiliaryTargetPropagation])
    h = ours.network.activities(batch.inputs)
    same = [0, 3]  # both of class 0
    of_label = plain.inverse(4, plain.answer(batch.targets, h[3]))[same]
    with_features = ours.inverse(4, ours.answer(batch.targets, h[3]))[same]
    torch.testing.assert_close(of_label[0], of_label[1])
    assert (with_features[0] - with_features[1]).abs().max() > 1e-3
    before = ours.state["R"].clone()
    assert "R" not in ours.updates(batch)[0] | ours.inverse_updates(batch)[0]
    assert torch.equal(ours.state["R"], before) and before.shape == (6, 4)


def test_in_single_precision_the_top_hidden_layer_follows_the_gradient_as_exactly():
    """Its target is a step along it: what rounding leaves of the angle is far below a degree."""
    rule, batch = build(TargetPropagation, **DTP)
    for tensors in (rule.network.parameters, rule.parameters):
        tensors |= {name: p.float() for name, p in tensors.items()}
    inputs = batch.inputs.float().repeat(100, 1)
    many = Batch(inputs, batch.labels.repeat(100), batch.targets.float().repeat(100, 1), slice(0))
    with torch.enable_grad():
        gradient = rule.gradient(many)
    assert alignment(rule.updates(many)[0]["W3"], gradient["W3"])["angle"] < 1e-3
