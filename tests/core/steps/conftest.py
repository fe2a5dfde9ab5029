"""A finished tier of one paper, as the workflow leaves it."""

import pytest

from replications.__main__ import main


@pytest.fixture(scope="session")
def tier(tmp_path_factory):
    """A results folder: lee2015 in the smoke tier, its tables and figures; and a simulation."""
    folder = tmp_path_factory.mktemp("tier")
    results = folder / "results"
    places = ["--results", str(results), "--data", str(folder / "data")]
    runs = ["--tier", "smoke", "--runs", "0", "1"]
    done = ["--done", str(folder / "done.json"), "--device", "cpu"]
    for words in (["run", "lee2015"], ["run", "bengio2015", "stdp_spread"]):
        assert main([*places, *words, *runs, *done]) == 0
    assert main([*places, "report", "lee2015", *runs]) == 0
    assert main([*places, "overview", "bengio2015", "lee2015", *runs]) == 0
    (results / "reference" / "search").mkdir(parents=True)
    (results / "reference" / "smoke.csv").write_text("stored\n")
    (results / "reference" / "search" / "draws.csv").write_text("drawn\n")
    return results
