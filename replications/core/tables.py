"""The long table: every score of a tier, one row each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from replications.core.metrics import METRICS
from replications.core.runs import write_atomically

COLUMNS = [
    "paper",
    "experiment",
    "run",
    "metric",
    "layer",  # a layer, a sampler or a side of a curve; "" for the whole
    "step",  # epochs trained
    "value",
    "unit",
    "higher_is_better",  # true, false, or empty where neither is better
    "train_code",  # hashes: what trained the run,
    "score_code",  # what scored it,
    "config",  # its settings and budget,
    "data",  # and the dataset's files
]
HASHES = dict.fromkeys(COLUMNS[-4:], str)  # some are all digits


def rows_of(scores: dict) -> list[dict]:
    """The rows of one scores.json. Raises ValueError for a metric that is not in METRICS."""
    unknown = {row["metric"] for row in scores["rows"]} - set(METRICS)
    if unknown:
        raise ValueError(
            f"{scores['paper']} {scores['experiment']}: replications/core/metrics.py does not list "
            f"{', '.join(sorted(unknown))}; it has {', '.join(METRICS)}"
        )
    owner = {key: scores[key] for key in ("paper", "experiment", "run")}
    own = scores["hashes"]
    codes = {"train_code": scores["train"]["hashes"]["code"], "score_code": own["code"]}
    hashes = codes | {"config": own["config"], "data": own["data"]}
    return [
        owner
        | row
        | {"unit": METRICS[row["metric"]].unit}
        | {"higher_is_better": METRICS[row["metric"]].higher_is_better}
        | hashes
        for row in scores["rows"]
    ]


def collect(files: Sequence[Path], results: Path) -> pd.DataFrame:
    """Write `results`/scores.parquet and scores.csv from scores.json files; returns the table."""
    rows = [row for file in files for row in rows_of(json.loads(file.read_text()))]
    keys = ["paper", "experiment", "run", "metric", "layer", "step"]
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values(keys, ignore_index=True)
    table["higher_is_better"] = table["higher_is_better"].astype("boolean")
    results.mkdir(parents=True, exist_ok=True)
    table.to_parquet(results / "scores.parquet", index=False)
    write_atomically(results / "scores.csv", table.to_csv(index=False, float_format="%.6g"))
    return table


def read(path: Path) -> pd.DataFrame:
    """A long table from CSV. Raises ValueError if its columns are not those of a long table."""
    table = pd.read_csv(path, keep_default_na=False, na_values={"value": [""]}, dtype=HASHES)
    if list(table.columns) != COLUMNS:
        raise ValueError(f"{path}: columns are {list(table.columns)}, expected {COLUMNS}")
    return table


def last(table: pd.DataFrame) -> pd.DataFrame:
    """Of every metric of every run, the row of the largest step."""
    keys = ["paper", "experiment", "run", "metric", "layer"]
    return table.loc[table.groupby(keys)["step"].idxmax()]
