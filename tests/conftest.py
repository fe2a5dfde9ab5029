"""What tests of several folders share."""

import fcntl
import os
import shutil

# One thread, before torch is imported: runs are compared bit for bit.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["MPLBACKEND"] = "agg"

import pytest  # noqa: E402
import torch  # noqa: E402

from replications.core.base.provenance import ROOT  # noqa: E402
from tests.workflow.runner import copy_of, ran  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy of the project whose smoke tier has been run; no test may change it.

    One for all tests, whichever worker needs it first.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "finished" / "project"
    with open(shared / "finished.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other worker waits, as the tier takes all cores
        if not (folder.parent / "done").exists():
            shutil.rmtree(folder.parent, ignore_errors=True)
            ran(copy_of(ROOT, folder), "smoke")
            (folder.parent / "done").touch()
    return folder


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished project, dates and Snakemake's memory included, to change at will."""
    return shutil.copytree(finished, tmp_path / "project")


LONG = (  # files of minutes, by name, the longest first
    "test_reruns",
    "test_workflow",
    "test_killed",
    "test_carry",
    "test_planted_faults",
    "test_worked_example",
    "test_browser",
)


def pytest_collection_modifyitems(items):
    """Long files first: with several workers (`make test`) each file goes to one of them."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))
