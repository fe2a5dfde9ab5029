"""What a generative model and a learning rule share: settings that are given, all of them."""

from dataclasses import FrozenInstanceError, dataclass

import pytest
import torch

from replications.core.learn.learning import LearningRule
from replications.core.learn.models import GenerativeModel


class Line(GenerativeModel):
    @dataclass(frozen=True, kw_only=True)
    class Settings(GenerativeModel.Settings):
        slope: float

    def initialise(self, generator):
        self.parameters = {"a": self.like.new_full((2,), self.settings.slope)}


class Kept(LearningRule):
    @dataclass(frozen=True, kw_only=True)
    class Settings(LearningRule.Settings):
        size: int

    def initialise(self, examples):
        self.state = {"kept": torch.zeros(examples, self.settings.size)}


def line(**given):
    return Line(generator=torch.Generator(), device="cpu", dtype=torch.float64, **given)


def kept(**given):
    return Kept(network=None, examples=3, generator=torch.Generator(), **given)


def test_settings_are_those_given_and_stay():
    assert line(slope=2.0).parameters["a"].tolist() == [2.0, 2.0]
    assert line(slope=2.0).parameters["a"].dtype == torch.float64
    assert kept(size=4).state["kept"].shape == (3, 4)
    assert line(slope=2.0).finish(torch.zeros(1)) is None  # nothing to fit is no error
    with pytest.raises(FrozenInstanceError):
        line(slope=2.0).settings.slope = 3.0


@pytest.mark.parametrize(("build", "name"), [(line, "slope"), (kept, "size")])
def test_missing_and_unknown_settings_are_refused(build, name):
    with pytest.raises(TypeError, match=f"missing .*'{name}'"):
        build()
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        build(**{name: 1}, other=2)
