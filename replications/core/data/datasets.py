"""Datasets as tensors, in fixed splits: ``load("mnist", Path("data")).train.inputs``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from replications.core.base.errors import Expected
from replications.core.data.catalogue import Dataset, fault_of, find
from replications.core.data.idx import read_idx

DIGITS_SEED = 0  # fixes the split of the digits for good; it is no part of any run's seeds
DIGITS_TEST = 300
# How many of the training images, the last ones, are held out.
VALIDATION = {"mnist": 10_000, "fashion_mnist": 10_000, "cifar10": 5_000, "digits": 300}
CIFAR_ROW = 1 + 3 * 32 * 32  # a label byte, then the red, green and blue planes


class DataError(Expected):
    """A dataset's file is missing or is not the canonical one."""


@dataclass(frozen=True)
class Split:
    """Images and their classes: ``inputs`` float32 (N, D) in [0, 1], ``labels`` int64 (N,)."""

    inputs: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> Split:
        """The first ``count`` images. Raises ValueError if there are fewer."""
        if count > len(self):
            raise ValueError(f"{count} images were asked for, the split has {len(self)}")
        return Split(self.inputs[:count], self.labels[:count])

    def to(self, device: torch.device | str) -> Split:
        """The same split on another device."""
        return Split(self.inputs.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Images:
    """The three splits of a dataset; no image is in two of them."""

    train: Split
    validation: Split
    test: Split

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.train.labels.max()) + 1

    def first(self, train: int, others: int) -> Images:
        """The first images of each split. Raises ValueError if there are fewer."""
        return Images(
            self.train.first(train), self.validation.first(others), self.test.first(others)
        )

    def to(self, device: torch.device | str) -> Images:
        """The same images on another device."""
        return Images(*(split.to(device) for split in (self.train, self.validation, self.test)))


def load(name: str, root: Path) -> Images:
    """The dataset ``name`` from the files in ``root/name``, each checked against its SHA-256.

    | name | D | train | validation | test |
    |---|---|---|---|---|
    | mnist, fashion_mnist | 784 | first 50,000 | last 10,000 of the training file | t10k |
    | cifar10 | 3072 (planes R, G, B) | first 45,000 | last 5,000 of batch 5 | test batch |
    | digits | 64 | 1,197 | 300 | 300, all by one fixed permutation |

    Raises:
        ValueError: the catalogue has no such dataset.
        DataError: a file is missing or altered; the message says how, and what to do.
    """
    files = _verified(find(name), Path(root))
    read = {"cifar10": _read_cifar, "digits": _read_digits}.get(name, _read_idx_files)
    pixels, labels, test_pixels, test_labels = read(files)
    held_out = len(labels) - VALIDATION[name]
    return Images(
        train=_split(pixels[:held_out], labels[:held_out]),
        validation=_split(pixels[held_out:], labels[held_out:]),
        test=_split(test_pixels, test_labels),
    )


def _verified(dataset: Dataset, root: Path) -> dict[str, Path]:
    """The dataset's paths by file name, once every file is known to be the canonical one."""
    paths = {path.name: path for path in dataset.paths(root)}
    for file in dataset.files:
        if fault := fault_of(paths[file.name], file):
            raise DataError(
                f"{paths[file.name]} {fault}. Run `python -m replications fetch {dataset.name}`, "
                "which brings or replaces it, or remove the file and put the right one there."
            )
    return paths


def _split(pixels: np.ndarray, labels: np.ndarray) -> Split:
    """Tensors from pixels, uint8 (255 is white) or float32 in [0, 1], and labels (N,)."""
    inputs = pixels.reshape(len(pixels), -1)  # (N, D)
    if inputs.dtype == np.uint8:
        inputs = np.divide(inputs, 255, dtype=np.float32)
    return Split(torch.from_numpy(inputs), torch.from_numpy(labels.astype(np.int64)))


def _read_idx_files(paths: dict[str, Path]) -> list[np.ndarray]:
    """Training pixels and labels, test pixels and labels, as uint8, in file order."""
    kinds = ("images-idx3-ubyte", "labels-idx1-ubyte")
    names = [f"{part}-{kind}" for part in ("train", "t10k") for kind in kinds]
    return [read_idx(paths[name].read_bytes()) for name in names]


def _read_cifar(paths: dict[str, Path]) -> list[np.ndarray]:
    """The same four arrays from CIFAR-10's binary batches; pixels (N, 3072)."""
    rows = {
        name: np.fromfile(path, np.uint8).reshape(-1, CIFAR_ROW) for name, path in paths.items()
    }
    test = rows.pop("test_batch.bin")
    train = np.concatenate([rows[name] for name in sorted(rows)])  # data_batch_1 to _5
    return [train[:, 1:], train[:, 0], test[:, 1:], test[:, 0]]


def _read_digits(_: dict[str, Path]) -> list[np.ndarray]:
    """The same four arrays from scikit-learn's digits; pixels (N, 64), float32 in [0, 1].

    The file groups its images by writer, so that a split in file order would test on unseen
    writers with uneven classes: one fixed permutation mixes them instead.
    """
    from sklearn.datasets import load_digits  # slow to import, and only this dataset needs it

    pixels, labels = load_digits(return_X_y=True)
    # RandomState and not default_rng: NumPy keeps its stream the same in every version.
    order = np.random.RandomState(DIGITS_SEED).permutation(len(labels))
    pixels = (pixels[order] / 16).astype(np.float32)  # 0 to 16 in the file
    labels, end = labels[order], len(labels) - DIGITS_TEST
    return [pixels[:end], labels[:end], pixels[end:], labels[end:]]
