"""The classifier whose features samples are compared in: trained here, once for each dataset."""

from __future__ import annotations

import logging
from pathlib import Path

from safetensors.torch import load_file, save
from torch import Tensor

from replications.core.datasets import load
from replications.core.runs import write_atomically
from replications.core.score.fidelity import classifier_error, train_classifier

logger = logging.getLogger(__name__)
SEED = 0  # one classifier for all models: it is part of the measure, not of a run


def path(dataset: str, data: Path) -> Path:
    """Where the classifier of a dataset lies."""
    return data / "classifiers" / f"{dataset}.safetensors"


def train(dataset: str, data: Path, device: str) -> None:
    """Train the classifier of a dataset on its training images, and keep its parameters."""
    images = load(dataset, data).to(device)
    parameters = train_classifier(
        images.train.inputs, images.train.labels, classes=images.classes, seed=SEED, device=device
    )
    error = classifier_error(parameters, images.validation.inputs, images.validation.labels)
    logger.info("classifier of %s: %.2f%% error on the validation images", dataset, error)
    kept = {name: tensor.cpu().contiguous() for name, tensor in parameters.items()}
    path(dataset, data).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path(dataset, data), save(kept))


def read(dataset: str, data: Path, device: str) -> dict[str, Tensor]:
    """The parameters of a dataset's classifier. Raises ValueError if there is none yet."""
    file = path(dataset, data)
    if not file.exists():
        raise ValueError(
            f"{file} is missing: run `python -m replications classifier {dataset}` first"
        )
    return {name: tensor.to(device) for name, tensor in load_file(file).items()}
