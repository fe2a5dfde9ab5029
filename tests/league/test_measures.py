"""Multiply-adds, counted by hand."""

from types import SimpleNamespace

import pytest
import torch

from replications.core.learn.convolutional import Convolutional
from replications.core.learn.learning import Backpropagation, OutputLayerAlone
from replications.league.measures import multiply_adds
from replications.lee2015.rule import DifferenceTargetPropagation
from replications.nokland2016.rule import DirectFeedbackAlignment
from tests.feed_forward import build

N0, N1, N2, N3 = 5, 8, 7, 3
FORWARD = N0 * N1 + N1 * N2 + N2 * N3
DFA = {"feedback": "glorot_uniform"}
COUNTED = {  # forward, products of what is below with errors, and errors on their way
    "back-propagation": (Backpropagation, {}, FORWARD + FORWARD + N2 * N3 + N1 * N2),
    "direct feedback": (DirectFeedbackAlignment, DFA, FORWARD + FORWARD + N3 * (N1 + N2)),
    "output layer": (OutputLayerAlone, {}, FORWARD + N2 * N3),
    # Forward and the same for updates, dC/dh of the top, an inverse of h and one of t; then
    # forward, through layer 2 and its inverse with noise, and products for the inverse's update.
    "target propagation": (
        DifferenceTargetPropagation, {"alpha": 0.1, "noise": 0.1},
        FORWARD + FORWARD + N2 * N3 + 2 * N1 * N2 + FORWARD + 3 * N1 * N2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_they_are_those_of_the_matrix_products(name):
    kind, settings, expected = COUNTED[name]
    rule, batch = build(kind, layers=(N0, N1, N2, N3), **settings)
    split = SimpleNamespace(inputs=batch.inputs, labels=batch.labels)
    images = SimpleNamespace(classes=3, train=SimpleNamespace(first=lambda count: split))
    scores, arrays = multiply_adds(rule, images, {0: {}, 4: {}}, rule.generator, batch=6)
    assert [(s.metric, s.value, s.step) for s in scores] == [("multiply_adds", expected, 4)]
    assert arrays == {}


def test_convolutions_count():
    """A kernel of k x k from c to c' channels at P places: c k k c' P, and so the way back."""
    rule, batch = build(Backpropagation, Convolutional, units="relu", layers=(3,))
    split = SimpleNamespace(inputs=batch.inputs, labels=batch.labels)
    images = SimpleNamespace(classes=3, train=SimpleNamespace(first=lambda count: split))
    first, second, top = 2 * 16 * 4 * 36, 4 * 4 * 5 * 4, 20 * 3
    scores, _ = multiply_adds(rule, images, {1: {}}, torch.Generator(), batch=6)
    assert scores[0].value == 2 * (first + second + top) + second + top
