"""Networks with convolutions and batch normalisation beside torch's own modules."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from replications.core.learn.convolutional import Convolutional
from replications.core.learn.learning import Backpropagation, Batch

LENET = {
    "channels": 2, "size": 9, "layers": (7, 6, 3), "initialisation": "glorot_uniform",
    "units": "relu", "cost": "softmax_cross_entropy",
    "convolutions": (
        {"channels": 4, "kernel": 4, "padding": 2, "pool": 2},
        {"channels": 5, "kernel": 3, "padding": 0, "pool": 1},
    ),
}  # fmt: skip
BATCH = 8


def made(normalised, **changed):
    """A network in float64 whose biases and gains are not what they start from."""
    generator = torch.Generator().manual_seed(3)
    options = LENET | changed | {"normalised": normalised}
    network = Convolutional(**options, generator=generator, dtype=torch.float64)
    for name, p in network.parameters.items():
        if name[0] in "bg":
            p += torch.randn(p.shape, generator=generator, dtype=p.dtype) / 3
    return network


def images(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, 2 * 9 * 9, generator=generator, dtype=torch.float64)


def torchs(network, normalised):
    """The same network of torch's modules, and the modules that hold each layer's parameters."""
    modules, holders, channels = [nn.Unflatten(1, (2, 9, 9))], [], 2
    for c in LENET["convolutions"]:
        layer = nn.Conv2d(channels, c["channels"], c["kernel"], padding=c["padding"])
        channels = c["channels"]
        norm = nn.BatchNorm2d(channels) if normalised else nn.Identity()
        modules += [layer, norm, nn.ReLU(), nn.MaxPool2d(c["pool"])]
        holders.append((layer, norm))
    modules.append(nn.Flatten())
    widths = (network.widths[2], *LENET["layers"])
    for i, (n, m) in enumerate(pairwise(widths), start=1):
        top = i == len(LENET["layers"])
        layer = nn.Linear(n, m)
        norm = nn.BatchNorm1d(m) if normalised and not top else nn.Identity()
        modules += [layer, norm, *([] if top else [nn.ReLU()])]
        holders.append((layer, norm))
    twin = nn.Sequential(*modules).double()
    for i, (layer, norm) in enumerate(holders, start=1):
        p = network.parameters
        layer.weight.data = p[f"W{i}"].T.reshape(layer.weight.shape).clone()
        if isinstance(norm, nn.Identity):
            layer.bias.data = p[f"b{i}"].clone()
        else:  # its shift is the bias; one before it would change nothing
            layer.bias.data.zero_()
            norm.weight.data, norm.bias.data = p[f"g{i}"].clone(), p[f"b{i}"].clone()
    return twin, holders


def batch_of(inputs):
    labels = torch.arange(BATCH) % 3
    return Batch(inputs, labels, one_hot(labels, 3).double(), slice(0, BATCH))


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("normalised", [True, False])
def test_back_propagation_is_that_of_torchs_modules(normalised):
    network = made(normalised)
    twin, holders = torchs(network, normalised)
    rule = Backpropagation(network=network, examples=BATCH, generator=torch.Generator())
    batch = batch_of(images(0))
    updates, monitor = rule.updates(batch)
    cost = cross_entropy(twin(batch.inputs), batch.labels)
    cost.backward()
    close(monitor["train_cost"], cost.detach())
    assert set(updates) == set(network.parameters)
    for i, (layer, norm) in enumerate(holders, start=1):
        close(updates[f"W{i}"], -layer.weight.grad.flatten(1).T)
        shift = layer if isinstance(norm, nn.Identity) else norm
        close(updates[f"b{i}"], -shift.bias.grad)
        if shift is norm:
            close(updates[f"g{i}"], -norm.weight.grad)


@pytest.mark.parametrize("normalised", [True, False])
def test_updates_are_the_negative_gradient_by_automatic_differentiation(normalised):
    rule = Backpropagation(network=made(normalised), examples=BATCH, generator=torch.Generator())
    batch = batch_of(images(0))
    updates, gradient = rule.updates(batch)[0], rule.gradient(batch)
    assert set(updates) == set(gradient)
    for name, slope in gradient.items():
        close(updates[name], -slope)


def test_it_answers_by_running_means_as_torch_has_them():
    network = made(normalised=True)
    twin, holders = torchs(network, normalised=True)
    rule = Backpropagation(network=network, examples=BATCH, generator=torch.Generator())
    for seed in range(3):
        rule.updates(batch_of(images(seed)))
        twin(images(seed))
    for i, (_, norm) in enumerate(holders[:-1], start=1):
        close(network.buffers[f"m{i}"], norm.running_mean)
        close(network.buffers[f"v{i}"], norm.running_var)
    assert len(network.buffers) == 2 * len(holders[:-1])
    close(rule.predict(images(9)), twin.eval()(images(9)).detach())
    learning = network.activities(images(9))[-1]
    assert not torch.allclose(rule.predict(images(9)), learning)


def test_neither_an_answer_nor_a_gradient_moves_the_running_means():
    rule = Backpropagation(network=made(True), examples=BATCH, generator=torch.Generator())
    rule.predict(images(1))
    rule.gradient(batch_of(images(1)))
    for name, buffer in rule.network.buffers.items():
        assert torch.equal(buffer, torch.full_like(buffer, name[0] == "v"))


def test_widths_are_those_of_its_activities():
    network = made(normalised=False)
    assert network.widths == [162, 4 * 5 * 5, 5 * 3 * 3, 7, 6, 3]
    assert [h.shape[1] for h in network.activities(images(0))] == network.widths
    assert network.depth == 5


def test_of_equal_activities_in_a_pool_one_gets_the_error():
    """So that a flat background is not counted several times."""
    network = made(normalised=False)
    flat = torch.zeros(BATCH, 162, dtype=torch.float64)
    network.parameters["b1"].fill_(1.0)  # every place of every channel is 1 in a flat image
    activities = network.activities(flat)
    error = torch.ones(BATCH, network.widths[1], dtype=torch.float64)
    passed = network.through_units(1, activities, error)
    assert passed.sum() == error.sum()
    assert passed.max() == 1


def test_convolutions_take_what_a_convolution_takes_and_no_more():
    with pytest.raises(TypeError, match="stride"):
        made(False, convolutions=({"channels": 1, "kernel": 3, "stride": 2},))
