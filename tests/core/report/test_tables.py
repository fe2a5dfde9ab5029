"""The long table: from scores.json files to Parquet and CSV, and back."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from replications.core.declare.metrics import SHARED
from replications.core.report.tables import COLUMNS, collect, last, read_table, rows_of

PAPERS = {name: SimpleNamespace(metrics=SHARED) for name in ("toy", "first")}
HASHES = {"code": "5c04e", "config": "c0f19", "data": "da7a0"}
SCORES = [
    ("test_error", "", 2, 3.25),
    ("train_error", "", 10, 1 / 3),
    ("train_error", "", 2, 12.0),
    ("cosine", "W2", 0, -0.125),
    ("cosine", "W1", 0, 0.5),
    ("norm_ratio", "W1", 0, 1234567.0),
]


def scores(paper="toy", experiment="a", run=0, rows=SCORES, train="7ra1n"):
    keys = ("metric", "part", "step", "value")
    return {
        "paper": paper,
        "experiment": experiment,
        "run": run,
        "hashes": HASHES,
        "train": {"hashes": HASHES | {"code": train}, "device": "cpu"},
        "rows": [dict(zip(keys, row, strict=True)) for row in rows],
    }


@pytest.fixture
def written(tmp_path):
    """What `collect` makes of four runs, given in no order."""
    several = [scores(run=10), scores("first", "z"), scores(run=2), scores(experiment="B", run=1)]
    files = []
    for number, one in enumerate(several):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(one))
    results = tmp_path / "new" / "results"
    return collect(files, PAPERS, results), results


def test_a_row_says_whose_it_is_and_what_it_comes_from():
    row = rows_of(scores(run=3), SHARED)[3]
    assert row == {
        "paper": "toy", "experiment": "a", "run": 3, "metric": "cosine", "part": "W2", "step": 0,
        "value": -0.125, "unit": "", "higher_is_better": True, "train": "7ra1n/c0f19",
        "score": "5c04e/c0f19", "data": "da7a0",
    }  # fmt: skip
    assert set(row) == set(COLUMNS)


def test_units_and_directions_are_the_metrics(written):
    table, _ = written
    assert len(table) == 4 * len(SCORES)
    for row in table.itertuples():
        metric = SHARED[row.metric]
        assert row.unit == metric.unit
        better = None if pd.isna(row.higher_is_better) else bool(row.higher_is_better)
        assert better is metric.higher_is_better
    assert table["higher_is_better"].isna().any()


def test_a_metric_without_a_unit_is_refused_by_name():
    rows = [*SCORES, ("acuracy", "", 1, 1.0), ("loss", "", 1, 1.0), ("loss", "W1", 1, 1.0)]
    with pytest.raises(ValueError) as failure:
        rows_of(scores(rows=rows), SHARED)
    message = str(failure.value)
    assert message.startswith("toy a: unknown metrics acuracy, loss: declare them under metrics in")
    assert "replications/toy/paper.yaml" in message and "test_error" in message.split(";")[1]


def test_rows_are_sorted_by_whose_they_are_and_steps_as_numbers(written):
    table, _ = written
    assert list(table.columns) == COLUMNS
    keys = ["paper", "experiment", "run", "metric", "part", "step"]
    found = list(table[keys].itertuples(index=False, name=None))
    assert found == sorted(found) and len(set(found)) == len(found)
    assert [k[:3] for k in found][:: len(SCORES)] == [
        ("first", "z", 0), ("toy", "B", 1), ("toy", "a", 2), ("toy", "a", 10)
    ]  # fmt: skip
    assert [k[3:] for k in found][: len(SCORES)] == [
        ("cosine", "W1", 0), ("cosine", "W2", 0), ("norm_ratio", "W1", 0), ("test_error", "", 2),
        ("train_error", "", 2), ("train_error", "", 10),
    ]  # fmt: skip


def test_the_order_of_the_files_does_not_matter(tmp_path):
    for run in (0, 1):
        (tmp_path / f"{run}.json").write_text(json.dumps(scores(run=run)))
    files = [tmp_path / "0.json", tmp_path / "1.json"]
    collect(files, PAPERS, tmp_path / "a")
    collect(files[::-1], PAPERS, tmp_path / "b")
    for name in ("scores.csv", "scores.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_parquet_and_csv_say_the_same(written):
    table, results = written
    assert {path.name for path in results.iterdir()} == {"scores.parquet", "scores.csv"}
    parquet, csv = pd.read_parquet(results / "scores.parquet"), read_table(results / "scores.csv")
    pd.testing.assert_frame_equal(parquet, table)
    assert list(csv.columns) == COLUMNS
    for name in COLUMNS:
        if name == "value":
            assert csv[name].tolist() == pytest.approx(parquet[name].tolist(), rel=5e-6)
        elif name == "higher_is_better":
            words = [str(b) for b in parquet[name].astype(object).where(parquet[name].notna(), "")]
            assert csv[name].astype(str).tolist() == words
        else:
            assert csv[name].tolist() == parquet[name].tolist(), name
    third = parquet.loc[parquet["step"] == 10, "value"]
    assert (third == 1 / 3).all()  # all digits in Parquet, six in CSV
    assert ",0.333333," in (results / "scores.csv").read_text()


def test_the_last_step_of_each_run_counts(written):
    final = last(written[0])
    assert len(final) == 4 * (len(SCORES) - 1)
    errors = final[final["metric"] == "train_error"]
    assert errors["step"].tolist() == [10] * 4 and (errors["value"] == 1 / 3).all()
    mixed = pd.DataFrame(
        [("p", "e", run, "m", "", step, step * 10.0) for run, step in
         [(0, 1), (0, 20), (0, 3), (1, 2), (1, 1)]],
        columns=["paper", "experiment", "run", "metric", "part", "step", "value"],
    )  # fmt: skip
    assert last(mixed)[["run", "value"]].to_numpy().tolist() == [[0, 200.0], [1, 20.0]]


@pytest.mark.parametrize("change", ["lacks", "more", "order"])
def test_other_columns_are_refused(written, tmp_path, change):
    table, _ = written
    other = {
        "lacks": table.drop(columns="part"),
        "more": table.assign(extra=1),
        "order": table[COLUMNS[::-1]],
    }[change]
    other.to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(ValueError, match=r"other\.csv: columns are .* expected"):
        read_table(tmp_path / "other.csv")


def test_an_empty_value_is_no_number_and_an_empty_part_is_text(written, tmp_path):
    table, _ = written
    table.loc[0, "value"] = float("nan")
    table.to_csv(tmp_path / "t.csv", index=False)
    back = read_table(tmp_path / "t.csv")
    assert back["value"].isna().tolist() == [True] + [False] * (len(table) - 1)
    assert set(back["part"]) == {"", "W1", "W2"}


@pytest.mark.parametrize("name", ["012345678901", "1234567e8901"])
def test_a_hash_of_digits_is_still_text(written, tmp_path, name):
    written[0].assign(data=name).to_csv(tmp_path / "t.csv", index=False)
    assert set(read_table(tmp_path / "t.csv")["data"]) == {name}
