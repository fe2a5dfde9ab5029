"""Faults of a learning rule are told by name, with what was expected."""

import pytest
import torch

from replications.core.learn.learning import Backpropagation
from replications.core.train.updates import Watched, WrongUpdates
from tests.feed_forward import build


class Sweeping(Backpropagation):
    """Two sweeps: the first updates weights, the second biases."""

    def only(self, kind, batch):
        updates, monitor = super().updates(batch)
        return {name: u for name, u in updates.items() if name[0] == kind}, monitor

    @property
    def sweeps(self):
        return (lambda batch: self.only("W", batch), lambda batch: self.only("b", batch))


def watched(change, rule=Backpropagation, layers=(5, 4, 3)):
    """Look at a rule's updates as `change` leaves them."""
    made, batch = build(rule, layers=layers)
    looking = Watched(made)
    for number, sweep in enumerate(made.sweeps):
        updates = sweep(batch)[0]
        change(updates)
        looking.look(number, updates)
    return looking


def test_what_is_right_passes_whether_in_one_sweep_or_in_two():
    for rule in (Backpropagation, Sweeping):
        assert not watched(lambda updates: None, rule).left


FAULTS = {
    "not a number": (lambda u: u["W2"].fill_(torch.nan), "the first update of W2 is NaN"),
    "infinite": (lambda u: u["b1"].fill_(torch.inf), "the first update of b1 is NaN or infinite"),
    "transposed": (
        lambda u: u.update(W1=u["W1"].T),
        r"the update of W1 is \(4, 5\), torch.float64; it has to be as the parameter, \(5, 4\), "
        "torch.float64",
    ),
    "of one number for all": (lambda u: u.update(b2=u["b2"].sum()), r"update of b2 is \(\), "),
    "of another precision": (lambda u: u.update(W1=u["W1"].float()), "W1 is .*torch.float32"),
    "left out": (lambda u: u.pop("b2"), "no update of b2: return one for every parameter"),
    "of no parameter": (
        lambda u: u.update(W3=u["W2"]),
        "updates of W3, which are no parameters; there are W1, b1, W2, b2",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told(fault):
    change, told = FAULTS[fault]
    with pytest.raises(WrongUpdates, match=f"Backpropagation: .*{told}"):
        watched(change)


def test_what_no_sweep_updates_is_told_after_the_last_of_them():
    with pytest.raises(WrongUpdates, match="Sweeping: no update of b1"):
        watched(lambda updates: updates.pop("b1", None), Sweeping)


def test_it_looks_at_the_first_updates_alone():
    made, batch = build(Backpropagation)
    looking = Watched(made)
    looking.look(0, made.updates(batch)[0])
    looking.look(0, {})
