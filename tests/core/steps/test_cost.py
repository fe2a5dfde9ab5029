"""What a tier cost, from logs that are written here."""

import json

import pytest

from replications.core.steps.cost import cost, in_lines


@pytest.fixture
def results(tmp_path):
    """Two jobs of runs (20 s, of which 12 are runs), one of tables, 3 s of Snakemake."""
    folder = tmp_path / "smoke"
    for name, seconds in (("run/a", 15.0), ("run/b/c", 5.0), ("report/a", 6.0)):
        path = folder / "logs" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"processor: 99.00 s\nepoch 1\nprocessor: {seconds:.2f} s\n")
        if name.startswith("run/"):
            done = folder / "done" / f"{name.removeprefix('run/')}.json"
            done.parent.mkdir(parents=True, exist_ok=True)
            done.write_text(json.dumps([{"cpu_seconds": 5.0}, {"cpu_seconds": 1.0}]))
    whole = {"seconds": 20.0, "cpu_seconds": 3.0, "cores": 2}
    (folder / "snakemake.json").write_text(json.dumps(whole))
    return tmp_path


def test_a_cost_is_split_into_what_it_was_for(results):
    found = cost(results, "smoke")
    assert (found.jobs, found.wall, found.runs, found.snakemake) == (3, 20.0, 12.0, 3.0)
    assert found.start_up == pytest.approx(3 * (20 - 12) / 2)  # as long for the tables
    assert found.tables == pytest.approx(6 - 4)
    assert found.processor == pytest.approx(15 + 5 + 6 + 3)
    assert found.overhead == pytest.approx((12 + 3) / 29)
    assert found.idle == pytest.approx(2 * 20 - 29)
    text = in_lines(found)
    assert "3 jobs in 20 s; processor: 29 s" in text
    assert "start-up and Snakemake together 52%; idle 11 s" in text


@pytest.mark.parametrize("gone", ["logs/run/*.log", "snakemake.json"])
def test_without_what_jobs_and_snakemake_wrote_it_says_what_to_run(results, gone):
    for path in (results / "smoke").glob(gone.replace("run/", "run/**/")):
        path.unlink()
    with pytest.raises(ValueError, match=r"run `snakemake --forceall smoke` first"):
        cost(results, "smoke")
