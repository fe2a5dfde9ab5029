"""The classifier whose features samples are compared in: trained here, once for each dataset."""

from __future__ import annotations

import logging
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from replications.core.base.errors import Damaged
from replications.core.base.files import write_atomically
from replications.core.data.datasets import Images
from replications.core.score.estimators.fidelity import classifier_error, train_classifier

logger = logging.getLogger(__name__)
SEED = 0  # one classifier for all models: it is part of the measure, not of a run


def path(dataset: str, data: Path) -> Path:
    """Where the classifier of a dataset lies."""
    return data / "classifiers" / f"{dataset}.safetensors"


def store_classifier(images: Images, file: Path) -> None:
    """Train the classifier of a dataset on its training images, and keep its parameters."""
    train, validation = images.train, images.validation
    parameters = train_classifier(
        train.inputs, train.labels, classes=images.classes, seed=SEED, device=train.inputs.device
    )
    error = classifier_error(parameters, validation.inputs, validation.labels)
    logger.info("%s: %.2f%% error on the validation images", file, error)
    kept = {name: tensor.cpu().contiguous() for name, tensor in parameters.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, save(kept))


def read_classifier(dataset: str, data: Path, device: str) -> dict[str, Tensor]:
    """The parameters of a dataset's classifier.

    Raises ValueError if there is none yet, Damaged if it cannot be read.
    """
    file = path(dataset, data)
    if not file.exists():
        raise ValueError(
            f"{file} is missing: run `python -m replications classifier {dataset}` first"
        )
    try:
        kept = load_file(file)
    except SafetensorError as error:
        raise Damaged(file) from error
    return {name: tensor.to(device) for name, tensor in kept.items()}
