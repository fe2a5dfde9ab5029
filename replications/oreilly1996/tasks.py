"""What the networks learn: patterns of inputs and targets, and who may see which input."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import one_hot


class Task(NamedTuple):
    """Patterns in float64; `seen`, (n_0, n_1), is 1 where an input reaches a unit of layer 1."""

    inputs: Tensor  # (P, n_0)
    targets: Tensor  # (P, n_L), 0 or 1
    seen: Tensor


def task(inputs: Tensor, targets: Tensor, hidden: int) -> Task:
    """That whose inputs reach every unit of a first layer of so many."""
    inputs, targets = inputs.double(), targets.double()
    return Task(inputs, targets, torch.ones(inputs.shape[1], hidden, dtype=torch.float64))


def xor(hidden: int) -> Task:
    """Exclusive or: 4 patterns, 2 inputs, 1 output."""
    inputs = torch.tensor(list(product((0, 1), repeat=2)))
    return task(inputs, inputs.sum(1, keepdim=True) % 2, hidden)


def encoder(hidden: int) -> Task:
    """4-2-4: of each of four inputs its own output."""
    return task(torch.eye(4), torch.eye(4), hidden)


def digits(hidden: int) -> Task:
    """The first ten images of each digit of the embedded 8 x 8 digits, from 0 to 1."""
    images, labels = map(torch.from_numpy, load_digits(return_X_y=True))
    first = torch.cat([(labels == digit).nonzero()[:10, 0] for digit in range(10)])
    return task(images[first] / 16, one_hot(labels[first], 10), hidden)


# Hinton's two families are alike, person by person: couples and their children, in this order.
COUPLES = ((0, 1, (4, 5)), (2, 3, (6, 7)), (8, 4, ()), (5, 6, (10, 11)), (7, 9, ()))
MEN = {0, 2, 4, 6, 9, 10}  # Christopher, Andrew, Arthur, James, Charles, Colin
FAMILY = 12
RELATIONS = ("father", "mother", "husband", "wife", "son", "daughter",
             "uncle", "aunt", "brother", "sister", "nephew", "niece")  # fmt: skip


def relatives() -> dict[str, Callable[[int], set[int]]]:
    """By relation, who stands in it to a person of a family."""
    mates = {a: {b} for one, other, _ in COUPLES for a, b in ((one, other), (other, one))}
    children: dict[int, set[int]] = {p: set() for p in range(FAMILY)}
    for one, other, born in COUPLES:
        children[one] |= set(born)
        children[other] |= set(born)

    def of(people: set[int], relation: Callable[[int], set[int]]) -> set[int]:
        return set().union(*(relation(person) for person in people))

    def parents(person: int) -> set[int]:
        return {p for p, born in children.items() if person in born}

    def siblings(person: int) -> set[int]:
        return of(parents(person), children.__getitem__) - {person}

    def spouses(person: int) -> set[int]:
        return mates.get(person, set())

    def elders(person: int) -> set[int]:
        blood = of(parents(person), siblings)
        return blood | of(blood, spouses)

    def nephews(person: int) -> set[int]:
        return of(siblings(person) | of(spouses(person), siblings), children.__getitem__)

    pairs = {
        ("father", "mother"): parents,
        ("husband", "wife"): spouses,
        ("son", "daughter"): children.__getitem__,
        ("uncle", "aunt"): elders,
        ("brother", "sister"): siblings,
        ("nephew", "niece"): nephews,
    }
    found = {}
    for (man, woman), relation in pairs.items():
        found[man] = lambda person, relation=relation: relation(person) & MEN
        found[woman] = lambda person, relation=relation: relation(person) - MEN
    return found


def family_trees(hidden: int) -> Task:
    """Of a person and a relation all who stand in it: 104 patterns, 24 + 12 inputs, 24 outputs.

    One half of the first layer sees the person, the other half the relation.
    """
    inputs, targets, people = [], [], 2 * FAMILY
    found = relatives()
    for family, person in product((0, FAMILY), range(FAMILY)):
        for r, relation in enumerate(RELATIONS):
            if answer := found[relation](person):
                inputs.append(
                    one_hot(torch.tensor([family + person, people + r]), people + 12).sum(0)
                )
                targets.append(one_hot(torch.tensor([family + p for p in answer]), people).sum(0))
    whole = task(torch.stack(inputs), torch.stack(targets), hidden)
    whole.seen[:people, hidden // 2 :] = 0
    whole.seen[people:, : hidden // 2] = 0
    return whole


TASKS = {"xor": xor, "encoder": encoder, "digits": digits, "family_trees": family_trees}
