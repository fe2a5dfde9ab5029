"""Tolerances by the printed rule, from shifts that are known."""

import pandas as pd
import pytest

from replications.core.report.tables import COLUMNS
from replications.core.report.tolerances import (
    KEYS,
    RULE,
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
    found = tolerances(shifted(one=[1.0, 0.125, 0.0, 2.0], two=[0.5, 0.0, 0.25, 8.0]))
    assert found.tolist() == [4.0, 1.0, 1.0, 32.0]
    assert "4 times the largest" in RULE


def test_at_least_four_times_the_smallest_that_the_metric_has_anywhere():
    """Where no variant moved a count, another processor may: by one."""
    found = tolerances(shifted(one=[0.0, 0.0, 0.0, 0.5], two=[0.0, 0.0, 0.0, 2.0]))
    assert found.tolist() == [2.0, 0.0, 0.0, 8.0]


def test_a_variant_that_is_left_out_is_held_to_the_others():
    found = shifted(one=[1.0, 0.1, 0.0, 1.0], two=[1.0, 0.1, 0.0, 1.0], wild=[1.0, 0.1, 0.5, 9.0])
    assert left_out(found) == {"one": 0, "two": 0, "wild": 2}


def long_table(path, values):
    """Two runs of one metric; what stands before the last step does not count."""
    own = {"paper": "toy", "experiment": "a", "metric": "error"}
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
    assert head == "paper,experiment,metric,part,shift,tolerance" and row.startswith(
        "toy,a,error,,"
    )
    assert "up has 0 alarms" in caplog.text and RULE in caplog.text
