"""carried.csv: which code and settings lead to which, as no number changed between the two.

A stored score belongs to what made it, by hashes "<code>/<settings>" (base/scores.py: maker).
`python -m replications carry` adds a line for every step that it shows to compute the same: what
leads to today's hashes is as good as made by them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

import pandas as pd

from replications.core.base.files import write_atomically

Key = tuple[str, str, str, str]  # paper, experiment, tier, step
HEAD = ["paper", "experiment", "tier", "step", "from", "to", "revision", "probe", "equal"]


EXACT, WITHIN = "bit for bit", "within tolerance"  # how equal the short runs were


@dataclass(frozen=True)
class Line:
    """One line of carried.csv: what made a step's results, `old`, leads to `new`."""

    paper: str
    experiment: str
    tier: str
    step: str
    old: str  # "from" in the file
    new: str  # "to"
    revision: str  # the commit whose code and settings are `old`
    probe: str  # how far the short run went
    equal: str  # EXACT or WITHIN

    @property
    def key(self) -> Key:
        return self.paper, self.experiment, self.tier, self.step


class Carried:
    """The lines of carried.csv. Raises ValueError for a file that cannot be right."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[Line] = []
        if path.exists():
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            if list(table.columns) != HEAD:
                raise ValueError(
                    f"{path}: columns are {list(table.columns)}, expected {HEAD}: "
                    f"take the file of the last commit (git checkout {path.name})"
                )
            self.lines = [Line(*row) for row in table.itertuples(index=False)]
        self.edges = {(line.key, line.old): line for line in self.lines}
        if len(self.edges) < len(self.lines):
            raise ValueError(f"{path}: one hash leads to two: keep the line that was added last")
        for line in self.lines:
            self.path_from(line.key, line.old)

    def path_from(self, key: Key, old: str) -> list[Line]:
        """The lines that lead on from a hash, in order. Raises ValueError if they go in a loop."""
        found: list[Line] = []
        at = old
        while (key, at) in self.edges:
            found.append(self.edges[key, at])
            at = found[-1].new
            if len(found) > len(self.lines):
                raise ValueError(
                    f"{self.path}: {' '.join(key)}: {old} leads round in a loop: remove the line "
                    "that should not be there, or take the file of the last commit"
                )
        return found

    def end(self, key: Key, old: str) -> str:
        """The hash that `old` leads to in the end: itself, if nothing was carried."""
        path = self.path_from(key, old)
        return path[-1].new if path else old

    def add(self, lines: Iterable[Line]) -> None:
        """Write more lines. A line from today's hash is dropped: what it led to is of the past."""
        new = list(lines)
        today = {(line.key, line.new) for line in new}
        replaced = {(line.key, line.old) for line in new}
        kept = [n for n in self.lines if (n.key, n.old) not in today | replaced]
        self._write(kept + new)

    def keep(self, key: Key, starts: Iterable[str]) -> None:
        """Of one step only the lines that lead on from `starts`: no other result is left."""
        used = {line for start in starts for line in self.path_from(key, start)}
        kept = [line for line in self.lines if line.key != key or line in used]
        if len(kept) < len(self.lines):
            self.lines = kept
            self._write(kept)

    def _write(self, lines: list[Line]) -> None:
        table = pd.DataFrame(map(astuple, lines), columns=HEAD)
        table = table.sort_values(HEAD[:4], kind="stable")
        write_atomically(self.path, table.to_csv(index=False, lineterminator="\n"))
