"""The long table: every score of a tier, one row each."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from replications.core.base.errors import Damaged
from replications.core.base.files import read_json, write_atomically
from replications.core.base.scores import hashes_of
from replications.core.declare.metrics import Metric
from replications.core.declare.papers import Paper

COLUMNS = [
    "paper",
    "experiment",
    "run",
    "metric",
    "part",  # a layer, a sampler, a side of a curve; "" for the whole
    "step",  # epochs trained; the keys end here
    "value",
    "unit",
    "higher_is_better",  # true, false, or empty where neither is better
    "train",  # hashes, of code/settings: what trained the run,
    "score",  # what scored it;
    "data",  # of the dataset's files
]
KEYS = COLUMNS[:6]
HASHES = dict.fromkeys(COLUMNS[-3:], str)  # some are all digits


def rows_of(scores: dict, metrics: Mapping[str, Metric]) -> list[dict]:
    """The rows of one scores.json. Raises ValueError for a metric that its paper does not know."""
    unknown = {row["metric"] for row in scores["rows"]} - set(metrics)
    if unknown:
        raise ValueError(
            f"{scores['paper']} {scores['experiment']}: unknown metrics "
            f"{', '.join(sorted(unknown))}: declare them under metrics in "
            f"replications/{scores['paper']}/paper.yaml; known are {', '.join(metrics)}"
        )
    owner = {key: scores[key] for key in ("paper", "experiment", "run")}
    hashes = hashes_of(scores)
    return [
        owner
        | row
        | {"unit": metrics[row["metric"]].unit}
        | {"higher_is_better": metrics[row["metric"]].higher_is_better}
        | hashes
        for row in scores["rows"]
    ]


def long_table(files: Sequence[Path], papers: Mapping[str, Paper]) -> pd.DataFrame:
    """The long table of some scores.json files of papers."""
    contents = [read_json(file) for file in files]
    rows = [row for scores in contents for row in rows_of(scores, papers[scores["paper"]].metrics)]
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values(KEYS, ignore_index=True)
    return table.assign(higher_is_better=table["higher_is_better"].astype("boolean"))


def as_csv(table: pd.DataFrame) -> str:
    """A long table as it is written: six digits."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def collect(files: Sequence[Path], papers: Mapping[str, Paper], into: Path) -> pd.DataFrame:
    """Write `into`/scores.parquet and scores.csv from scores.json files; returns the table."""
    table = long_table(files, papers)
    into.mkdir(parents=True, exist_ok=True)
    write_atomically(into / "scores.parquet", table.to_parquet(index=False))
    write_atomically(into / "scores.csv", as_csv(table))
    return table


def read_scores(path: Path) -> pd.DataFrame:
    """A long table from the parquet that `collect` wrote. Raises Damaged if it cannot be read."""
    content = path.read_bytes()
    try:
        return pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:  # pyarrow's errors are among them
        raise Damaged(path) from error


def read_table(path: Path) -> pd.DataFrame:
    """A long table from CSV. Raises ValueError if its columns are not those of a long table."""
    table = pd.read_csv(path, keep_default_na=False, na_values={"value": [""]}, dtype=HASHES)
    if list(table.columns) != COLUMNS:
        raise ValueError(f"{path}: columns are {list(table.columns)}, expected {COLUMNS}")
    return table


def last(table: pd.DataFrame) -> pd.DataFrame:
    """Of every metric of every run, the row of the largest step."""
    if table.empty:  # which has no types to group by
        return table
    return table.loc[table.groupby(KEYS[:-1])["step"].idxmax()]
