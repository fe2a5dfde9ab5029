"""The regression check: what is told, what is let pass, and that it sees what it is there for."""

import json
import math
from xml.etree import ElementTree

import pandas as pd
import pytest

from replications.core.base.provenance import REFERENCE, machine
from replications.core.report import tolerances
from replications.core.report.check import Regressed, check_scores, moved
from replications.core.report.tables import COLUMNS, read_table
from replications.core.report.tolerances import means

KEY = ("toy", "a", "test_error", "")


def table(scores, *, step=2):
    """A long table from {(metric, part): values of the runs 0, 1, ... or by run}."""
    rows = []
    for (metric, part), found in scores.items():
        values = found if isinstance(found, dict) else dict(enumerate(found))
        for run, value in values.items():
            row = dict.fromkeys(COLUMNS, "")
            row |= {"paper": "toy", "experiment": "a", "run": run, "metric": metric}
            rows.append(row | {"part": part, "step": step, "value": value})
    return pd.DataFrame(rows, columns=COLUMNS)


TOLERANCE = 0.25
ALLOWED = {("toy", "a", metric, part): TOLERANCE for metric, part in
           [("test_error", ""), ("norm_ratio", ""), ("cosine", ""), ("cosine", "W1"),
            ("log_joint", ""), ("tau", ""), ("angle", "W1"), ("norm_ratio", "W1")]}  # fmt: skip


def only(fresh, reference):
    """The one row of what `moved` says of one metric."""
    (row,) = moved(table(fresh), table(reference), ALLOWED).to_dict("records")
    return row


REFERENCES = [("test_error", 10.0), ("test_error", 0.0), ("norm_ratio", 0.5), ("cosine", 0.9),
              ("log_joint", -100.0), ("tau", 40.0)]  # fmt: skip


@pytest.mark.parametrize(("metric", "reference"), REFERENCES)
@pytest.mark.parametrize("sign", [1, -1])  # better is news as well
def test_a_shift_is_held_against_the_metrics_tolerance(metric, reference, sign):
    for outcome, times in [("ok", 0), ("ok", 0.95), ("moved", 1.05), ("moved", 20)]:
        fresh = reference + sign * times * TOLERANCE
        found = only({(metric, ""): [fresh]}, {(metric, ""): [reference]})
        assert found["outcome"] == outcome, times
        assert found["shift"] == pytest.approx(fresh - reference)
        assert found["tolerance"] == TOLERANCE
        assert (found["reference"], found["fresh"]) == (reference, fresh)


@pytest.mark.parametrize(("fresh", "outcome"), [(1.0, "ok"), (0.999, "moved")])
def test_without_a_tolerance_any_shift_is_one(fresh, outcome):
    assert (*KEY[:2], "sign_agreement", "") not in ALLOWED
    found = only({("sign_agreement", ""): [fresh]}, {("sign_agreement", ""): [1.0]})
    assert found["outcome"] == outcome


def test_means_over_runs_are_held_against_each_other():
    found = only({("test_error", ""): [4.0, 16.0]}, {("test_error", ""): [10.0, 10.125]})
    assert (found["fresh"], found["reference"], found["outcome"]) == (10.0, 10.0625, "ok")
    found = only({("test_error", ""): [10.0, 16.0]}, {("test_error", ""): [10.0, 10.0]})
    assert found["outcome"] == "moved"


def test_the_last_step_counts():
    error = {("test_error", ""): [10.0]}
    early = {("test_error", ""): [90.0]}
    fresh = pd.concat([table(error, step=10), table(early, step=9)], ignore_index=True)
    assert means(fresh).to_dict() == {KEY: 10.0}
    assert moved(fresh, table(error), ALLOWED)["outcome"].tolist() == ["ok"]


def test_parts_are_told_apart():
    reference = {("cosine", "W1"): [0.9], ("cosine", "W2"): [0.1]}
    swapped = {("cosine", "W1"): [0.1], ("cosine", "W2"): [0.9]}
    assert set(moved(table(swapped), table(reference), ALLOWED)["outcome"]) == {"moved"}


def test_a_metric_or_a_run_that_is_gone_is_missing():
    reference = {("test_error", ""): [10.0, 10.0], ("cosine", "W1"): [0.9, 0.9]}
    gone = moved(table({("test_error", ""): [10.0, 10.0]}), table(reference), ALLOWED)["outcome"]
    assert gone.to_dict() == {KEY: "ok", ("toy", "a", "cosine", "W1"): "missing"}
    one = {("test_error", ""): [10.0, 10.0], ("cosine", "W1"): [0.9]}
    assert "missing" in set(moved(table(one), table(reference), ALLOWED)["outcome"])
    other = {("test_error", ""): {0: 10.0, 2: 10.0}}  # as many, but not the same
    assert only(other, {("test_error", ""): [10.0, 10.0]})["outcome"] == "missing"
    nothing = moved(table({}), table(reference), ALLOWED)
    assert nothing["outcome"].tolist() == ["missing", "missing"]


def test_more_runs_are_no_fault():
    found = only({("test_error", ""): [10.0] * 5}, {("test_error", ""): [10.0] * 2})
    assert found["outcome"] == "ok"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_told_even_if_one_run_alone_is(bad):
    for values in ([bad], [10.0, bad]):
        reference = {("test_error", ""): [10.0] * len(values)}
        assert only({("test_error", ""): values}, reference)["outcome"] == "not finite"


def test_what_the_reference_does_not_have_is_new():
    both = {("test_error", ""): [10.0], ("cosine", "W1"): [0.9]}
    found = moved(table(both), table({("test_error", ""): [10.0]}), ALLOWED)["outcome"]
    assert found.to_dict() == {KEY: "ok", ("toy", "a", "cosine", "W1"): "new"}


def test_a_metric_that_is_no_longer_known_is_missing_and_no_crash():
    reference = {("retired", ""): [1.0]}
    found = moved(table({("test_error", ""): [10.0]}), table(reference), ALLOWED)["outcome"]
    assert found.to_dict() == {KEY: "new", ("toy", "a", "retired", ""): "missing"}


STORED = read_table(REFERENCE / "smoke.csv")
TOLERANCES = tolerances.read_tolerances(REFERENCE / "tolerances.csv")


def test_the_stored_reference_is_as_itself():
    assert set(moved(STORED, STORED, TOLERANCES)["outcome"]) == {"ok"}


def test_every_stored_metric_has_a_measured_tolerance():
    assert set(TOLERANCES) == set(means(STORED).index)


@pytest.mark.parametrize("factor", [2, 0.5])
def test_a_factor_of_two_in_an_update_is_caught_in_every_layer(factor):
    fresh = STORED.copy()
    fresh.loc[fresh["metric"] == "norm_ratio", "value"] *= factor
    table = moved(fresh, STORED, TOLERANCES)
    found, metrics = table["outcome"], table.index.get_level_values("metric")
    ratios = (metrics == "norm_ratio") & (table["reference"] != 0)  # 0: what never learns
    assert ratios.sum() >= 10 and set(found[ratios]) == {"moved"}
    assert set(found[~ratios]) == {"ok"}


def test_a_changed_sign_of_an_update_is_caught_wherever_it_has_a_direction():
    fresh = STORED.copy()
    fresh.loc[fresh["metric"] == "cosine", "value"] *= -1
    found = moved(fresh, STORED, TOLERANCES)
    cosines = found[found.index.get_level_values("metric") == "cosine"]
    pointing = cosines["reference"].abs() > cosines["tolerance"] / 2
    assert pointing.sum() >= 10
    assert set(cosines[pointing]["outcome"]) == {"moved"}
    caught = {
        name for name, rows in cosines.groupby("experiment") if "moved" in set(rows["outcome"])
    }
    assert caught == set(cosines.index.get_level_values("experiment"))


# The command


def check(tmp_path, fresh, reference, machines=None):
    results = tmp_path / "results"
    (results / "smoke").mkdir(parents=True)
    stored = tmp_path / "stored"
    stored.mkdir()
    fresh.to_parquet(results / "smoke" / "scores.parquet")
    reference.to_csv(stored / "smoke.csv", index=False, float_format="%.6g")
    allowed = pd.Series(ALLOWED, name="tolerance").rename_axis(tolerances.KEYS).reset_index()
    allowed.to_csv(stored / "tolerances.csv", index=False)
    if machines is not None:
        machines.to_csv(stored / "machines.csv", index=False)
    try:
        check_scores(results, stored, "smoke")
    finally:
        written = pd.read_csv(results / "smoke" / "check.csv", keep_default_na=False)
    return written


def test_what_has_not_moved_passes(tmp_path, caplog):
    caplog.set_level("INFO")
    fresh = {("test_error", ""): [10.125, 10.0], ("cosine", "W1"): [0.9, 0.9], ("tau", ""): [1.0]}
    reference = {("test_error", ""): [10.0, 10.0], ("cosine", "W1"): [0.9, 0.9]}
    written = check(tmp_path, table(fresh), table(reference))
    columns = ["paper", "experiment", "metric", "part"]
    outcomes = ["reference", "fresh", "shift", "tolerance", "outcome"]
    assert list(written.columns) == columns + outcomes
    assert dict(zip(written["metric"], written["outcome"], strict=True)) == {
        "cosine": "ok", "test_error": "ok", "tau": "new"
    }  # fmt: skip
    assert caplog.messages[0] == "2 metrics are as in the reference, 1 are new"
    assert "made on a processor that was not recorded; this is " in caplog.messages[1]


def test_what_has_moved_fails_with_a_table_and_what_to_do(tmp_path):
    fresh = {("test_error", ""): [14.0], ("cosine", "W1"): [math.nan], ("angle", "W1"): [5.0]}
    reference = {("test_error", ""): [10.0], ("cosine", "W1"): [0.9], ("angle", "W1"): [5.0],
                 ("norm_ratio", "W1"): [1.0]}  # fmt: skip
    with pytest.raises(Regressed) as failure:
        check(tmp_path, table(fresh), table(reference))
    message = str(failure.value)
    assert message.startswith("3 of 4 metrics regressed:\n")
    lines = message.splitlines()
    assert all(word in lines[1] for word in ("reference", "fresh", "shift", "tolerance", "outcome"))
    for metric, outcome in [
        ("test_error", "moved"), ("cosine", "not finite"), ("norm_ratio", "missing")
    ]:  # fmt: skip
        assert any(metric in line and line.endswith(outcome) for line in lines), metric
    assert not any("angle" in line for line in lines)
    assert machine()["processor"] in lines[-2]
    assert "say why in the commit" in lines[-1]
    assert "python -m replications reference PAPER --tier smoke" in lines[-1]
    folder = tmp_path / "results" / "smoke"
    written = pd.read_csv(folder / "check.csv", keep_default_na=False)
    assert sorted(written["outcome"]) == ["missing", "moved", "not finite", "ok"]
    told = json.loads((folder / "check.json").read_text())
    assert told["tier"] == "smoke" and told["machines"] == lines[-2]
    assert told["outcomes"] == dict.fromkeys(["missing", "moved", "not finite", "ok"], 1)
    (cosine,) = (row for row in told["metrics"] if row["metric"] == "cosine")
    assert cosine == {"paper": "toy", "experiment": "a", "metric": "cosine", "part": "W1",
                      "reference": 0.9, "fresh": None, "shift": None, "tolerance": TOLERANCE,
                      "outcome": "not finite"}  # fmt: skip
    (suite,) = ElementTree.parse(folder / "check.xml").getroot()
    assert [suite.attrib[key] for key in ("name", "tests", "failures")] == ["toy", "4", "3"]
    failed = {case.attrib["name"]: case[0].attrib for case in suite if len(case)}
    assert {name: told["type"] for name, told in failed.items()} == {
        "test_error": "moved", "cosine W1": "not finite", "norm_ratio W1": "missing"
    }  # fmt: skip
    assert failed["test_error"]["message"] == "moved: 14, stored 10, tolerance 0.25"
    assert {case.attrib["classname"] for case in suite} == {"toy.a"}


def test_the_digits_that_the_reference_drops_are_no_shift(tmp_path):
    scores = table({("sign_agreement", "potentiation"): [2 / 3]})
    assert check(tmp_path, scores, scores)["outcome"].tolist() == ["ok"]


def test_the_processors_of_the_reference_are_named_once_each(tmp_path, caplog):
    caplog.set_level("INFO")
    made = {"tier": ["smoke", "smoke", "smoke", "paper"], "processor": ["A", "B", "A", "C"],
            "instructions": ["AVX2", "AVX512", "AVX2", "NEON"]}  # fmt: skip
    scores = table({("test_error", ""): [10.0]})
    check(tmp_path, scores, scores, pd.DataFrame(made))
    assert "The reference was made on A (AVX2); B (AVX512); this is " in caplog.messages[1]
