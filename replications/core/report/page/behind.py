"""What the page tells of the runs behind an experiment's numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Behind:
    """Runs of one experiment in one tier, and where they come from."""

    tier: str
    seeds: dict[int, dict[str, int]]  # by run and source
    seconds: dict[int, float]  # of training, by run, where it was recorded
    origins: dict[tuple[str, ...], list[int]]  # lines of hashes, commit, machine -> runs
    again: str  # the command that makes them again

    @property
    def cost(self) -> str:
        """What training a run took, as text: "4 to 6 s"; "" where it was not recorded."""
        if not self.seconds:
            return ""
        ends = dict.fromkeys(f"{s:.3g}" for s in (min(self.seconds.values()),
                                                   max(self.seconds.values())))  # fmt: skip
        return f"{' to '.join(ends)} s"
