"""The classifier in whose features samples are compared: what it is made of, and its file."""

import logging
import re
from dataclasses import replace

import pytest
import torch

from replications.__main__ import main
from replications.core.data.datasets import Split, load
from replications.core.score.estimators import classifier, fidelity


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(fidelity, "STEPS", 10)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def trained(folder):
    """The bytes of a classifier of digits that is trained in a folder of its own."""
    return trained_on(load("digits", folder), folder)


def trained_on(images, folder):
    classifier.store_classifier(images, classifier.path("digits", folder))
    return classifier.path("digits", folder).read_bytes()


def same(one, other):
    return set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_training_again_gives_the_same_bytes_whatever_was_drawn_before(tmp_path):
    torch.manual_seed(1)
    first = trained(tmp_path / "one")
    torch.manual_seed(2)
    with torch.no_grad():  # as scoring runs
        assert trained(tmp_path / "two") == first
    assert trained(tmp_path / "one") == first  # in the place of the one that is there
    assert [path.name for path in (tmp_path / "one").rglob("*") if path.is_file()] == [
        "digits.safetensors"
    ]


def test_what_is_read_is_what_was_trained_on_the_training_images(tmp_path):
    trained(tmp_path)
    images = load("digits", tmp_path)
    parameters = fidelity.train_classifier(
        images.train.inputs, images.train.labels, classes=10, seed=0, device="cpu"
    )
    found = classifier.read_classifier("digits", tmp_path, "cpu")
    assert same(found, parameters)
    assert {name: tuple(t.shape) for name, t in found.items() if "weight" in name} == {
        "1.weight": (256, 64), "2.weight": (64, 256), "3.weight": (10, 64),
    }  # fmt: skip
    assert not any(t.requires_grad for t in found.values())


@pytest.mark.parametrize(("part", "matters"), [("train", True), ("validation", False),
                                               ("test", False)])  # fmt: skip
def test_only_training_images_enter(tmp_path, part, matters):
    before = trained(tmp_path / "before")
    images = load("digits", tmp_path)
    split = getattr(images, part)
    images = replace(images, **{part: Split(1 - split.inputs, split.labels.flip(0))})
    assert (trained_on(images, tmp_path / "after") != before) == matters


def test_its_error_on_validation_images_is_told(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    trained(tmp_path)
    held_out = load("digits", tmp_path).validation
    parameters = classifier.read_classifier("digits", tmp_path, "cpu")
    error = fidelity.classifier_error(parameters, held_out.inputs, held_out.labels)
    assert 0 < error < 90
    assert f"digits.safetensors: {error:.2f}% error on the validation images" in caplog.text


def test_a_missing_one_is_told_with_the_command_that_makes_it(tmp_path):
    assert not classifier.path("mnist", tmp_path).exists()
    told = f"{tmp_path}/classifiers/mnist.safetensors is missing: run `python -m replications "
    with pytest.raises(ValueError, match=f"^{re.escape(told)}classifier mnist` first$"):
        classifier.read_classifier("mnist", tmp_path, "cpu")


def test_the_command_trains_the_same_one(tmp_path, caplog):
    places = ["--data", str(tmp_path / "command")]
    assert main([*places, "classifier", "digits", "--device", "cpu"]) == 0
    assert classifier.path("digits", tmp_path / "command").read_bytes() == trained(tmp_path / "f")
    assert main([*places, "classifier", "imagenet"]) == 1
    assert "imagenet" in caplog.text and "Traceback" not in caplog.text
