"""What tests of the workflow share."""

import shutil

import pytest


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished project, dates and Snakemake's memory included, to change at will."""
    return shutil.copytree(finished, tmp_path / "project")
