"""One line about a running workflow: done of all, failed, what runs now, about how long it takes.

Snakemake's own words are read as it says them; its log below .snakemake/log keeps them all. On a
terminal the line lives; elsewhere there is one for every job that ends, without control characters.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from shutil import get_terminal_size
from typing import TextIO

from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import suite

STARTED = re.compile(r"^(?:local)?rule (\w+):")
JOB = re.compile(r"^ +jobid: (\d+)")
ENDED = re.compile(r"^Finished jobid: (\d+)")
FAILED = re.compile(r"^Error in rule (\w+):")
COUNTED = re.compile(r"^(\w+) +(\d+)$")
LEAST = 4.0  # seconds that any job is expected to take: starting Python and torch
KEPT = 60  # of Snakemake's last lines, shown where it fails


def expected() -> dict[str, float]:
    """Seconds that the jobs that train and score are declared to take, by rule."""
    found: dict[str, float] = {}
    for paper in suite().papers.values():
        for tier in TIERS:
            whole = 0.0
            for e in paper.experiments(tier):
                seconds = 60 * e.minutes * e.share
                found[f"run_{tier}_{paper.name}_{e.name}"] = LEAST + seconds
                whole += seconds
            found[f"run_{tier}_{paper.name}"] = LEAST + whole
    return found


@dataclass
class Workflow:
    """What Snakemake has said so far; costs are declared seconds by rule."""

    costs: Mapping[str, float]
    planned: dict[str, int] = field(default_factory=dict)
    running: dict[int, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    starting: str = ""

    def read(self, line: str) -> bool:
        """Take in one line; whether a job has ended by it."""
        if found := STARTED.match(line):
            self.starting = found[1]
        elif (found := JOB.match(line)) and self.starting:
            self.running[int(found[1])] = self.starting
            self.starting = ""
        elif found := ENDED.match(line):
            self.done.append(self.running.pop(int(found[1]), ""))
            return True
        elif found := FAILED.match(line):
            self.starting = ""
            self.failed.append(found[1])
            self.running = {job: rule for job, rule in self.running.items() if rule != found[1]}
            return True
        elif (found := COUNTED.match(line)) and found[1] != "total" and not self.done:
            self.planned[found[1]] = int(found[2])
        return False

    def cost(self, rules: Iterable[str]) -> float:
        """Declared seconds of some rules."""
        return sum(self.costs.get(rule, LEAST) for rule in rules)

    def left(self, seconds: float) -> float | None:
        """About how many seconds are left, at the pace so far; None before the first job ends."""
        ended = self.cost(self.done + self.failed)
        whole = sum(count * self.cost([rule]) for rule, count in self.planned.items())
        return seconds * max(0.0, whole - ended) / ended if ended else None

    def told(self, seconds: float) -> str:
        """The line."""
        jobs = sum(self.planned.values())
        parts = [f"{len(self.done)} of {jobs} done"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed ({', '.join(self.failed)})")
        left = self.left(seconds)
        if self.running:
            parts.append(
                "now " + ", ".join(rule.replace("_", " ") for rule in self.running.values())
            )
        if left is not None and len(self.done) < jobs:
            parts.append(f"about {duration(left)} left")
        return "; ".join(parts)


def duration(seconds: float) -> str:
    """ "40 s", "12 min", "3 h"."""
    if seconds < 90:
        return f"{10 * round(seconds / 10 + 0.5):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def follow(
    command: Sequence[str], costs: Mapping[str, float], out: TextIO = sys.stderr,
    clock: Callable[[], float] = time.monotonic,
) -> int:  # fmt: skip
    """Run Snakemake and tell about it in one line; returns its exit status.

    Where it fails, its last lines are shown.
    """
    workflow = Workflow(costs)
    last: deque[str] = deque(maxlen=KEPT)
    lives, started = out.isatty(), clock()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               encoding="utf-8", errors="replace")  # fmt: skip
    assert process.stdout, "it is a pipe"
    try:
        for line in process.stdout:
            last.append(line)
            ended = workflow.read(line)
            if workflow.planned and (ended or lives):
                show(workflow.told(clock() - started), out, lives)
        status = process.wait()
    except KeyboardInterrupt:  # Snakemake was told as well: its jobs stop at a checkpoint
        status = process.wait()
    if lives:
        out.write("\n")
    if status:
        out.writelines(last)
    return status


def show(line: str, out: TextIO, lives: bool) -> None:
    """A line of its own, or, on a terminal, in the place of the one before."""
    if lives:
        width = get_terminal_size().columns - 1
        out.write(f"\r{line[:width]:<{width}}")
    else:
        out.write(f"{line}\n")
    out.flush()
