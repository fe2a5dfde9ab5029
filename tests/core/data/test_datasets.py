"""The catalogue, the IDX format and the loaders, on tiny files written here."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from replications.core.data import catalogue, datasets
from replications.core.data.catalogue import CATALOGUE, DataFile, fault_of, find, sha256_of
from replications.core.data.datasets import DataError, Images, Split, load
from replications.core.data.idx import idx_bytes, read_idx

IDX_NAMES = [file.name for file in CATALOGUE["mnist"].files]


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Put tiny files in the place of a catalogue entry's; returns the folder of all datasets."""

    def put(name, contents, validation):
        files = []
        (tmp_path / name).mkdir()
        for file, data in contents.items():
            (tmp_path / name / file).write_bytes(data)
            files.append(DataFile(file, len(data), hashlib.sha256(data).hexdigest()))
        monkeypatch.setitem(CATALOGUE, name, replace(CATALOGUE[name], files=tuple(files)))
        monkeypatch.setitem(datasets.VALIDATION, name, validation)
        return tmp_path

    return put


@pytest.fixture
def tiny_mnist(put):
    """Five training images, the last two held out, and three test images, of 2x2 pixels."""
    train = np.arange(20, dtype=np.uint8).reshape(5, 2, 2)
    test = np.array([0, 51, 204, 255] * 3, dtype=np.uint8).reshape(3, 2, 2)
    arrays = [train, np.arange(5, dtype=np.uint8), test, np.array([9, 8, 7], np.uint8)]
    return put("mnist", dict(zip(IDX_NAMES, map(idx_bytes, arrays), strict=True)), validation=2)


def test_catalogue_needs_no_torch_nor_numpy():
    code = (
        "import sys, replications.core.data.catalogue; "
        "sys.exit(any(heavy in sys.modules for heavy in ('torch', 'numpy', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_catalogue_is_complete():
    assert set(CATALOGUE) == {"mnist", "fashion_mnist", "cifar10", "digits"}
    for name, dataset in CATALOGUE.items():
        assert dataset.name == name and dataset.licence
        assert bool(dataset.files) == bool(dataset.sources) == (name != "digits")
        assert all(len(file.sha256) == 64 and file.bytes > 0 for file in dataset.files)


def test_paths_are_root_dataset_file(tmp_path):
    assert CATALOGUE["mnist"].paths(tmp_path)[1] == tmp_path / "mnist" / "train-labels-idx1-ubyte"


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'minst'.*mnist, fashion_mnist, cifar10, digits"):
        find("minst")


def test_sha256_and_fault(tmp_path):
    path = tmp_path / "data" / "toy" / "file"
    path.parent.mkdir(parents=True)
    empty = hashlib.sha256().hexdigest()
    assert fault_of(path, DataFile("file", 0, empty)).startswith("is missing")
    path.write_bytes(b"")
    assert sha256_of(path) == empty
    assert fault_of(path, DataFile("file", 0, empty)) is None
    path.write_bytes(b"x")
    assert fault_of(path, DataFile("file", 0, empty)).startswith("has 1 bytes")


def test_a_file_is_hashed_once_until_it_changes(tmp_path, monkeypatch):
    path, content = tmp_path / "data" / "toy" / "file", b"the canonical bytes"
    file = DataFile("file", len(content), hashlib.sha256(content).hexdigest())
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    hashed = []
    monkeypatch.setattr(catalogue, "sha256_of", lambda path: hashed.append(path) or sha256_of(path))
    assert [fault_of(path, file) for _ in range(3)] == [None] * 3 and len(hashed) == 1
    os.utime(path, ns=(0, 0))
    assert fault_of(path, file) is None and len(hashed) == 2
    path.write_bytes(content[::-1])  # as long
    assert fault_of(path, file).startswith(f"has {len(content)} bytes") and len(hashed) == 3
    other = DataFile("file", len(content), hashlib.sha256(content[::-1]).hexdigest())
    assert fault_of(path, other) is None, "of another dataset's file nothing is remembered"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_written_is_hashed_every_time(tmp_path, monkeypatch):
    path = tmp_path / "data" / "toy" / "file"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    (tmp_path / "data" / ".verified").write_text("in the way")
    assert fault_of(path, DataFile("file", 0, hashlib.sha256().hexdigest())) is None


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)),
)
def test_idx_round_trip(array):
    back = read_idx(idx_bytes(array))
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, array)


@given(st.data())
def test_idx_of_any_other_length_is_refused(data):
    whole = idx_bytes(np.zeros((2, 3), np.uint8))
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + bytes(1)):
        with pytest.raises(ValueError, match="IDX"):
            read_idx(wrong)


def test_idx_is_the_published_format():
    assert idx_bytes(np.array([[7, 8]], np.uint8)) == bytes.fromhex(
        "00000802 00000001 00000002 0708"
    )
    with pytest.raises(ValueError, match="uint8"):
        idx_bytes(np.zeros(2))
    with pytest.raises(ValueError, match="unsigned bytes"):
        read_idx(bytes.fromhex("00000d01 00000000"))  # floats


def test_mnist_splits_in_file_order(tiny_mnist):
    images = load("mnist", tiny_mnist)
    expected = torch.arange(20, dtype=torch.float32).reshape(5, 4) / 255
    assert torch.equal(images.train.inputs, expected[:3])
    assert torch.equal(images.validation.inputs, expected[3:])
    assert images.train.labels.tolist() == [0, 1, 2]
    assert images.validation.labels.tolist() == [3, 4]
    assert images.test.labels.tolist() == [9, 8, 7]
    assert torch.equal(images.test.inputs[0], torch.tensor([0, 51, 204, 255]) / 255)
    assert images.train.inputs.dtype == torch.float32
    assert images.train.labels.dtype == torch.int64
    assert len(images.train) == 3


def test_altered_file_is_named_with_the_remedy(tiny_mnist):
    path = tiny_mnist / "mnist" / IDX_NAMES[1]
    expected = CATALOGUE["mnist"].files[1]
    path.write_bytes(b"altered")
    with pytest.raises(DataError) as raised:
        load("mnist", tiny_mnist)
    message = str(raised.value)
    for part in (
        str(path),
        "7 bytes",
        hashlib.sha256(b"altered").hexdigest(),
        f"{expected.bytes} bytes",
        expected.sha256,
        "python -m replications fetch mnist",
        "remove the file",
    ):
        assert part in message


def test_missing_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(DataError, match=r"train-images.*missing.*replications fetch mnist"):
        load("mnist", tmp_path)


def test_cifar_batches_are_joined_in_order(put):
    def batch(label):
        rows = np.zeros((2, 3073), np.uint8)
        rows[:, 0] = label
        rows[:, 1:] = np.arange(3072) % 256
        return rows.tobytes()

    names = [file.name for file in CATALOGUE["cifar10"].files]
    root = put("cifar10", {name: batch(n) for n, name in enumerate(names)}, validation=1)
    images = load("cifar10", root)
    assert images.train.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert images.validation.labels.tolist() == [4]
    assert images.test.labels.tolist() == [5, 5]
    row = (torch.arange(3072) % 256).float() / 255
    assert torch.equal(images.train.inputs, row.expand(9, 3072))


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return load("digits", tmp_path_factory.mktemp("nothing"))


def splits(images: Images) -> list[Split]:
    return [images.train, images.validation, images.test]


def test_digits_sizes_ranges_and_classes(digits):
    assert [len(split) for split in splits(digits)] == [1197, 300, 300]
    for split in splits(digits):
        assert split.inputs.shape == (len(split), 64)
        assert (split.inputs.dtype, split.labels.dtype) == (torch.float32, torch.int64)
        assert split.inputs.min() == 0 and split.inputs.max() == 1
        assert torch.bincount(split.labels).min() >= 0.07 * len(split)  # each class, nearly evenly


def test_digits_are_all_there_once(digits):
    from sklearn.datasets import load_digits

    ours = torch.cat([split.inputs for split in splits(digits)]).numpy() * 16
    labels = torch.cat([split.labels for split in splits(digits)]).numpy()
    pixels, classes = load_digits(return_X_y=True)
    rows = sorted(map(tuple, np.column_stack([ours, labels])))
    assert rows == sorted(map(tuple, np.column_stack([pixels, classes])))
    assert len(set(rows)) == len(rows)  # no image is in the file twice, so none in two splits


def test_digits_split_is_fixed_for_good(digits, tmp_path):
    again = load("digits", tmp_path)
    for ours, theirs in zip(splits(digits), splits(again), strict=True):
        assert torch.equal(ours.inputs, theirs.inputs) and torch.equal(ours.labels, theirs.labels)
    # Recorded once: a change here changes every score of the smoke tier.
    assert digits.train.labels[:12].tolist() == [2, 8, 2, 6, 6, 7, 1, 9, 8, 5, 2, 8]
    assert digits.test.labels[-6:].tolist() == [5, 3, 3, 7, 7, 8]
