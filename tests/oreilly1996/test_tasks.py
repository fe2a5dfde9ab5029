"""The four tasks, and the relations of Hinton's family trees."""

import pytest
import torch
from sklearn.datasets import load_digits

from replications.oreilly1996.tasks import COUPLES, FAMILY, MEN, RELATIONS, TASKS, relatives

PEOPLE = ("Christopher", "Penelope", "Andrew", "Christine", "Arthur", "Victoria",
          "James", "Jennifer", "Margaret", "Charles", "Colin", "Charlotte")  # fmt: skip


def test_everybody_is_of_one_of_two_sexes_and_every_couple_of_both():
    assert len(MEN) == FAMILY / 2
    for one, other, _ in COUPLES:
        assert (one in MEN) != (other in MEN)


@pytest.mark.parametrize(("person", "relation", "expected"), [
    ("Colin", "father", {"James"}),
    ("Colin", "mother", {"Victoria"}),
    ("Colin", "sister", {"Charlotte"}),
    ("Colin", "uncle", {"Arthur", "Charles"}),
    ("Colin", "aunt", {"Margaret", "Jennifer"}),
    ("Arthur", "niece", {"Charlotte"}),
    ("Charles", "nephew", {"Colin"}),
    ("Arthur", "wife", {"Margaret"}),
    ("Christopher", "son", {"Arthur"}),
    ("Christopher", "husband", set()),
    ("Arthur", "uncle", set()),
])  # fmt: skip
def test_relations_are_those_of_the_tree(person, relation, expected):
    found = relatives()[relation](PEOPLE.index(person))
    assert {PEOPLE[p] for p in found} == expected


def test_relations_have_their_inverses():
    """Whoever is somebody's father or mother has them as son or daughter, and so on."""
    found = relatives()
    inverses = {("father", "mother"): ("son", "daughter"), ("uncle", "aunt"): ("nephew", "niece"),
                ("husband",): ("wife",), ("brother", "sister"): ("brother", "sister")}  # fmt: skip
    for ones, others in inverses.items():
        there = {(p, q) for r in ones for p in range(FAMILY) for q in found[r](p)}
        back = {(q, p) for r in others for p in range(FAMILY) for q in found[r](p)}
        assert there == back and there


def test_family_trees_are_112_triples_of_104_questions():
    """As many as the public kinship dataset has triples, and Hinton's paper cases."""
    task = TASKS["family_trees"](24)
    assert task.inputs.shape == (104, 36) and task.targets.shape == (104, 24)
    assert task.targets.sum() == 112
    assert (task.inputs[:, :24].sum(1) == 1).all() and (task.inputs[:, 24:].sum(1) == 1).all()
    family, answers = task.inputs[:, :12].sum(1), task.targets[:, :12].sum(1)
    assert ((answers > 0) == (family > 0)).all()  # nobody is related to the other family
    assert len({tuple(row.tolist()) for row in task.inputs}) == 104
    assert task.inputs[:, 24:].sum(0).min() > 0 and len(RELATIONS) == 12


def test_half_of_the_first_layer_sees_the_person_and_half_the_relation():
    seen = TASKS["family_trees"](24).seen
    assert (seen[:24, :12] == 1).all() and (seen[24:, 12:] == 1).all()
    assert seen.sum() == 24 * 12 + 12 * 12


def test_xor_and_the_encoder():
    xor, encoder = TASKS["xor"](3), TASKS["encoder"](2)
    assert [(*x.tolist(), *t.tolist()) for x, t in zip(xor.inputs, xor.targets, strict=True)] == [
        (0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0),
    ]  # fmt: skip
    assert torch.equal(encoder.inputs, torch.eye(4).double()) and encoder.seen.shape == (4, 2)
    assert torch.equal(encoder.targets, encoder.inputs)


def test_ten_images_of_each_digit():
    task = TASKS["digits"](20)
    assert torch.equal(task.targets.sum(0), torch.full((10,), 10.0).double())
    assert task.inputs.min() == 0 and task.inputs.max() == 1
    pixels, labels = load_digits(return_X_y=True)
    for image, target in zip(task.inputs, task.targets, strict=True):
        same = (torch.from_numpy(pixels) / 16 == image).all(1).nonzero()[:, 0]
        assert labels[same[0]] == target.argmax()
