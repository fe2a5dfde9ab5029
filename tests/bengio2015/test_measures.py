"""What is measured of the model of Bengio et al. 2015, against direct computations, in float64."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.bengio2015 import measures
from replications.bengio2015.model import DeepGenerativeModel
from replications.core.data.datasets import Images, Split
from tests.bengio2015.models import built, seeded

pytestmark = pytest.mark.usefixtures("float64")
FIXED = settings(derandomize=True, deadline=None, max_examples=30)
SIDE = 4
LAYERS = {1: [16, 5], 2: [16, 9, 5], 3: [16, 9, 7, 5]}  # by depth; the paper's is 2
DEPTHS = pytest.mark.parametrize("depth", LAYERS)
PATTERNS = [
    "left visible",
    "right visible",
    "top visible",
    "bottom visible",
    "random half visible",
]


def pixels(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=seeded(seed), dtype=torch.float64)


def build(depth: int = 2, seed: int = 0, **changes) -> DeepGenerativeModel:
    return built(LAYERS[depth], seed, **changes)


def snapshot(model) -> dict[str, torch.Tensor]:
    return {name: p.clone() for name, p in (model.parameters | model.buffers).items()}


@pytest.fixture
def images() -> Images:
    splits = [Split(pixels(i, n, 16), torch.arange(n)) for i, n in ((10, 30), (11, 8), (12, 10))]
    return Images(*splits)


def table(scores) -> dict:
    found = {(s.metric, s.part, s.step): s.value for s in scores}
    assert len(found) == len(scores)
    assert all(type(value) is float for value in found.values())
    return found


def exactly(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


# Inference


@DEPTHS
def test_inference_follows_the_joint_likelihood_along_the_trace(images, depth, monkeypatch):
    model, x = build(depth), images.test.inputs[:8]
    states = model.trace(x, alpha=model.settings.alpha, iterations=5)
    traces = torch.stack([model.log_joint(state) for state in states])  # (6, 8)
    by_hand = [
        model.log_joint(model.infer(x, alpha=model.settings.alpha, iterations=n)).tolist()
        for n in range(6)
    ]
    assert traces == pytest.approx(torch.tensor(by_hand), rel=1e-12)
    assert len({tuple(t) for t in by_hand}) == 6  # each state is another

    monkeypatch.setattr(measures, "BATCH", 3)
    kept = {2: {}, 7: {}}
    rows, arrays = measures.inference(
        model, images, kept, seeded(3), count=8, iterations=5, shown=4
    )
    mean, variance = model.buffers["prior.mean"], model.buffers["prior.variance"]

    def log_prior(iterations):
        top = model.infer(x, alpha=model.settings.alpha, iterations=iterations)[-1]
        return float(-0.5 * ((top - mean) ** 2 / variance).sum() / 8)

    share = 100 * sum(a > b for a, b in zip(by_hand[-1], by_hand[0], strict=True)) / 8
    assert table(rows) == {
        ("log_joint", "before inference", 7): pytest.approx(sum(by_hand[0]) / 8),
        ("log_joint", "after inference", 7): pytest.approx(sum(by_hand[-1]) / 8),
        ("log_prior", "before inference", 7): pytest.approx(log_prior(0)),
        ("log_prior", "after inference", 7): pytest.approx(log_prior(5)),
        ("log_joint_rises", "", 7): pytest.approx(share),
    }
    torch.testing.assert_close(arrays["log_joint_mean"], traces.mean(1))
    deviations = (traces - traces.mean(1, keepdim=True)).square().sum(1)
    torch.testing.assert_close(arrays["log_joint_se"], (deviations / 7 / 8).sqrt())
    torch.testing.assert_close(arrays["log_joint_single"], traces[:, :4])


def test_log_joint_rises_where_the_conditionals_alone_are_climbed_and_not_where_it_stays(images):
    model = build(inference="gradient", delta=1e-3, alpha=0.0)
    model.buffers["prior.variance"].fill_(1e9)
    for iterations, share in ((20, 100.0), (0, 0.0)):
        rows, _ = measures.inference(
            model, images, {0: {}}, seeded(3), count=10, iterations=iterations, shown=1
        )
        assert table(rows)["log_joint_rises", "", 0] == share


# Target propagation


def direct(values, x, noise):
    """Estimate and gradient of Eq. 12 by layer, from a model of these parameters alone."""
    model = build(len(values) // 4)
    for name, p in model.parameters.items():
        p.copy_(values[name])
    clean = model.encode(x)
    noisy = [x, *model.corrupt(clean, noise)[1:]]
    for suffix, states in (("", clean), (" noisy", noisy)):
        for level in range(1, model.top + 1):
            below, h = states[level - 1], states[level].clone().requires_grad_()
            likelihood = -0.5 * (below - model.down(level, h)).square().sum()
            (gradient,) = torch.autograd.grad(likelihood, h)
            estimate = model.up(level, below) - model.up(level, model.down(level, h.detach()))
            yield f"h{level}{suffix}", estimate.flatten(), gradient.flatten()


@DEPTHS
def test_target_propagation_is_held_against_the_gradient_at_every_snapshot(images, depth):
    model = build(depth)
    kept = {epoch: snapshot(build(depth, seed=epoch)) for epoch in (0, 3, 9)}
    rows, arrays = measures.target_propagation(model, images, kept, seeded(3), count=6)
    found, expected, noise = table(rows), {}, seeded(3)
    for epoch, values in kept.items():
        for layer, u, v in direct(values, images.validation.inputs[:6], noise):
            cosine = float(u @ v / (u.norm() * v.norm()))
            expected["cosine", layer, epoch] = cosine
            expected["angle", layer, epoch] = math.degrees(math.acos(cosine))
            expected["norm_ratio", layer, epoch] = float(u.norm() / v.norm())
    assert len(expected) == 3 * 3 * 2 * depth and arrays == {}
    assert found == pytest.approx(expected, rel=1e-9)
    exactly(model.parameters | model.buffers, kept[9])  # the last, as when it was called


@pytest.mark.parametrize("factor", [0.5, 3.0, -2.0])
def test_the_cosine_is_1_where_f_is_nearly_linear_and_its_weights_are_those_of_g_turned(
    images, factor
):
    """f_l(a) - f_l(b) = slope F (a - b), the gradient slope' G' (a - b): F = c G', cosine sign c.

    Weights near 0 leave every unit in the middle of its nonlinearity, where the slopes are 1/2 of
    a softplus, 1/4 of a sigmoid and 1 of a linear output: the norm ratio is c / 2 at both layers.
    """
    model = build(output="linear")
    for level in (1, 2):
        g, f = (model.parameters[f"{m}{level}.weight"] for m in "gf")
        g.mul_(1e-4)
        f.copy_(factor * g.T)
        for m in "fg":
            model.parameters[f"{m}{level}.bias"].zero_()
    kept = {4: snapshot(model)}
    found = table(measures.target_propagation(model, images, kept, seeded(3), count=8)[0])
    for layer in ("h1", "h2", "h1 noisy", "h2 noisy"):
        assert found["cosine", layer, 4] == pytest.approx(math.copysign(1, factor), abs=1e-6)
        assert found["norm_ratio", layer, 4] == pytest.approx(abs(factor) / 2, rel=1e-3)


# In-painting

MASKS = st.lists(st.booleans(), min_size=16, max_size=16).map(torch.tensor)


@FIXED
@given(st.integers(0, 2**32), MASKS, st.integers(0, 3), st.sampled_from([1, 2, 3]))
def test_visible_pixels_are_never_touched_and_missing_ones_are_decoded(seed, mask, rounds, depth):
    model, x = build(depth), pixels(seed, 3, 16)
    before = x.clone()
    found = measures.restored(model, x, mask, rounds)
    exactly(x, before)
    exactly(found[:, mask], x[:, mask])
    exactly(found, measures.restored(model, x, mask, rounds))
    if rounds == 0:
        exactly(found, x)
    elif not mask.all():
        assert (found != x)[:, ~mask].any()


@DEPTHS
def test_a_round_of_in_painting_presses_on_h1_with_the_visible_pixels_alone(depth):
    model, x, visible = build(depth), pixels(5, 3, 16), pixels(6, 16) < 0.5
    f, g = model.up, model.down

    def partly(decoded):
        """(x_visible, decoded_missing), pixel by pixel."""
        rows = [[a if v else b for v, a, b in zip(visible, p, q, strict=True)]
                for p, q in zip(x, decoded, strict=True)]  # fmt: skip
        return torch.tensor(rows)

    for rounds in (1, 2):
        expected = x
        for _ in range(rounds):
            h = model.encode(expected)
            for _ in range(3):
                for i in range(depth, 1, -1):
                    pull = 0.3 * (g(i + 1, h[i + 1]) - h[i]) if i < depth else 0
                    h[i] = h[i] + 0.1 * (f(i, h[i - 1]) - f(i, g(i, h[i]))) + pull
                pull = 0.3 * (g(2, h[2]) - h[1]) if depth > 1 else 0
                pressure = f(1, partly(g(1, h[1]))) - f(1, g(1, h[1]))
                h[1] = h[1] + 0.1 * pressure + pull
            expected = partly(g(1, h[1]))
        found = measures.restored(model, x, visible, rounds)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@FIXED
@given(st.integers(0, 2**32), st.integers(1, 14).map(lambda half: 2 * half))
def test_patterns_show_exactly_half_of_the_pixels(seed, side):
    found = measures.patterns(side, seeded(seed))
    assert list(found) == PATTERNS
    for visible in found.values():
        assert visible.shape == (side * side,) and visible.dtype == torch.bool
        assert int(visible.sum()) == side * side // 2
    exactly(found, measures.patterns(side, seeded(seed)))
    half, squares = side // 2, {name: v.view(side, side) for name, v in found.items()}
    assert squares["left visible"][:, :half].all() and squares["right visible"][:, half:].all()
    assert squares["top visible"][:half].all() and squares["bottom visible"][half:].all()


def test_random_pixels_are_others_under_another_seed():
    name = "random half visible"
    assert not torch.equal(*(measures.patterns(28, seeded(i))[name] for i in (1, 2)))


@FIXED
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 9), st.integers(1, 6))
def test_nearest_is_the_brute_force_one(seed, references, queries, dimensions):
    r, q = pixels(seed, references, dimensions), pixels(seed + 1, queries, dimensions)
    distances = (q[:, None] - r[None]).square().sum(2)  # (queries, references)
    assert measures.nearest(q, r).tolist() == distances.argmin(1).tolist()
    assert measures.nearest(r, r).tolist() == list(range(references))


def painted(model, images, seed=3, count=6):
    kept = {1: {}, 5: {}}
    return measures.inpainting(model, images, kept, seeded(seed), count=count, rounds=2, shown=4)


def test_in_painting_is_scored_on_the_missing_pixels_and_shown(images, monkeypatch):
    monkeypatch.setattr(measures, "BATCH", 4)
    model, test, train = build(), images.test.inputs[:6], images.train.inputs
    rows, arrays = painted(model, images)
    found, expected = table(rows), {}
    noise = seeded(3)
    start = torch.rand(6, 16, generator=noise)
    for name, visible in measures.patterns(SIDE, noise).items():
        x = torch.where(visible, test, start)
        distances = (test[:, None] - train[None])[:, :, visible].square().sum(2)
        neighbours = train[distances.argmin(1)]
        filled = {
            "model": measures.restored(model, x, visible, 2),
            "mean image": train.mean(0).repeat(6, 1),
            "nearest neighbour": neighbours,
        }
        for filler, result in filled.items():
            errors = [
                float(result[i, p] - test[i, p]) ** 2
                for i in range(6)
                for p in range(16)
                if not visible[p]
            ]
            expected["inpainting_error", f"{filler}, {name}", 5] = sum(errors) / 48
        show = torch.stack([test, x, filled["model"], neighbours])[:, :4]
        torch.testing.assert_close(arrays[f"inpainting_{name}"], show)
    assert found == pytest.approx(expected, rel=1e-12)
    assert set(arrays) == {f"inpainting_{name}" for name in PATTERNS}


def test_in_painting_repeats_under_a_seed_and_changes_with_it(images):
    model = build()
    before = snapshot(model)
    first, again, other = (painted(model, images, seed) for seed in (3, 3, 4))
    assert table(first[0]) == table(again[0]) != table(other[0])
    exactly(first[1], again[1])
    exactly(model.parameters | model.buffers, before)


def test_a_test_image_that_was_trained_on_is_its_own_neighbour(images):
    leaked = Images(images.test, images.validation, images.test)
    found = table(painted(build(), leaked, count=10)[0])
    for name in PATTERNS:
        assert found["inpainting_error", f"nearest neighbour, {name}", 5] == 0
        assert found["inpainting_error", f"mean image, {name}", 5] > 0.01
