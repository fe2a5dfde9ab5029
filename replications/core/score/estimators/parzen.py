"""Parzen-window log-likelihood, as the papers of 2012 to 2015 report it, and its anchors.

It is known to mislead (Theis, van den Oord & Bethge 2016): it rewards smooth samples, and
k-means centroids can beat real images. So it is never shown without the anchors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

ROWS = 1000  # images against all samples at a time: 10,000 samples take 80 MB in float32
NEGLIGIBLE = -80.0  # exp of less adds nothing to the nearest sample's 1, and denormals are slow


def parzen_log_likelihoods(images: Tensor, samples: Tensor, sigmas: Sequence[float]) -> Tensor:
    """log p(x) of each image under Gaussian kernels on the samples, for each width:

        log p(x) = log mean_j exp(-|x - s_j|^2 / (2 sigma^2)) - (D / 2) log(2 pi sigma^2)

    images (N, D) and samples (M, D) in [0, 1]; returns (N, len(sigmas)), in nats.
    """
    centre = samples.mean(0)  # small norms lose fewer digits in |x|^2 - 2 x.s + |s|^2
    samples = samples - centre
    square = samples.square().sum(1)  # (M,)
    constants = [
        math.log(len(samples)) + images.shape[1] / 2 * math.log(2 * math.pi * sigma**2)
        for sigma in sigmas
    ]
    out = images.new_empty(len(images), len(sigmas))
    scratch = images.new_empty(2, min(ROWS, len(images)), len(samples))
    for start in range(0, len(images), ROWS):
        x = images[start : start + ROWS] - centre
        closeness, kernels = scratch[:, : len(x)]  # (ROWS, M)
        torch.addmm(square, x, samples.T, beta=-0.5, out=closeness)  # x.s - |s|^2 / 2
        nearest = closeness.amax(1, keepdim=True)
        closeness.sub_(nearest)
        far = x.square().sum(1) / 2 - nearest[:, 0]  # half the squared distance to the nearest
        for j, sigma in enumerate(sigmas):
            torch.div(closeness, sigma**2, out=kernels)
            total = kernels.clamp_(min=NEGLIGIBLE).exp_().sum(1).log_()
            out[start : start + ROWS, j] = total - far / sigma**2 - constants[j]
    return out


def parzen(
    samples: Tensor, validation: Tensor, test: Tensor, *, sigmas: Sequence[float]
) -> dict[str, float]:
    """Mean log-likelihoods (nats): sigma = 0.2 and sigma chosen on `validation`, never on `test`.

    Keys are metrics: parzen, parzen_validation (both at sigma = 0.2), sigma (the best of `sigmas`
    on the validation images) and parzen_chosen (the test images at that sigma).
    """
    on_validation = parzen_log_likelihoods(validation, samples, [0.2, *sigmas]).mean(0)
    best = sigmas[int(on_validation[1:].argmax())]
    on_test = parzen_log_likelihoods(test, samples, [0.2, best]).mean(0)
    return {
        "parzen": float(on_test[0]),
        "parzen_validation": float(on_validation[0]),
        "sigma": float(best),
        "parzen_chosen": float(on_test[1]),
    }


def anchors(train: Tensor, count: int, *, seed: int) -> dict[str, Tensor]:
    """What the estimator says of things that are no model: name -> (count, D) or fewer images.

    Real training images; k-means centroids of the training images (as many as a tenth of
    `count`); their mean image; draws from one full-covariance Gaussian fitted to them.
    """
    from sklearn.cluster import MiniBatchKMeans  # slow to import; only these anchors need it

    rng = np.random.default_rng(seed)
    pixels = train.cpu().double().numpy()
    rows = rng.permutation(len(pixels))[:count]
    k_means = MiniBatchKMeans(max(1, min(count, len(pixels)) // 10), random_state=seed % 2**32,
                              n_init=1, batch_size=2048)  # fmt: skip
    centroids = k_means.fit(pixels.astype(np.float32)).cluster_centers_
    mean = pixels.mean(0)
    values, vectors = np.linalg.eigh(np.cov(pixels, rowvar=False))
    scaled = vectors * np.sqrt(values.clip(0))  # (D, D)
    gaussian = mean + rng.standard_normal((count, len(mean))) @ scaled.T
    made = {
        "real images": pixels[rows],
        "k-means": centroids,
        "mean image": mean[None],
        "gaussian": gaussian,
    }
    return {name: torch.from_numpy(a).to(train) for name, a in made.items()}
