"""Files that somebody else has put into data/ or a run directory: none of them runs."""

import io
import os
import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from safetensors import SafetensorError

from replications.core.base.arrays import read_arrays
from replications.core.base.errors import Damaged
from replications.core.score.estimators import classifier
from tests.faults.suite import PAPER, contents, run

RUN = f"smoke/runs/{PAPER}/weight_mirror/1"


class Evil:
    """What unpickling it would call."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def evil_pickle(mark):
    return pickle.dumps(Evil(mark))


def evil_arrays(mark):
    """An npz whose array is a pickle."""
    written = io.BytesIO()
    np.savez(written, weights=np.array([Evil(mark)], dtype=object), allow_pickle=True)
    return written.getvalue()


def evil_zip(mark):
    """An npz whose member's name leads elsewhere."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        packed.writestr(f"../../{mark.name}/x.npy", b"evil")
    return written.getvalue()


def evil_header(mark):
    """A safetensors file whose header promises more than there is."""
    header = b'{"w":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}'
    return len(header).to_bytes(8, "little") + header + b"\0" * 64


EVIL = [evil_pickle, evil_arrays, evil_zip, evil_header]


def test_the_evil_is_one(tmp_path):
    pickle.loads(evil_pickle(tmp_path / "pickled"))
    np.load(io.BytesIO(evil_arrays(tmp_path / "packed")), allow_pickle=True)["weights"]
    assert (tmp_path / "pickled").exists() and (tmp_path / "packed").exists()


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("name", ["arrays.npz", "parameters.safetensors"])
def test_what_reads_arrays_runs_nothing(tmp_path, evil, name):
    (tmp_path / name).write_bytes(evil(tmp_path / "mark"))
    with suppress(ValueError, SafetensorError, pickle.UnpicklingError):
        read_arrays(tmp_path, "simulation" if name == "parameters.safetensors" else "model")
    assert {path.name for path in tmp_path.rglob("*")} == {name}


@pytest.mark.parametrize("evil", EVIL)
def test_in_a_run_directory_they_are_replaced(undisturbed, results, tmp_path, evil):
    mark = tmp_path / "mark"
    for name in ("arrays.npz", "parameters.safetensors"):
        (results / RUN / name).write_bytes(evil(mark))
    (results / RUN / "run.json").unlink()  # so that it is trained again, from the checkpoint
    (results / RUN / "checkpoint.safetensors").write_bytes(evil(mark))
    assert run(results) == 0
    assert contents(results / "smoke/runs") == contents(undisturbed / "smoke/runs")
    assert not mark.exists()


@pytest.mark.parametrize("evil", EVIL)
def test_in_the_place_of_a_classifier_they_are_named(tmp_path, evil):
    file = classifier.path("digits", tmp_path / "data")
    file.parent.mkdir(parents=True)
    file.write_bytes(evil(tmp_path / "mark"))
    with pytest.raises(Damaged):
        classifier.read_classifier("digits", tmp_path / "data", "cpu")
    assert not (tmp_path / "mark").exists()
