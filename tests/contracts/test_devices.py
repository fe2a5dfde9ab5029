"""Every training and scoring on a GPU that is not there.

Training on one without numbers: torch's FakeTensorMode makes "cuda" tensors that have a shape and a
device alone. A tensor on the wrong device is refused as on a GPU, and so is what needs a number,
and would make the GPU wait. Numbers are drawn on the CPU and moved, so that every device has the
same: these stay real.

Scores need numbers. They are made on an emulated GPU, and are those of the CPU.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    unset_fake_temporarily,
)
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from replications.core.data.datasets import Images, load
from replications.core.declare.papers import suite
from replications.core.learn.learning import Batch
from replications.core.score.estimators import classifier
from replications.core.steps import jobs
from replications.core.train.learning_rule import Classification
from replications.core.train.model import Generation
from replications.core.train.updates import Watched
from tests.contracts.emulated import EmulatedGpu
from tests.contracts.test_rules import RULES, short

SMOKE = [e for paper in suite().papers.values() for e in paper.experiments("smoke")]
MODELS = {e.science[1]: e for e in SMOKE if e.kind == "model"}
# What makes a GPU wait within a step, and why.
WAITING = {
    "DeepBeliefNetwork": "which machine learns is a number that it counts among its buffers",
    "bengio2017-SpikingEquilibriumPropagation-HopfieldNetwork": "computes on the CPU, in float64",
    "diehl2015-UnsupervisedStdp-DiehlCookNetwork": "which inputs fire is drawn on the CPU",
}


class Waits(RuntimeError):
    """A number is brought from the GPU to the CPU."""


class OnGpu(TorchFunctionMode):
    """Real draws, and a word where a tensor goes from the GPU to the CPU.

    It has no float64, as Apple's GPUs have none.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        there = any(t.device.type == "cuda" for t in tensors)
        if kwargs.get("generator") is not None:
            assert not there, f"{func.__name__}: a CPU generator draws for a tensor on the GPU"
            if tensors:  # fills it: one without numbers stays so
                return tensors[0]
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        result = func(*args, **kwargs)
        for tensor in (t for t in tree_leaves(result) if isinstance(t, torch.Tensor)):
            if there and tensor.device.type == "cpu":
                raise Waits(func.__name__)
            assert (tensor.device.type, tensor.dtype) != ("cuda", torch.float64), func.__name__
        return result


def unknown_gradients(cost, parameters, **more):
    """In the place of torch.autograd.grad, which asks a real GPU for its context."""
    return [torch.empty_like(parameter) for parameter in parameters]


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(torch.autograd, "grad", unknown_gradients)
    monkeypatch.setattr(Images, "classes", 10)  # a number, asked for before the first step
    monkeypatch.setattr(Watched, "look", lambda *_: None)  # which waits once, for a first batch
    with FakeTensorMode(allow_non_fake_inputs=True), OnGpu():
        yield "cuda"


def stepped(task):
    """All tensors of two steps, of an answer, and of what alignment compares."""
    found = task.step(0, 0) | task.step(0, 1) | task.parameters
    if isinstance(task, Classification) and hasattr(task.rule, "gradient"):
        rows = task.rows(0)
        batch = Batch(task.inputs[rows], task.labels[rows], task.targets[rows], rows)
        found |= {f"estimate of {k}": update for k, update in task.rule.estimate(batch).items()}
        with torch.enable_grad():
            found |= {f"gradient of {k}": g for k, g in task.rule.gradient(batch).items()}
        found["answer"] = task.rule.predict(batch.inputs)
    return found


@pytest.mark.parametrize("name", [*RULES, *MODELS])
@torch.no_grad()
def test_a_step_stays_on_its_device_and_never_waits(name, gpu):
    kind = Generation if name in MODELS else Classification
    task = kind(short({**RULES, **MODELS}[name], Path("nowhere"), device=gpu))
    if name in WAITING:
        with pytest.raises((Waits, DataDependentOutputException, DynamicOutputShapeException)):
            stepped(task)
        return
    assert {tensor.device.type for tensor in stepped(task).values()} == {"cuda"}


@pytest.mark.parametrize(
    "fault",
    [
        lambda x: x.cpu(),
        lambda x: float(x.sum()),
        lambda x: x[x > 0],
        lambda x: x + torch.ones(3),
        lambda x: x + torch.rand(3, generator=torch.Generator()),
        lambda x: torch.bernoulli(x, generator=torch.Generator()),
        lambda x: x.double(),
    ],
    ids=[
        "brought back",
        "a number",
        "a mask",
        "on two devices",
        "noise of the CPU",
        "a CPU's draw",
        "float64",
    ],
)
def test_what_fails_on_a_gpu_or_makes_it_wait_is_noticed(fault, gpu):
    with pytest.raises((RuntimeError, AssertionError)):
        fault(torch.empty(3, device=gpu))


# Scores


def asked(e):
    """What the scoring of an experiment calls: samplers, chains, likelihoods, measures."""
    evaluation = e.resolved.get("evaluation", {})
    named = [(key, name) for key in ("samplers", "chains", "likelihood", "measures")
             for name in evaluation.get(key, ())]  # fmt: skip
    return {(*e.science, *each) for each in named} | {(*e.science, key) for key in evaluation}


def scored_by_all():
    """Experiments that together call all that any scoring calls, of every rule and model."""
    found, left = {}, set().union(*map(asked, SMOKE))
    for e in sorted(SMOKE, key=lambda e: -len(asked(e))):
        if e.kind != "simulation" and asked(e) & left:
            found[f"{e.paper}-{e.name}"] = e
            left -= asked(e)
    return found


FEW = {"images": 20, "count": 20, "samples": 60}  # in the place of hundreds


def fewer(value):
    """An evaluation with few images, and all else as it is."""
    if not isinstance(value, dict):
        return value
    return {key: min(FEW[key], v) if key in FEW else fewer(v) for key, v in value.items()}


SCORED = scored_by_all()


def one_by_one(function):
    """In the place of torch.vmap, within which the emulated GPU sees no tensor as its own."""
    return lambda *rows: torch.stack([function(*each) for each in zip(*rows, strict=True)])


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    """A folder of data with the digits' classifier, trained on the emulated GPU as on the CPU."""
    folders = {device: tmp_path_factory.mktemp(device) for device in ("cpu", "cuda")}
    for device, folder in folders.items():
        with EmulatedGpu():
            images = load("digits", folder).to(device)
            classifier.store_classifier(images, classifier.path("digits", folder))
    kept = [classifier.path("digits", folder).read_bytes() for folder in folders.values()]
    assert kept[0] == kept[1]
    return folders["cuda"]


@pytest.mark.parametrize("name", SCORED)
def test_scores_are_the_same_on_the_emulated_gpu(name, tmp_path, classifiers, monkeypatch):
    monkeypatch.setattr(torch, "vmap", one_by_one)
    e, found = SCORED[name], {}
    e = replace(e, resolved=e.resolved | {"evaluation": fewer(e.resolved["evaluation"])})
    for device in ("cpu", "cuda"):
        run = replace(short(e, tmp_path / device, device=device), data=classifiers)
        run.directory.mkdir()
        with EmulatedGpu():
            jobs.train(run)
            jobs.score(run)
        rows = json.loads((run.directory / "scores.json").read_text())["rows"]
        arrays = run.directory / "arrays.npz"
        found[device] = rows, arrays.read_bytes() if arrays.exists() else b""
    assert found["cuda"] == found["cpu"] and len(rows) > 1


def test_the_emulated_gpu_refuses_what_a_real_one_refuses():
    with EmulatedGpu():
        x = torch.ones(3).to("cuda")
        assert x.device.type == (x + 1).device.type == torch.zeros(2, device="cuda").device.type
        assert float(x.sum()) == 3 and x.cpu().numpy().sum() == 3
        for fault in (
            lambda: x + torch.ones(3), lambda: x.double(), lambda: x.numpy(),
            lambda: np.asarray(x), lambda: torch.ones(3)[x.long()],
            lambda: torch.rand(3, device="cuda", generator=torch.Generator()),
        ):  # fmt: skip
            with pytest.raises(RuntimeError):
                fault()
