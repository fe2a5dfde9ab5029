"""The rule in the hands of the training loop: learning, labels, resuming, and what is refused."""

import pytest
import torch

from replications.core.learn.learning import Batch
from replications.core.learn.optimisers import SGD
from replications.diehl2015.network import DiehlCookNetwork
from replications.diehl2015.rule import UnsupervisedStdp
from tests.diehl2015.cases import NETWORK, SETTINGS

PIXELS, NEURONS, CLASSES = 16, 8, 3
PRESENTATION = {"image": 60, "rest": 30, "rate": 250.0, "more": 100.0, "enough": 2, "attempts": 4}


def make(seed=0, examples=12, **changes):
    """A float32 network and its rule, with settings of the paper but for size and time."""
    network = DiehlCookNetwork(
        **NETWORK | {"layers": [PIXELS, NEURONS], "column_sum": 8.0},
        generator=torch.Generator().manual_seed(0),
    )
    settings = {"plasticity": SETTINGS["plasticity"] | {"nu_post": 0.1}, "classes": CLASSES,
                "presentation": PRESENTATION} | changes  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    rule = UnsupervisedStdp(network=network, examples=examples, generator=generator, **settings)
    return network, rule, SGD(network.parameters | rule.parameters, RATES, momentum=0)


RATES = dict.fromkeys(("W", "theta", "responses", "images"), 1.0)


def batch(count=6, seed=5, label=None):
    """Images of which each class has bright pixels of its own."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES if label is None else torch.full((count,), label)
    inputs = 0.1 * torch.rand(count, PIXELS, generator=generator)
    for k, label_ in enumerate(labels.tolist()):
        inputs[k, 5 * label_ : 5 * label_ + 5] += 0.9
    return Batch(inputs, labels, torch.nn.functional.one_hot(labels, CLASSES).float(), slice(None))


def epoch(rule, optimiser, batches):
    for sweep in rule.sweeps:
        for some in batches:
            optimiser.step(sweep(some)[0], 1.0)


def tensors(network, rule):
    return network.parameters | rule.parameters | rule.state


def test_it_learns_classes_apart_without_having_seen_a_label():
    _, rule, optimiser = make()
    batches = [batch(seed=s) for s in range(6)]
    for _ in range(2):
        epoch(rule, optimiser, batches)
    new = batch(60, seed=99)
    assert float((rule.predict(new.inputs).argmax(1) == new.labels).float().mean()) > 0.9


def test_weights_and_thresholds_do_not_depend_on_labels():
    found = []
    for label in (None, 1):
        _, rule, _ = make()
        lied = batch(label=label)
        shown = Batch(batch().inputs, lied.labels, lied.targets, slice(0))
        found.append((rule.updates(shown)[0], lied.labels))
    (first, labels), (second, others) = found
    assert not torch.equal(labels, others)
    assert list(first) == ["W", "theta"]
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert first["W"].abs().max() > 0


def test_an_update_is_the_whole_change_by_a_batch():
    """What images one by one add up to, with the same spikes of inputs."""
    network, rule, optimiser = make()
    optimiser.step(rule.updates(batch())[0], 1.0)
    one_by_one, other, step = make()
    some = batch()
    for k in range(len(some.labels)):
        part = Batch(*(t[k : k + 1] for t in (some.inputs, some.labels, some.targets)), slice(0))
        step.step(other.updates(part)[0], 1.0)
    for name, p in network.parameters.items():
        torch.testing.assert_close(p, one_by_one.parameters[name], rtol=1e-4, atol=1e-5)
    assert torch.equal(rule.state["fired"], other.state["fired"])


def test_labels_count_spikes_and_images_of_each_class_and_change_nothing_else():
    network, rule, optimiser = make()
    before = {name: p.clone() for name, p in network.parameters.items()}
    updates, _ = rule.label(batch())
    assert list(updates) == ["responses", "images"]
    optimiser.step(updates, 1.0)
    assert rule.parameters["images"].tolist() == [2, 2, 2]
    assert rule.parameters["responses"].sum() >= PRESENTATION["enough"] * 6
    assert all(torch.equal(p, before[name]) for name, p in network.parameters.items())


def test_each_epoch_counts_anew():
    _, rule, optimiser = make()
    batches = [batch(seed=1), batch(seed=2)]
    for _ in range(3):
        epoch(rule, optimiser, batches)
        assert rule.parameters["images"].tolist() == [4, 4, 4]
    assert (rule.parameters["responses"] >= 0).all()


def test_the_score_of_a_class_is_the_mean_of_its_neurons_spikes(monkeypatch):
    """Neurons 0 and 1 are of class 2, 2 of class 0, the others never fired; classes 1: none."""
    _, rule, _ = make()
    rule.parameters["images"][:] = torch.tensor([10.0, 10, 2])
    rule.parameters["responses"][0] = torch.tensor([8.0, 0, 2])  # means .8, 0, 1
    rule.parameters["responses"][1] = torch.tensor([0.0, 0, 5])
    rule.parameters["responses"][2] = torch.tensor([30.0, 20, 0])
    counts = torch.tensor([[2.0, 4, 1, 9, 9, 9, 9, 9], [0.0, 0, 5, 9, 9, 9, 9, 9]])
    monkeypatch.setattr(rule, "counts", lambda inputs: counts)
    assert rule.predict(torch.zeros(2, PIXELS)).tolist() == [[1, 0, 3], [5, 0, 0]]


def test_before_any_label_predictions_are_finite():
    _, rule, _ = make()
    scores = rule.predict(batch().inputs)
    assert scores.shape == (6, CLASSES)
    assert scores.isfinite().all()


def test_predictions_change_nothing_but_the_generator():
    network, rule, optimiser = make()
    epoch(rule, optimiser, [batch()])
    before = {name: t.clone() for name, t in tensors(network, rule).items()}
    rule.predict(batch().inputs)
    assert all(torch.equal(t, before[name]) for name, t in tensors(network, rule).items())


def test_an_image_with_too_few_spikes_is_shown_again_brighter_and_at_last_left():
    _, rule, _ = make()
    _, bright = rule.updates(batch())
    assert bright["presentations"] < PRESENTATION["attempts"]
    dim = Batch(batch().inputs * 0.01, batch().labels, batch().targets, slice(0))
    _, monitored = rule.updates(dim)
    assert monitored["presentations"] == PRESENTATION["attempts"]
    assert rule.chance(torch.ones(1), 2) == pytest.approx(450 * 0.5e-3)
    assert rule.chance(torch.ones(1), 1000) == 1
    assert rule.counts(dim.inputs).sum() == 0


@pytest.mark.parametrize("stop", range(8))
def test_stopped_and_resumed_is_not_stopped(stop):
    """Bit for bit, from the tensors and the generator's state that a checkpoint holds."""
    plan = [(sweep, seed) for _ in range(2) for sweep in range(2) for seed in range(2)]

    def go(network, rule, optimiser, plan):
        for sweep, seed in plan:
            optimiser.step(rule.sweeps[sweep](batch(seed=seed))[0], 1.0)
        return tensors(network, rule), rule.generator.get_state()

    whole, end = go(*make(), plan)
    kept, drawn = go(*make(), plan[:stop])
    network, rule, optimiser = make(seed=123)
    for name, tensor in tensors(network, rule).items():
        tensor.copy_(kept[name])
    rule.generator.set_state(drawn)
    resumed, end_ = go(network, rule, optimiser, plan[stop:])
    assert torch.equal(end, end_)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"presentation": PRESENTATION | {"image": 0.3}}, "presentation.image is 0.3 ms"),
        ({"presentation": PRESENTATION | {"rest": 0}}, "presentation.rest is 0 ms"),
        ({"presentation": {"image": 60}}, "give attempts, enough, image"),
        ({"plasticity": {"nu_pre": 1}}, "plasticity: give nu_post"),
    ],
)
def test_settings_that_say_nothing_are_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        make(**changes)
