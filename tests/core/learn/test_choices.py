"""A choice by its name, with its options: what is bound, and what is refused."""

import pytest

from replications.core.learn.choices import chosen
from replications.core.learn.networks import FeedForward


def scaled(value, *, by, generator=None):
    return value * by


KNOWN = {"scaled": scaled, "negative": lambda value: -value}


def test_the_named_one_is_called_with_its_options():
    assert chosen({"negative": {}}, KNOWN, "here")(3) == -3
    given = chosen({"scaled": {"by": 5}}, KNOWN, "here", provided=frozenset({"generator"}))
    assert given(3, generator=None) == 15


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"doubled": {}}, "here: 'doubled' is none of scaled, negative"),
        ({"negative": {"by": 2}}, "here.negative: takes nothing, not by"),
        ({"scaled": {}}, "here.scaled: takes by, not nothing"),
        ({"scaled": {"of": 1, "by": 2}}, "here.scaled: takes by, not by, of"),
        ({"scaled": {"by": 2, "generator": 1}}, "here.scaled: takes by, not by, generator"),
    ],
)
def test_another_name_and_other_options_are_refused(declared, said):
    with pytest.raises(ValueError) as told:
        chosen(declared, KNOWN, "here", provided=frozenset({"generator"}))
    assert str(told.value) == said


def test_a_network_says_which_initialisations_there_are():
    with pytest.raises(ValueError, match="'glorot' is none of glorot_uniform, glorot_normal"):
        FeedForward(
            layers=(3, 2),
            initialisation="glorot",
            units="tanh",
            cost="softmax_cross_entropy",
            generator=None,
        )
