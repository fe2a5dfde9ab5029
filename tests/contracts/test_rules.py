"""What every learning rule has to do, of every paper: rules are found, not listed.

Each is built as the smoke tier has it, in its own network and in one of another depth, and sees
images of digits.
"""

from dataclasses import replace
from importlib import import_module

import pytest
import torch
from torch.nn.functional import one_hot

from replications.core.base.provenance import ROOT
from replications.core.data.datasets import load
from replications.core.declare.league import LEAGUE
from replications.core.declare.papers import suite
from replications.core.learn.learning import Batch
from replications.core.run.runs import Run
from replications.core.train import loop
from replications.core.train.learning_rule import Classification
from replications.core.train.updates import Watched

IMAGES = 24


def found():
    """Rules with each kind of network that they are run in: an experiment of either.

    Where the league has such a one, too, it is the paper's own.
    """
    rules = {}
    for paper in sorted(suite().papers.values(), key=lambda paper: paper.name == LEAGUE):
        for e in paper.experiments("smoke"):
            if e.kind == "learning_rule":
                owner = e.science[0].split(".")[1]
                rules.setdefault(f"{owner}-{e.science[1]}-{e.network[1]}", e)
    return rules


RULES = found()
DEEP = [name for name in RULES if not name.endswith("DiehlCookNetwork")]  # which has one layer


@pytest.fixture(scope="module")
def digits():
    return load("digits", ROOT / "data").train.first(IMAGES)


def made(name, *, seed=1, dtype=torch.float32, hidden=None):
    """The rule of that name; with so many hidden layers, if that is said."""
    e = RULES[name]
    (arguments,) = e.resolved["network"].values()
    if hidden is not None:
        inputs = [] if "convolutions" in arguments else arguments["layers"][:1]
        arguments = arguments | {"layers": [*inputs, *[22] * hidden, 10]}
        if "inhibitory" in arguments:
            arguments |= {"inhibitory": [2] * hidden + [1]}
    rule, network = (getattr(import_module(m), n) for m, n in (e.science, e.network))
    drawing = [torch.Generator().manual_seed(seed + k) for k in (0, 100)]
    built = network(**arguments, generator=drawing[0], dtype=dtype)
    return rule(network=built, examples=IMAGES, generator=drawing[1], **e.resolved["settings"])


def batch_of(images, rows=None, dtype=torch.float32):
    """The digits as a batch, in that order."""
    rows = torch.arange(IMAGES) if rows is None else rows
    labels = images.labels[rows]
    return Batch(images.inputs[rows].to(dtype), labels, one_hot(labels, 10).to(dtype), rows)


def updates_of(rule, batch):
    """Those of all its sweeps."""
    found = {}
    for sweep in rule.sweeps:
        found |= sweep(batch)[0]
    return found


def learnt(rule):
    return rule.network.parameters | rule.parameters


def assert_close(ours, theirs, digits):
    """But for so small a part of a parameter's largest element, and 1e-6 of the largest of all."""
    largest = max(float(update.abs().max()) for update in theirs.values())
    for key, update in ours.items():
        within = digits * float(theirs[key].abs().max()) + 1e-6 * largest
        torch.testing.assert_close(update.double(), theirs[key].double(), rtol=0, atol=within)


def draws(name, digits):
    """Whether its updates change with its generator alone."""
    first, second = made(name), made(name)
    for of, to in ((first.state, second.state), (learnt(first), learnt(second))):
        for key, tensor in of.items():
            to[key].copy_(tensor)
    second.generator.manual_seed(77)
    batch = batch_of(digits)
    ours, theirs = updates_of(first, batch), updates_of(second, batch)
    return any(not torch.equal(update, theirs[key]) for key, update in ours.items())


@pytest.mark.parametrize("name", RULES)
def test_updates_are_as_the_parameters_and_finite_and_so_are_the_monitors(name, digits):
    rule, batch = made(name), batch_of(digits)
    watched = Watched(rule)
    for number, sweep in enumerate(rule.sweeps):
        updates, monitor = sweep(batch)
        watched.look(number, updates)
        assert all(value.shape == () and bool(value.isfinite()) for value in monitor.values())
    assert not watched.left
    scores = rule.predict(batch.inputs)
    assert scores.shape == (IMAGES, 10) and scores.dtype == torch.float32
    assert bool(scores.isfinite().all())


@pytest.mark.parametrize("hidden", [1, 8])
@pytest.mark.parametrize("name", DEEP)
def test_it_works_with_one_hidden_layer_and_with_eight(name, hidden, digits):
    try:
        rule = made(name, hidden=hidden)
    except ValueError as error:
        assert str(error).startswith("network.layers: ")  # it says which it needs
        return
    watched = Watched(rule)
    for number, sweep in enumerate(rule.sweeps):
        watched.look(number, sweep(batch_of(digits))[0])
    assert f"W{hidden + 1}" in rule.network.parameters or f"Wex{hidden + 1}" in learnt(rule)


@pytest.mark.parametrize("name", RULES)
def test_a_seed_tells_all(name, digits):
    ours, theirs = (updates_of(made(name), batch_of(digits)) for _ in range(2))
    assert all(torch.equal(update, theirs[key]) for key, update in ours.items())


@pytest.mark.parametrize("name", RULES)
def test_nothing_of_the_network_changes_but_by_what_it_returns(name, digits):
    rule, batch = made(name), batch_of(digits)
    before = {key: tensor.clone() for key, tensor in learnt(rule).items()}
    updates_of(rule, batch)
    assert all(torch.equal(tensor, before[key]) for key, tensor in learnt(rule).items())


@pytest.mark.parametrize("name", DEEP)
def test_single_precision_says_what_double_precision_says(name, digits):
    if draws(name, digits):
        pytest.skip("draws noise in every step, which is another in the other precision")
    single, double = made(name), made(name, dtype=torch.float64)
    for of, to in ((single.state, double.state), (learnt(single), learnt(double)),
                   (single.network.buffers, double.network.buffers)):  # fmt: skip
        for key, tensor in of.items():
            to[key].copy_(tensor)
    ours = updates_of(single, batch_of(digits))
    theirs = updates_of(double, batch_of(digits, dtype=torch.float64))
    assert {update.dtype for update in theirs.values()} == {torch.float64}
    assert_close(ours, theirs, 2e-4)


@pytest.mark.parametrize("name", DEEP)
def test_the_order_of_a_batch_says_nothing(name, digits):
    if draws(name, digits):
        pytest.skip("draws noise in every step, for one image after the other")
    backwards = torch.arange(IMAGES - 1, -1, -1)
    ours = updates_of(made(name), batch_of(digits))
    theirs = updates_of(made(name), batch_of(digits, backwards))
    assert_close(theirs, ours, 1e-4)


@pytest.mark.parametrize("name", [n for n in DEEP if hasattr(made(n), "gradient")])
def test_on_average_a_small_step_lowers_the_cost(name, digits):
    """Over networks: the update's part along the gradient, whose cost the rule answers for."""
    batch, along = batch_of(digits), []
    for seed in range(12):
        rule = made(name, seed=seed)
        updates = rule.estimate(batch)
        with torch.enable_grad():
            gradient = rule.gradient(batch)
        along.append(-sum(float((updates[n] * g).sum()) for n, g in gradient.items()))
    assert sum(along) > 0


class Stopped(Exception):
    pass


def short(e, directory, **more):
    """A run of an experiment of 2 epochs, of 3 batches where a batch has 8 images."""
    training = e.resolved["training"] | {"batch": min(8, e.resolved["training"]["batch"])}
    resolved = e.resolved | {"training": training, "budget": {"epochs": 2, "examples": IMAGES}}
    return Run(replace(e, resolved=resolved), tier="smoke", index=0, directory=directory,
               data=ROOT / "data", hashes={"code": "c", "config": "d"}, **more)  # fmt: skip


def train(run, stop_in=None):
    """Train it, from where it was stopped; and stop it in the step of that number."""
    task, steps = Classification(run), []
    step = task.step

    def counted(epoch, index):
        steps.append((epoch, index))
        if len(steps) == stop_in:
            raise Stopped
        return step(epoch, index)

    task.step = counted
    loop.run_epochs(task, run, epochs=2)
    return steps


@torch.no_grad()
@pytest.mark.parametrize("name", RULES)
def test_stopped_within_an_epoch_and_resumed_it_ends_as_undisturbed(name, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1)
    whole, stopped = (short(RULES[name], tmp_path / how) for how in ("whole", "stopped"))
    for run in (whole, stopped):
        run.directory.mkdir()
    steps = train(whole)
    with pytest.raises(Stopped):
        train(stopped, stop_in=len(steps) * 3 // 4)
    assert train(stopped)[0] == steps[len(steps) * 3 // 4 - 1]
    for file in ("parameters.safetensors", "curves.csv"):
        assert (stopped.directory / file).read_bytes() == (whole.directory / file).read_bytes()
