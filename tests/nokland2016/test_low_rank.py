"""Feedback of a lower rank: its rank, its norm, and what is left of the error."""

import pytest
import torch

from replications.nokland2016.ablations.low_rank import LowRankFeedback, of_rank
from replications.nokland2016.rule import DirectFeedbackAlignment
from tests.feed_forward import build

FEEDBACK = {"fan_out_uniform": {"gain": 1.0}}


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_it_is_the_nearest_matrix_of_that_rank_but_for_its_norm(rank):
    matrix = torch.randn(3, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = of_rank(matrix, rank)
    values = torch.linalg.svdvals(found)
    assert int((values > 1e-12).sum()) == rank
    torch.testing.assert_close(found.norm(), matrix.norm())
    # Eckart, Young & Mirsky: what the nearest leaves over are the smaller singular values.
    nearest = found * (torch.linalg.svdvals(matrix)[0] / values[0])
    left = torch.linalg.svdvals(matrix)[rank:].square().sum().sqrt()
    torch.testing.assert_close((matrix - nearest).norm(), left, atol=1e-12, rtol=1e-9)


def test_of_full_rank_it_is_direct_feedback_alignment():
    low, batch = build(LowRankFeedback, feedback=FEEDBACK, rank=3)
    full, _ = build(DirectFeedbackAlignment, feedback=FEEDBACK)
    for name, update in low.updates(batch)[0].items():
        torch.testing.assert_close(update, full.updates(batch)[0][name])


def test_errors_of_rank_one_point_along_one_line():
    rule, batch = build(LowRankFeedback, units="linear", feedback=FEEDBACK, rank=1)
    activities = rule.network.activities(batch.inputs)
    _, top = rule.network.top_cost(activities[-1], batch.targets)
    for i, error in rule.layer_errors(activities, top):
        rank = torch.linalg.matrix_rank(error, rtol=1e-9)
        assert rank == (2 if i == rule.network.depth else 1)  # top errors sum to zero
