"""What steps cost: bytes by hand, and times by a clock that is told what to say."""

import pandas as pd
import pytest
import torch

from replications.core.declare.league import entries
from replications.core.declare.papers import suite
from replications.core.run.runs import Run
from replications.core.steps import costs
from replications.core.train.learning_rule import Classification


@pytest.fixture
def paper():
    return suite().paper("league")


def task(name, data, tmp_path):
    experiment = suite().experiment("league", f"{name}_mnist_2", "smoke")
    return Classification(Run(experiment, "smoke", 0, tmp_path, data))


@torch.no_grad()
def test_memory_is_what_is_kept_and_the_most_that_a_step_adds(data, tmp_path):
    """Fixed feedback is kept beside what back-propagation keeps; a step adds about the same."""
    ours, twin = (task(n, data, tmp_path) for n in ("feedback_alignment", "backpropagation"))
    for each in (ours, twin):
        costs.step(each, 0)
    feedback = 4 * (32 * 32 + 10 * 32)  # bytes of B2 and B3
    more = costs.memory(ours) - costs.memory(twin)
    # Back-propagation's feedback is a view; nothing else differs.
    assert more == feedback
    parameters = sum(p.nbytes for p in twin.parameters.values())
    assert costs.memory(twin) > 3 * parameters  # and the two means of Adam


@torch.no_grad()
def test_speed_is_relative_to_the_twins_median(data, tmp_path, monkeypatch):
    ours, twin = (task(n, data, tmp_path) for n in ("feedback_alignment", "backpropagation"))
    clock = [0.0]

    # A step of ours takes 4 s, of the twin 2 s; one of each is slow, which says nothing.
    def step(of, number):
        clock[0] += 50.0 if number == 3 else 4.0 if of is ours else 2.0

    monkeypatch.setattr(costs, "step", step)
    monkeypatch.setattr(costs.time, "perf_counter", lambda: clock[0])
    assert costs.speed(ours, twin) == 0.5


def test_every_rule_that_is_asked_for_has_a_line_for_its_net(data, tmp_path, paper):
    some = entries(paper, ["backpropagation", "kolen_pollack"], "smoke", "mnist")
    costs.write_costs(paper.declared["league"], some, data, "cpu", tmp_path / "costs.csv")
    table = pd.read_csv(tmp_path / "costs.csv")
    assert set(zip(table["rule"], table["net"], strict=True)) == {
        ("backpropagation", "two"), ("kolen_pollack", "two")}  # fmt: skip
    assert table.set_index("rule").loc["backpropagation", "memory"] == 1
    assert (table["speed"] > 0).all()
