"""Mean and spread of what a layer's units sum."""

from types import SimpleNamespace

import pytest
import torch

from replications.core.learn.learning import Backpropagation
from replications.cornford2021.measures import inputs_of_layers
from tests.feed_forward import build


def test_they_are_moments_over_the_units_of_a_layer_and_means_over_images():
    rule, batch = build(Backpropagation, layers=(5, 8, 7, 3))
    images = SimpleNamespace(validation=Few(batch), classes=3)
    now = {n: p.clone() for n, p in rule.tensors.items()}
    before = {n: torch.zeros_like(p) for n, p in now.items()}
    scores, arrays = inputs_of_layers(rule, images, {0: before, 6: now}, rule.generator, count=4)
    found = {(s.metric, s.part, s.step): s.value for s in scores}
    p, x = now, batch.inputs[:4]
    first = x @ p["W1"] + p["b1"]
    second = first.tanh() @ p["W2"] + p["b2"]
    for layer, summed in (("layer 1", first), ("layer 2", second)):
        spread = [float(torch.tensor(row).std(correction=0)) for row in summed.tolist()]
        assert found["input_mean", layer, 6] == pytest.approx(float(summed.mean()))
        assert found["input_deviation", layer, 6] == pytest.approx(sum(spread) / 4, rel=1e-5)
        # Before training all is zero here, and a part of its own says so at the last step.
        assert found["input_mean", f"{layer}, before training", 6] == 0
        assert found["input_deviation", layer, 0] == 0
    assert arrays == {} and len(found) == 12


class Few:
    """So many images of a batch."""

    def __init__(self, batch):
        self.inputs, self.labels = batch.inputs, batch.labels

    def __len__(self):
        return len(self.labels)

    def first(self, count):
        return Few(SimpleNamespace(inputs=self.inputs[:count], labels=self.labels[:count]))
