"""One score: of a metric, of a part, at a step, and finite."""

import math
from dataclasses import asdict

import numpy as np
import pytest
import torch

from replications.core.base.scores import Score


def test_a_score_is_a_metric_of_a_part_at_a_step():
    assert asdict(Score("cosine", 0.5, "W1", 3)) == {
        "metric": "cosine", "value": 0.5, "part": "W1", "step": 3,
    }  # fmt: skip
    assert Score("cosine", 0.5) == Score("cosine", 0.5, "", 0)


@pytest.mark.parametrize("value", [np.float32(0.5), torch.tensor(0.5), np.array(0.5), 0.5])
def test_a_value_is_a_plain_number_whatever_it_came_as(value):
    assert type(Score("cosine", value).value) is float


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, torch.tensor(math.nan)])
def test_no_number_that_is_none_becomes_a_score(bad):
    with pytest.raises(ValueError, match=f"cosine W1 at step 3 is {float(bad)}: this run has no"):
        Score("cosine", bad, "W1", 3)
