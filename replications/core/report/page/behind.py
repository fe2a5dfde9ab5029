"""What the page tells of the runs behind an experiment's numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Where some runs come from, in lines."""

    runs: tuple[int, ...]
    made: tuple[str, ...]  # hashes; commit, device and machine
    carried: tuple[str, ...]  # the changes of the code that their numbers outlived


@dataclass(frozen=True)
class Behind:
    """Runs of one experiment in one tier, and where they come from."""

    tier: str
    seeds: dict[int, dict[str, int]]  # by run and source
    seconds: dict[int, float]  # of training, by run, where it was recorded
    origins: tuple[Origin, ...]
    declared: str  # about how long a run takes, as the paper.yaml says: "12 min"
    again: str  # the command that makes them again
