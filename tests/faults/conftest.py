"""A finished paper, once for all tests of faults."""

import shutil

import pytest

from tests.faults.suite import report, run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The results of a paper that nothing went wrong with; no test may change them."""
    results = tmp_path_factory.mktemp("undisturbed") / "results"
    assert run(results) == 0 and report(results) == 0
    return results


@pytest.fixture
def results(undisturbed, tmp_path):
    """A copy of them, dates included, to be damaged."""
    return shutil.copytree(undisturbed, tmp_path / "results")
