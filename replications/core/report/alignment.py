"""Alignment with the gradient as tables have it: a part for each matrix of weights."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def between_layers(parts: Iterable[str]) -> list[str]:
    """The weights from layer to layer, from the input up; not those of interneurons."""
    return sorted(part for part in parts if part.startswith("Wex") or part[1:].isdigit())


def halfway(rows: pd.DataFrame) -> dict[int, float]:
    """Of one experiment's rows of one metric: by run, the mean over hidden weights at half of it.

    The weights onto the outputs are left out: most rules have their gradient there.
    """
    hidden = between_layers(rows["part"].unique())[:-1]
    steps = sorted(rows["step"].unique(), key=lambda step: abs(step - rows["step"].max() / 2))
    at = rows[rows["part"].isin(hidden) & rows["step"].isin(steps[:1])]
    return at.groupby("run")["value"].mean().to_dict()
