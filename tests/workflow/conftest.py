"""One finished smoke tier for all tests of the workflow, whichever worker needs it first."""

import fcntl
import os
import shutil

import pytest

from replications.core.base.provenance import ROOT
from tests.workflow.runner import copy_of, ran


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy of the project whose smoke tier has been run; no test may change it."""
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
