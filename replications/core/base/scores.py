"""One score, and scores.json, which scoring writes and tables and checks read."""

from __future__ import annotations

import math
from dataclasses import dataclass

FORMAT = 3  # of run directories: one that was written otherwise is made again


@dataclass(frozen=True)
class Score:
    """One number of a run: `metric`, of a `part` of what was run, at a `step`.

    The part is a layer, a sampler, a side of a curve, or "" for the whole; the step counts epochs.
    Raises ValueError if the value is not finite: no such number reaches a table.
    """

    metric: str
    value: float
    part: str = ""
    step: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))
        if not math.isfinite(self.value):
            raise ValueError(
                f"{self.metric} {self.part} at step {self.step} is {self.value}: this run has no "
                "score"
            )


def maker(hashes: dict[str, str]) -> str:
    """What made the results of a step, by its hashes: "<code>/<settings>"."""
    return f"{hashes['code']}/{hashes['config']}"


def hashes_of(scores: dict) -> dict[str, str]:
    """The hashes of a scores.json, by column."""
    own, trained = scores["hashes"], scores["train"]["hashes"]
    return {"train": maker(trained), "score": maker(own), "data": own["data"]}
