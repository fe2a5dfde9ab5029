"""Storing finished runs: one paper's rows alone, of today's code alone, with who made them."""

import json

import pandas as pd
import pytest

from replications.__main__ import main
from replications.core.base.carried import EXACT, Carried, Line
from replications.core.base.provenance import machine
from replications.core.base.scores import maker
from replications.core.declare.papers import suite
from replications.core.report.reference import MADE, store
from replications.core.report.tables import COLUMNS
from replications.core.run.current import finished

WORDS = ("bengio2015", "stdp_spread", "--tier", "smoke", "--device", "cpu")


def keep(results, paper, tier):
    """What `python -m replications reference` does."""
    reference = results / "reference"
    files = finished(results, paper, tier, Carried(reference / "carried.csv"))
    store(files, suite().paper(paper), reference, tier)


@pytest.fixture
def results(tmp_path):
    """Two finished runs of a simulation."""
    places = ["--results", str(tmp_path), "--data", str(tmp_path / "data")]
    done = ["--done", str(tmp_path / "done.json")]
    assert main([*places, "run", *WORDS, "--runs", "0", "1", *done]) == 0
    (tmp_path / "reference").mkdir()
    return tmp_path


def stored(results, name="smoke"):
    return pd.read_csv(results / "reference" / f"{name}.csv", dtype=str, keep_default_na=False)


def put(results, *rows):
    """Rows that are stored already."""
    path = results / "reference" / "smoke.csv"
    pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)


def row(paper="zuse1936", experiment="z1", run="0", value="0.1", **more):
    keys = dict.fromkeys(COLUMNS, "x") | {"step": "1"}
    return keys | {"paper": paper, "experiment": experiment, "run": run, "value": value} | more


def test_finished_runs_are_stored_with_their_commit_and_machine(results):
    keep(results, "bengio2015", "smoke")
    table = stored(results)
    assert list(table.columns) == COLUMNS and set(table["experiment"]) == {"stdp_spread"}
    assert set(table["run"]) == {"0", "1"} and len(table) == 32
    experiment = suite().experiment("bengio2015", "stdp_spread", "smoke")
    assert set(table["train"]) == {maker(experiment.hashes("train"))}
    machines = stored(results, "machines")
    assert list(machines.columns) == MADE and len(machines) == 2
    assert set(machines["processor"]) == {machine()["processor"]} and set(machines["tier"]) == {
        "smoke"
    }
    run = json.loads((results / "smoke/runs/bengio2015/stdp_spread/0/run.json").read_text())
    assert machines["commit"][0] == run["commit"]


def test_other_papers_and_other_runs_stay_digit_for_digit(results):
    own = ("bengio2015", "stdp_spread")
    put(results, row(value="0.100000"), row(*own, "7"), row("bengio2015", "stdp_fixed_gap"),
        row(*own, "0", "99"))  # fmt: skip
    keep(results, "bengio2015", "smoke")
    table = stored(results)
    assert "0.100000" in set(table.loc[table["paper"] == "zuse1936", "value"])
    assert set(table.loc[table["experiment"] == "stdp_spread", "run"]) == {"0", "1", "7"}
    assert "99" not in set(table["value"]), "an earlier score of a run that is stored anew is gone"
    assert len(table[table["experiment"] == "stdp_fixed_gap"]) == 1
    before = (results / "reference" / "smoke.csv").read_bytes()
    keep(results, "bengio2015", "smoke")
    assert (results / "reference" / "smoke.csv").read_bytes() == before


def test_runs_and_steps_are_sorted_as_numbers(results):
    put(results, row(run="10"), row(run="9", step="10"), row(run="9", step="9"))
    keep(results, "bengio2015", "smoke")
    table = stored(results)
    own = table[table["paper"] == "zuse1936"]
    assert list(zip(own["run"], own["step"], strict=True)) == [("9", "9"), ("9", "10"), ("10", "1")]


def test_runs_of_other_code_are_refused_and_nothing_is_written(results):
    path = results / "smoke/runs/bengio2015/stdp_spread/1/scores.json"
    scores = json.loads(path.read_text())
    today, config = scores["hashes"]["code"], scores["hashes"]["config"]
    scores["hashes"]["code"] = "earlier"
    path.write_text(json.dumps(scores))
    with pytest.raises(ValueError, match="made by other code, settings or data than today's: run"):
        keep(results, "bengio2015", "smoke")
    assert not list((results / "reference").iterdir())
    key = ("bengio2015", "stdp_spread", "smoke", "score")
    line = Line(*key, f"earlier/{config}", f"{today}/{config}", "r", "p", EXACT)
    Carried(results / "reference" / "carried.csv").add([line])
    keep(results, "bengio2015", "smoke")
    assert set(stored(results)["score"]) == {f"earlier/{config}", f"{today}/{config}"}


def test_lines_that_lead_on_from_what_is_replaced_go(results):
    own, other = (("bengio2015", e, "smoke", "train") for e in ("stdp_spread", "stdp_fixed_gap"))
    lines = [Line(*key, "earlier/c", "later/c", "r", "p", EXACT) for key in (own, other)]
    Carried(results / "reference" / "carried.csv").add(lines)
    keep(results, "bengio2015", "smoke")
    assert Carried(results / "reference" / "carried.csv").lines == lines[1:]


def test_what_is_stored_of_an_experiment_that_the_tier_has_no_more_goes(results):
    removed = row("bengio2015", "removed")
    put(results, removed, row("zuse1936", "removed"), row("bengio2015", "stdp_fixed_gap"))
    machines = [[dict(tier=tier, **removed).get(name, "m") for name in MADE]
                for tier in ("smoke", "paper")]  # fmt: skip
    pd.DataFrame(machines, columns=MADE).to_csv(results / "reference/machines.csv", index=False)
    key = ("bengio2015", "removed", "smoke", "train")
    line = Line(*key, "earlier/c", "later/c", "r", "p", EXACT)
    Carried(results / "reference" / "carried.csv").add([line])
    keep(results, "bengio2015", "smoke")
    table, made = stored(results), stored(results, "machines")
    assert set(table["experiment"]) == {"removed", "stdp_fixed_gap", "stdp_spread"}
    assert set(table.loc[table["experiment"] == "removed", "paper"]) == {"zuse1936"}
    assert set(made.loc[made["experiment"] == "removed", "tier"]) == {"paper"}
    assert not Carried(results / "reference" / "carried.csv").lines


def test_a_paper_without_finished_runs_is_refused(results):
    with pytest.raises(ValueError, match=r"lee2015 has no finished run below .*: run `snakemake"):
        keep(results, "lee2015", "smoke")
