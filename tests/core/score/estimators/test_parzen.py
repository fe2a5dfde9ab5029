"""The Parzen estimator against scikit-learn and closed forms; its choice of sigma; its anchors."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KernelDensity

from replications.core.data.datasets import load
from replications.core.score.estimators import parzen as module
from replications.core.score.estimators.parzen import anchors, parzen, parzen_log_likelihoods

FIXED = settings(derandomize=True, deadline=None, max_examples=25)
SIGMAS = [0.05, 0.1, 0.2, 0.55, 1.0]


def image_like(count, seed, size=28):
    """Dark images with a few smooth strokes, so that distances are those of digits; float64."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    images = np.zeros((count, size, size))
    for image in images:
        for _ in range(4):
            centre, width = rng.uniform(size * 0.2, size * 0.8, 2), rng.uniform(1, 3)
            distance = (y - centre[0]) ** 2 + (x - centre[1]) ** 2
            image += np.exp(-distance / (2 * width**2))
    return torch.from_numpy(images.clip(0, 1).reshape(count, -1))


def by_sklearn(images, samples, sigma):
    """With one leaf for all samples: bounds over several leaves cost it all digits at D = 784."""
    density = KernelDensity(bandwidth=sigma, kernel="gaussian", leaf_size=len(samples))
    return density.fit(samples.numpy()).score_samples(images.numpy())


@pytest.mark.parametrize("size", [2, 8])
def test_log_likelihoods_are_those_of_scikit_learn(size):
    images, samples = image_like(40, 0, size), image_like(60, 1, size)
    found = parzen_log_likelihoods(images, samples, SIGMAS)
    assert found.shape == (40, len(SIGMAS)) and found.dtype == torch.float64
    for j, sigma in enumerate(SIGMAS):
        np.testing.assert_allclose(
            found[:, j].numpy(), by_sklearn(images, samples, sigma), rtol=1e-11, atol=1e-8
        )


def test_images_of_full_size_agree_with_scikit_learn_too():
    images, samples = image_like(20, 0), image_like(100, 1)
    for j, sigma in enumerate((0.1, 0.2)):
        found = parzen_log_likelihoods(images, samples, [0.1, 0.2])[:, j].numpy()
        np.testing.assert_allclose(found, by_sklearn(images, samples, sigma), rtol=0, atol=1e-8)


def test_float32_is_within_a_twentieth_of_a_nat():
    images, samples = image_like(300, 2), image_like(400, 3)
    exact = parzen_log_likelihoods(images, samples, SIGMAS)
    found = parzen_log_likelihoods(images.float(), samples.float(), SIGMAS)
    assert found.dtype == torch.float32
    assert (found.double() - exact).abs().max() < 0.05


@pytest.mark.parametrize("sigma", [0.1, 0.2, 2.0])
def test_one_sample_is_a_gaussian_density(sigma):
    images, sample = image_like(5, 0, 6), image_like(1, 1, 6)
    normal = torch.distributions.Normal(sample[0], sigma)
    found = parzen_log_likelihoods(images, sample, [sigma])[:, 0]
    torch.testing.assert_close(found, normal.log_prob(images).sum(1), rtol=1e-12, atol=1e-9)


def test_far_images_neither_overflow_nor_vanish():
    """A density of exp(-10^6) is no float; its logarithm is."""
    samples = torch.zeros(3, 100, dtype=torch.float64)
    found = parzen_log_likelihoods(torch.ones(1, 100, dtype=torch.float64), samples, [0.01])
    assert float(found) == pytest.approx(-50 / 0.01**2 - 50 * math.log(2 * math.pi * 0.01**2))


@FIXED
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000), st.integers(1, 13))
def test_chunks_and_orders_make_no_difference(count, samples_count, seed, rows):
    images, samples = image_like(count, seed, 4), image_like(samples_count, seed + 1, 4)
    whole = parzen_log_likelihoods(images, samples, [0.1, 0.3])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS", rows)
        torch.testing.assert_close(parzen_log_likelihoods(images, samples, [0.1, 0.3]), whole)
    backwards = parzen_log_likelihoods(images.flip(0), samples.flip(0), [0.3, 0.1])
    torch.testing.assert_close(backwards.flip(0).flip(1), whole, rtol=1e-10, atol=1e-9)


def test_a_last_chunk_that_is_not_full_is_counted():
    images, samples = image_like(module.ROWS + 7, 0, 3), image_like(5, 1, 3)
    found = parzen_log_likelihoods(images, samples, [0.2])[:, 0]
    np.testing.assert_allclose(found.numpy(), by_sklearn(images, samples, 0.2), atol=1e-8)


def test_its_arguments_are_left_alone():
    images, samples = image_like(6, 0, 4), image_like(7, 1, 4)
    before = images.clone(), samples.clone()
    parzen_log_likelihoods(images, samples, [0.1, 0.2])
    assert torch.equal(images, before[0]) and torch.equal(samples, before[1])


@pytest.fixture(scope="module")
def splits():
    return image_like(80, 1, 8), image_like(30, 2, 8), image_like(40, 3, 8)


GRID = [0.05, 0.08, 0.12, 0.18, 0.27, 0.4]


def test_every_number_is_the_mean_that_its_key_says(splits):
    samples, validation, test = splits
    found = parzen(samples, validation, test, sigmas=GRID)
    assert set(found) == {"parzen", "parzen_validation", "sigma", "parzen_chosen"}
    assert all(type(value) is float for value in found.values())
    on_validation = [by_sklearn(validation, samples, sigma).mean() for sigma in GRID]
    best = GRID[int(np.argmax(on_validation))]
    assert best not in (GRID[0], GRID[-1])  # or the grid would be too narrow to test the choice
    assert found["sigma"] == best
    assert found["parzen_chosen"] == pytest.approx(by_sklearn(test, samples, best).mean())
    assert found["parzen"] == pytest.approx(by_sklearn(test, samples, 0.2).mean())
    assert found["parzen_validation"] == pytest.approx(by_sklearn(validation, samples, 0.2).mean())


def test_sigma_is_chosen_on_validation_and_never_on_test(splits):
    samples, validation, test = splits
    found = parzen(samples, validation, test, sigmas=GRID)
    shuffled = parzen(samples, validation, test.flip(0), sigmas=GRID)
    assert shuffled == pytest.approx(found, rel=1e-12)
    noise = torch.rand(test.shape, generator=torch.Generator().manual_seed(0), dtype=test.dtype)
    for other in (noise, samples[:40], torch.zeros_like(test)):  # best at other sigmas
        replaced = parzen(samples, validation, other, sigmas=GRID)
        assert by_best(samples, other) != found["sigma"]
        assert replaced["sigma"] == found["sigma"]
        assert replaced["parzen_validation"] == found["parzen_validation"]
        assert replaced["parzen"] != found["parzen"]
    swapped = parzen(samples, samples[:30], test, sigmas=GRID)  # validation does decide
    assert swapped["sigma"] == GRID[0]


def by_best(samples, images):
    return GRID[int(np.argmax([by_sklearn(images, samples, sigma).mean() for sigma in GRID]))]


def test_the_best_sigma_is_found_wherever_it_stands_in_the_grid(splits):
    samples, validation, test = splits
    best = parzen(samples, validation, test, sigmas=GRID)["sigma"]
    for turn in range(len(GRID)):
        grid = GRID[turn:] + GRID[:turn]
        assert parzen(samples, validation, test, sigmas=grid)["sigma"] == best


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    return load("digits", tmp_path_factory.mktemp("data")).train.inputs


@pytest.fixture(scope="module")
def made(train):
    return anchors(train, 300, seed=4)


def test_anchors_have_their_names_shapes_and_type(train, made):
    assert {name: tuple(images.shape) for name, images in made.items()} == {
        "real images": (300, 64), "k-means": (30, 64), "mean image": (1, 64), "gaussian": (300, 64),
    }  # fmt: skip
    for images in made.values():
        assert images.dtype == train.dtype and images.device == train.device
        assert images.isfinite().all()


def test_real_images_are_different_rows_of_train(train, made):
    distances = torch.cdist(made["real images"].double(), train.double())
    nearest = distances.min(1)
    assert (nearest.values < 1e-6).all()
    assert len(made["real images"].unique(dim=0)) == 300
    assert not torch.equal(made["real images"], train[:300])


def test_anchors_of_few_images_are_no_more_than_there_are(train):
    few = anchors(train[:25], 300, seed=4)
    assert len(few["real images"]) == 25 and len(few["k-means"]) == 2
    assert len(few["gaussian"]) == 300
    assert torch.equal(few["real images"].unique(dim=0), train[:25].unique(dim=0))


def test_the_mean_image_is_the_mean(train, made):
    torch.testing.assert_close(made["mean image"][0], train.double().mean(0).to(train))


def test_the_gaussian_has_the_mean_and_the_covariance_of_train(train):
    count = 40_000
    drawn = anchors(train, count, seed=4)["gaussian"].double().numpy()
    mean, covariance = train.double().mean(0).numpy(), np.cov(train.double().numpy(), rowvar=False)
    scale = np.sqrt(np.diag(covariance))
    assert np.abs(drawn.mean(0) - mean).max() < 5 * scale.max() / math.sqrt(count)
    # An element's standard error is at most sqrt(2 / count) times the product of two deviations.
    error = np.abs(np.cov(drawn, rowvar=False) - covariance) / (np.outer(scale, scale) + 1e-3)
    assert error.max() < 5 * math.sqrt(2 / count)
    correlated = np.abs(covariance - np.diag(np.diag(covariance))).max()
    assert correlated > 10 * scale.max() ** 2 * math.sqrt(2 / count)  # not only a diagonal is seen


def test_centroids_lie_close_to_the_images(train, made):
    """Each centroid is a mean of images, and together they explain much of the variance."""
    squared = torch.cdist(train.double(), made["k-means"].double()).square()
    assert len(squared.argmin(1).unique()) == 30  # none is idle
    variance = (train.double() - train.double().mean(0)).square().sum(1).mean()
    assert squared.min(1).values.mean() < 0.55 * variance
    assert made["k-means"].min() >= 0 and made["k-means"].max() <= 1


def test_the_seed_alone_decides_the_anchors(train, made):
    np.random.seed(3)  # noqa: NPY002 - no global generator may matter
    again, other = anchors(train, 300, seed=4), anchors(train, 300, seed=2**62 + 5)
    for name in made:
        assert torch.equal(made[name], again[name])
        assert torch.equal(made[name], other[name]) == (name == "mean image")
