"""Tolerances by the printed rule, from shifts that are known."""

import pandas as pd
import pytest

from replications.core.report.tables import COLUMNS
from replications.core.report.tolerances import (
    KEYS,
    RULE,
    extremes,
    left_out,
    read_tolerances,
    shifts,
    tolerances,
    write_tolerances,
)


def shifted(**variants):
    """Shifts by variant of: two layers of one metric, another experiment's, another metric."""
    names = [("toy", "a", "error", ""), ("toy", "a", "cosine", "W1"), ("toy", "a", "cosine", "W2"),
             ("toy", "b", "error", "")]  # fmt: skip
    index = pd.MultiIndex.from_tuples(names, names=KEYS)
    return pd.DataFrame(variants, index=index)


def test_four_times_the_largest_shift_of_the_metric_in_its_experiment():
    found = tolerances(extremes(shifted(one=[1.0, 0.125, 0.0, 2.0], two=[0.5, 0.0, 0.25, 8.0])))
    assert found.tolist() == [4.0, 1.0, 1.0, 32.0]
    assert "4 times the largest" in RULE


def test_at_least_four_times_the_smallest_that_what_counts_the_same_has_anywhere():
    """Where no variant moved a count, another processor may: by one."""
    names = [("toy", "a", "test_error", ""), ("toy", "b", "best_test_error", ""),
             ("toy", "b", "test_undecided", ""), ("toy", "b", "validation_error", "")]  # fmt: skip
    index = pd.MultiIndex.from_tuples(names, names=KEYS)
    moved = pd.DataFrame({"one": [0.5, 0.0, 0.0, 0.0], "two": [2.0, 0.0, 0.0, 0.0]}, index=index)
    assert tolerances(extremes(moved)).tolist() == [8.0, 2.0, 2.0, 0.0]


def test_what_no_variant_moved_gets_what_is_usual_for_it_elsewhere():
    """A sum may hide a shift below its last digit, which another processor's does not."""
    names = [("toy", e, metric, part) for metric in ("train_cost", "cosine") for e, part in
             [("a", ""), ("b", ""), ("c", ""), ("d", "1"), ("d", "2")]]  # fmt: skip
    index = pd.MultiIndex.from_tuples(names, names=KEYS)
    found = pd.DataFrame({"one": [0.0, 1e-9, 3e-7, 5e-7, 0, *[0.0] * 5],
                          "two": [0.0, 0.0, 2e-7, 0.0, 4e-7, *[0.0] * 5]}, index=index)  # fmt: skip
    costs = tolerances(extremes(found)).xs("train_cost", level="metric")
    assert costs.tolist() == pytest.approx([1.2e-6, 4e-9, 1.2e-6, 2e-6, 2e-6])
    assert not tolerances(extremes(found)).xs("cosine", level="metric").any()


def test_a_variant_that_is_left_out_is_held_to_the_others():
    found = shifted(one=[1.0, 0.1, 0.0, 1.0], two=[1.0, 0.1, 0.0, 1.0], wild=[1.0, 0.1, 0.5, 9.0])
    assert left_out(found, extremes(found.iloc[:0])) == {"one": 0, "two": 0, "wild": 2}


def test_what_is_stored_of_another_paper_is_a_floor_for_one_left_out():
    found = shifted(one=[1.0, 0.0, 0.0, 1.0], wild=[1.0, 0.0, 0.5, 1.0])
    assert left_out(found, extremes(found.iloc[:0]))["wild"] == 1
    names = pd.MultiIndex.from_tuples([("other", "c", "cosine", "W1")], names=KEYS)
    others = pd.DataFrame({"shift": [2.0], "smallest": [0.2]}, index=names)
    assert left_out(found, others)["wild"] == 0


def long_table(path, values, paper="toy"):
    """Two runs of one metric; what stands before the last step does not count."""
    own = {"paper": paper, "experiment": "a", "metric": "error"}
    rows = [
        dict.fromkeys(COLUMNS, "") | own | {"run": run, "step": step, "value": value}
        for run, last in enumerate(values)
        for step, value in ((1, 99.0), (2, last))
    ]
    pd.DataFrame(rows, columns=COLUMNS).to_parquet(path)
    return path


def test_what_is_written_is_read_again(tmp_path, caplog):
    caplog.set_level("INFO")
    tables = {
        "base": long_table(tmp_path / "base", [10.0, 20.0]),
        "up": long_table(tmp_path / "up", [11.0, 20.0]),
        "down": long_table(tmp_path / "down", [9.0, 20.5]),
    }
    assert shifts(tables, "base").iloc[0].to_dict() == {"up": 0.5, "down": 0.25}
    write_tolerances(tables, "base", tmp_path / "tolerances.csv")
    assert read_tolerances(tmp_path / "tolerances.csv") == {
        ("toy", "a", "error", ""): pytest.approx(2.0)
    }
    head, row = (tmp_path / "tolerances.csv").read_text().splitlines()
    assert head == "paper,experiment,metric,part,shift,smallest,tolerance"
    assert row == "toy,a,error,,0.5,0.25,2"
    assert "up has 0 alarms" in caplog.text and RULE in caplog.text


def test_some_papers_are_measured_alone_and_the_others_stay_and_count(tmp_path):
    """What all of them give at once is what they give one after the other."""
    values = {"toy": ([10.0, 20.0], [10.0, 20.0]), "zoo": ([10.0, 20.0], [10.0, 24.0 + 1 / 3])}
    for paper, (base, up) in values.items():
        long_table(tmp_path / f"base_{paper}", base, paper)
        long_table(tmp_path / f"up_{paper}", up, paper)
    for name in ("base", "up"):
        both = [pd.read_parquet(tmp_path / f"{name}_{paper}") for paper in values]
        pd.concat(both).to_parquet(tmp_path / name)
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    write_tolerances({n: tmp_path / n for n in ("base", "up")}, "base", whole)
    write_tolerances({n: tmp_path / f"{n}_toy" for n in ("base", "up")}, "base", parts)
    assert read_tolerances(parts) == {("toy", "a", "error", ""): 0.0}
    zoo = {n: tmp_path / f"{n}_zoo" for n in ("base", "up")}
    write_tolerances(zoo, "base", parts, ["zoo"])
    assert parts.read_text() == whole.read_text()
    # The floor of the first paper is what the second has shown: one more or one less.
    assert read_tolerances(parts)["toy", "a", "error", ""] == 8.67
    write_tolerances(zoo, "base", parts, ["zoo"])
    assert parts.read_text() == whole.read_text()
