"""Sample quality in the features of a small classifier that is trained here, on the same data.

No network is downloaded, so the numbers compare with each other and with no other paper's. Real
and fake features are (N, F) and (M, F), in float64 for all that is computed of them.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy

HIDDEN = (256, 64)  # widths of the classifier; the last is that of the features
STEPS, BATCH, RATE = 2000, 250, 1e-3  # of Adam: ten sweeps over MNIST's 50,000 images
ROWS = 500  # features against all others at a time: 10,000 take 40 MB


def train_classifier(
    images: Tensor, labels: Tensor, *, classes: int, seed: int, device: torch.device | str
) -> dict[str, Tensor]:
    """Parameters of a rectifier network D-256-64-classes, by Adam on the cross-entropy.

    images (N, D) and labels (N,). Minibatches are drawn with replacement. Weights and minibatches
    come from a CPU generator, so that a seed gives the same ones on every device.
    """
    source = Generator().manual_seed(seed)
    parameters = {}
    widths = [images.shape[1], *HIDDEN, classes]
    for layer, (inputs, outputs) in enumerate(pairwise(widths), start=1):
        weight = torch.randn(outputs, inputs, generator=source) * (2 / inputs) ** 0.5
        parameters[f"{layer}.weight"] = weight.to(device).requires_grad_()
        parameters[f"{layer}.bias"] = torch.zeros(outputs, device=device, requires_grad=True)
    adam = torch.optim.Adam(parameters.values(), lr=RATE)
    for _ in range(STEPS):
        rows = torch.randint(len(images), (BATCH,), generator=source).to(images.device)
        with torch.enable_grad():
            scores = _logits(parameters, _hidden(parameters, images[rows].to(device)))
            loss = cross_entropy(scores, labels[rows].to(device))
            adam.zero_grad()
            loss.backward()
        adam.step()
    return {name: value.detach() for name, value in parameters.items()}


@torch.no_grad()
def features(parameters: dict[str, Tensor], images: Tensor) -> Tensor:
    """The last hidden layer of the classifier, (N, D) -> (N, 64)."""
    return torch.cat([_hidden(parameters, x) for x in images.split(ROWS)])


@torch.no_grad()
def classifier_error(parameters: dict[str, Tensor], images: Tensor, labels: Tensor) -> float:
    """Share of images (N, D) that the classifier gets wrong, in %."""
    guesses = _logits(parameters, features(parameters, images)).argmax(1)  # (N,)
    return 100 * float((guesses != labels).cpu().double().mean())


def frechet(a: Tensor, b: Tensor) -> float:
    """Frechet distance of the Gaussians fitted to two sets of features (Heusel et al. 2017):

        |mu_a - mu_b|^2 + tr(A + B - 2 (A B)^(1/2))

    A and B are the covariances (divided by N - 1). (A B)^(1/2) and (A^(1/2) B A^(1/2))^(1/2)
    have the same trace, and the second is symmetric.
    """
    covariances = a.T.cov(), b.T.cov()  # (F, F)
    values, vectors = torch.linalg.eigh(covariances[0])
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    product = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp(min=0)
    traces = covariances[0].trace() + covariances[1].trace()
    return float((a.mean(0) - b.mean(0)).square().sum() + traces - 2 * product.sqrt().sum())


def precision_recall_density_coverage(
    real: Tensor, fake: Tensor, *, radii: Tensor, k: int
) -> dict[str, float]:
    """Four shares of samples x_i (real, N) and y_j (fake, M) in each other's balls.

    B(x) is the ball around x whose radius is the distance to the k-th neighbour of its own kind;
    `radii` (N,) are the squares of the real ones', `neighbour_distances(real, k)`.

        precision  share of y_j that lie in some B(x_i)      (Kynkaanniemi et al. 2019)
        recall     share of x_i that lie in some B(y_j)
        density    sum_ij [y_j in B(x_i)] / (k M)            (Naeem et al. 2020)
        coverage   share of B(x_i) with some y_j in them
    """
    radii_fake = neighbour_distances(fake, k)
    around_fake = torch.zeros(len(fake), dtype=torch.long, device=fake.device)
    recalled, covered = [], []
    for x, radius in zip(real.split(ROWS), radii.split(ROWS), strict=True):
        distances = square_distances(x, fake)  # (ROWS, M)
        inside = distances < radius[:, None]
        around_fake += inside.sum(0)  # how many B(x_i) hold y_j
        covered.append(inside.any(1))
        recalled.append((distances < radii_fake).any(1))
    return {
        "precision": float((around_fake > 0).double().mean()),
        "recall": float(torch.cat(recalled).double().mean()),
        "density": float(around_fake.sum()) / (k * len(fake)),
        "coverage": float(torch.cat(covered).double().mean()),
    }


def square_distances(a: Tensor, b: Tensor) -> Tensor:
    """|a_i - b_j|^2, (N, M)."""
    products = torch.addmm(b.square().sum(1), a, b.T, alpha=-2)
    return products.add_(a.square().sum(1, keepdim=True)).clamp_(min=0)


def neighbour_distances(points: Tensor, k: int) -> Tensor:
    """Square distance of each point to its k-th neighbour among the others, (N,).

    Raises ValueError if there are not more than k points.
    """
    if len(points) <= k:
        raise ValueError(f"the {k}-th neighbour needs more than {k} points, not {len(points)}")
    parts = []
    for start in range(0, len(points), ROWS):
        distances = square_distances(points[start : start + ROWS], points)  # (ROWS, N)
        rows = torch.arange(len(distances), device=points.device)
        distances[rows, start + rows] = torch.inf  # not its own neighbour
        parts.append(distances.topk(k, dim=1, largest=False).values[:, -1])
    return torch.cat(parts)


def classifier_two_sample(real: Tensor, fake: Tensor, *, seed: int) -> float:
    """Held-out accuracy, in %, of a logistic regression that tells real from fake features.

    Lopez-Paz & Oquab 2017: 50% means that it cannot. As many of each kind; half of them to
    train on, half to test on, drawn under the seed.
    """
    from sklearn.linear_model import LogisticRegression  # slow to import; only this needs it
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    source, count = Generator().manual_seed(seed), min(len(real), len(fake))
    halves: tuple[list, list] = ([], [])
    for points in (real, fake):
        shuffled = points[torch.randperm(len(points), generator=source)[:count]]
        halves[0].append(shuffled[: count // 2])
        halves[1].append(shuffled[count // 2 :])
    train, test = (torch.cat(half).numpy() for half in halves)
    kinds = [[0] * (len(half) // 2) + [1] * (len(half) // 2) for half in (train, test)]
    told = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train, kinds[0])
    return 100 * float(told.score(test, kinds[1]))


def _hidden(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
    for layer in range(1, len(HIDDEN) + 1):
        weight, bias = parameters[f"{layer}.weight"], parameters[f"{layer}.bias"]
        x = torch.addmm(bias, x, weight.T).relu()  # (B, 784) -> (B, 256) -> (B, 64)
    return x


def _logits(parameters: dict[str, Tensor], hidden: Tensor) -> Tensor:
    layer = len(HIDDEN) + 1
    weight, bias = parameters[f"{layer}.weight"], parameters[f"{layer}.bias"]
    return torch.addmm(bias, hidden, weight.T)  # (B, 64) -> (B, classes)
