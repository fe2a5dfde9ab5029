"""What a command makes sure of before it opens a run."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from replications.__main__ import arguments
from replications.core.data.catalogue import CATALOGUE, DataFile, Dataset
from replications.core.steps import commands


def opened(tmp_path, *words):
    folders = ["--results", str(tmp_path / "results"), "--data", str(tmp_path / "data")]
    given = arguments([*folders, *words])
    with commands.opened(given, given.paper, given.experiment, 0, words[0]) as run:
        return run


@pytest.mark.parametrize(
    ("experiment", "brought"),
    [(("lee2015", "mnist_continuous"), ["digits"]), (("bengio2015", "stdp_spread"), [])],
)
def test_a_run_has_its_data_brought_or_healed_first(tmp_path, monkeypatch, experiment, brought):
    asked = []
    monkeypatch.setattr(commands, "have_dataset", lambda dataset, data: asked.append(dataset))
    opened(tmp_path, "train", *experiment, "0", "--tier", "smoke", "--device", "cpu")
    assert asked == brought


CONTENT = b"the canonical bytes"


@pytest.fixture
def small(monkeypatch):
    """A dataset of one small file in the place of the digits."""
    file = DataFile("file", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    changed = vars(CATALOGUE["digits"]) | {"files": (file,), "sources": ()}
    monkeypatch.setitem(CATALOGUE, "digits", Dataset(**changed))


def test_an_altered_file_is_replaced_before_a_run(tmp_path, monkeypatch, small):
    """Through the real fetch, from a mirror."""
    (tmp_path / "mirror" / "digits").mkdir(parents=True)
    (tmp_path / "mirror" / "digits" / "file").write_bytes(CONTENT)
    (tmp_path / "data" / "digits").mkdir(parents=True)
    (tmp_path / "data" / "digits" / "file").write_bytes(CONTENT[:5])
    monkeypatch.setenv("DATA_MIRROR", (tmp_path / "mirror").as_uri())
    opened(tmp_path, "train", "lee2015", "mnist_continuous", "0", "--tier", "smoke")
    assert (tmp_path / "data" / "digits" / "file").read_bytes() == CONTENT


def test_data_that_are_there_need_no_rights_to_write(tmp_path, monkeypatch, small):
    """Not even for a lock: a shared folder, or a mount that is read-only."""
    (tmp_path / "data" / "digits").mkdir(parents=True)
    (tmp_path / "data" / "digits" / "file").write_bytes(CONTENT)

    def refuse(*arguments, **more):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for change in ("mkdir", "write_text"):
        monkeypatch.setattr(Path, change, refuse)
    monkeypatch.setattr(commands, "locked", refuse)
    commands.have_dataset("digits", tmp_path / "data")


def test_a_simulation_takes_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr("replications.core.run.device.choose", lambda name: name)
    monkeypatch.setattr("torch.cuda.device_count", lambda: pytest.fail("asked for a GPU"))
    words = ("train", "bengio2015", "stdp_spread", "0", "--tier", "smoke", "--device", "cuda")
    assert opened(tmp_path, *words).device == "cpu"
