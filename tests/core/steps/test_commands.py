"""What a command makes sure of before it opens a run."""

import hashlib

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


def test_an_altered_file_is_replaced_before_a_run(tmp_path, monkeypatch):
    """Through the real fetch, from a mirror, with a dataset of one small file."""
    content = b"the canonical bytes"
    file = DataFile("file", len(content), hashlib.sha256(content).hexdigest())
    digits = CATALOGUE["digits"]
    small = Dataset(**(vars(digits) | {"files": (file,), "sources": ()}))
    monkeypatch.setitem(CATALOGUE, "digits", small)
    (tmp_path / "mirror" / "digits").mkdir(parents=True)
    (tmp_path / "mirror" / "digits" / "file").write_bytes(content)
    (tmp_path / "data" / "digits").mkdir(parents=True)
    (tmp_path / "data" / "digits" / "file").write_bytes(content[:5])
    monkeypatch.setenv("DATA_MIRROR", (tmp_path / "mirror").as_uri())
    opened(tmp_path, "train", "lee2015", "mnist_continuous", "0", "--tier", "smoke")
    assert (tmp_path / "data" / "digits" / "file").read_bytes() == content


def test_a_simulation_takes_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr("replications.core.run.device.choose", lambda name: name)
    monkeypatch.setattr("torch.cuda.device_count", lambda: pytest.fail("asked for a GPU"))
    words = ("train", "bengio2015", "stdp_spread", "0", "--tier", "smoke", "--device", "cuda")
    assert opened(tmp_path, *words).device == "cpu"
