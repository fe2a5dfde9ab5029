"""Alignment of updates with gradients: known angles, invariances, what must never score well."""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from replications.core.score.estimators.alignment import alignment

FIXED = settings(derandomize=True, deadline=None, max_examples=100)
NUMBERS = st.floats(-1e6, 1e6, width=32)
PAIRS = st.integers(1, 8).flatmap(
    lambda n: st.tuples(*(st.lists(NUMBERS, min_size=n, max_size=n) for _ in range(2)))
)


@pytest.mark.parametrize("degrees", [0, 1e-3, 30, 45, 60, 90, 120, 179, 180])
@pytest.mark.parametrize("ratio", [0.5, 1, 3])
def test_known_angles_and_norm_ratios(degrees, ratio):
    """The update stands at `degrees` to minus the gradient and is `ratio` times as long."""
    radians = math.radians(degrees)
    gradient = torch.tensor([-2.0, 0.0], dtype=torch.float64)
    update = 2 * ratio * torch.tensor([math.cos(radians), math.sin(radians)], dtype=torch.float64)
    found = alignment(update, gradient)
    assert found["cosine"] == pytest.approx(math.cos(radians), abs=1e-12)
    assert found["angle"] == pytest.approx(degrees, abs=1e-5)
    assert found["norm_ratio"] == pytest.approx(ratio)


def test_steepest_descent_is_perfectly_aligned_and_ascent_is_opposite():
    gradient = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    assert alignment(-gradient, gradient)["cosine"] == pytest.approx(1, abs=1e-12)
    assert alignment(gradient, gradient)["cosine"] == pytest.approx(-1, abs=1e-12)
    assert alignment(gradient, gradient)["angle"] == pytest.approx(180, abs=1e-4)


def test_the_norm_ratio_is_of_the_update_over_the_gradient_over_all_elements():
    update, gradient = torch.full((2, 2), 3.0), torch.ones(2, 2)
    assert alignment(update, gradient)["norm_ratio"] == pytest.approx(3)
    assert alignment(gradient, update)["norm_ratio"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("zero", ["update", "gradient", "both"])
def test_a_zero_points_nowhere(zero):
    update = torch.zeros(3) if zero != "gradient" else torch.ones(3)
    gradient = torch.zeros(3) if zero != "update" else torch.ones(3)
    assert alignment(update, gradient) == {"cosine": 0.0, "angle": 90.0, "norm_ratio": 0.0}


@FIXED
@given(PAIRS)
def test_ranges_symmetry_and_consistency_for_any_float32(pair):
    update, gradient = (torch.tensor(v, dtype=torch.float32) for v in pair)
    found = alignment(update, gradient)
    assert all(math.isfinite(value) for value in found.values())
    assert -1 <= found["cosine"] <= 1 and 0 <= found["angle"] <= 180 and found["norm_ratio"] >= 0
    assert math.cos(math.radians(found["angle"])) == pytest.approx(found["cosine"], abs=1e-9)
    swapped = alignment(gradient, update)
    assert swapped["cosine"] == pytest.approx(found["cosine"], abs=1e-12)
    turned = alignment(-update, gradient)
    assert turned["cosine"] == pytest.approx(-found["cosine"], abs=1e-12)


@FIXED
@given(PAIRS, st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_cosine_and_angle_ignore_scale_and_the_ratio_follows_it(pair, a, b):
    update, gradient = (torch.tensor(v, dtype=torch.float64) for v in pair)
    assume(update.any() and gradient.any())
    found, scaled = alignment(update, gradient), alignment(a * update, b * gradient)
    assert scaled["cosine"] == pytest.approx(found["cosine"], abs=1e-12)
    assert scaled["norm_ratio"] == pytest.approx(found["norm_ratio"] * a / b, rel=1e-9)


@FIXED
@given(PAIRS)
def test_the_shape_makes_no_difference(pair):
    update, gradient = (torch.tensor(2 * v, dtype=torch.float64) for v in pair)
    assert alignment(update, gradient) == alignment(update.view(2, -1), gradient.view(2, -1))


def test_sums_are_taken_in_float64():
    """In float32 the small elements would drown beside the large one."""
    update = torch.full((100_001,), 1e-4)
    update[0] = 1.0
    gradient = torch.full((100_001,), -1.0)
    gradient[0] = 0.0
    expected = 100_000 * float(update[1].double()) / math.sqrt(1e5)
    expected /= math.sqrt(1 + 1e5 * float(update[1].double()) ** 2)
    assert alignment(update, gradient)["cosine"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("which", ["update", "gradient"])
def test_what_is_not_finite_never_looks_aligned(bad, which):
    vectors = {"update": torch.ones(3), "gradient": -torch.ones(3)}
    vectors[which][1] = bad
    found = alignment(vectors["update"], vectors["gradient"])
    assert math.isnan(found["cosine"]) and math.isnan(found["angle"])
