"""Rows of the long table as scoring makes them."""

import math

import pytest

from replications.core.score.rows import row


def test_a_row_is_a_metric_of_a_layer_at_a_step():
    expected = {"metric": "cosine", "layer": "W1", "step": 3, "value": 0.5}
    assert row("cosine", 0.5, layer="W1", step=3) == expected
    assert row("cosine", 0.5, step=3) == expected | {"layer": ""}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_no_number_that_is_none_becomes_a_row(bad):
    with pytest.raises(ValueError, match=f"cosine W1 at step 3 is {bad}"):
        row("cosine", bad, layer="W1", step=3)
