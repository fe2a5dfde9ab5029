"""Run directories: one per run, and nothing in them that the run did not make.

parameters.safetensors   tensors by name: "<epoch>/<parameter>" for every snapshot kept
curves.csv               what was monitored in training: step, metric, part, value
run.json                 provenance: configuration, seeds, hashes, versions, device, cost, files
scores.json, arrays.npz  what scoring made of it
checkpoint.safetensors   only while a training is unfinished
"""

from __future__ import annotations

import logging
import re
import resource
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from replications.core.base.errors import Damaged
from replications.core.base.files import locked, read_json
from replications.core.base.provenance import environment, git_commit
from replications.core.base.scores import maker
from replications.core.data.catalogue import sha256_of
from replications.core.run.seeds import SOURCES, seed

if TYPE_CHECKING:
    from replications.core.base.carried import Carried
    from replications.core.declare.experiments import Experiment

logger = logging.getLogger(__name__)

TRAINED = ("curves.csv", "parameters.safetensors")
RESULTS = ("run.json", *TRAINED)  # run.json stands for the rest


def epoch_after(share: float, epochs: int) -> int:
    """After which of the `epochs` a share of them is done, at least one."""
    return max(1, round(share * epochs))


@dataclass(frozen=True)
class Run:
    """One run: an experiment as its tier resolves it, a run index and where the run lives."""

    experiment: Experiment
    tier: str
    index: int
    directory: Path
    data: Path
    device: str = "cpu"
    threads: int = 1
    hashes: dict[str, str] = field(default_factory=dict)
    images: tuple[int, int] | None = None  # a probe's: training images, and others, that it keeps
    carried: Carried | None = None  # what is as good as made by today's code

    def seed(self, source: str) -> int:
        """Seed in [0, 2^63) of one source of randomness, such as "order" or "evaluation"."""
        return seed(self.experiment.paper, self.experiment.name, self.index, source)

    def accepts(self, hashes: dict[str, str], step: str) -> bool:
        """Whether what has these hashes is what `step` of this run would make today."""
        made = maker(hashes)
        if self.carried:
            key = (self.experiment.paper, self.experiment.name, self.tier, step)
            made = self.carried.end(key, made)
        others = ("data", "format")
        same = all(hashes.get(name) == self.hashes.get(name) for name in others)
        return same and made == maker(self.hashes)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the directory's lock; the kernel lets it go even if the process is killed.

        Waits while another process holds it, and says so.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.directory / ".lock", wait=False))
            except BlockingIOError:
                logger.info("%s is being written by another process: waiting", self.directory)
                stack.enter_context(locked(self.directory / ".lock", wait=True))
            for part in self.directory.glob(".*.part"):  # what a killed writer left half-written
                part.unlink()
            yield

    def forget(self) -> None:
        """Remove the results of an earlier run, which would pass for those of the one to come."""
        for name in RESULTS:
            (self.directory / name).unlink(missing_ok=True)

    def provenance(self, *, seconds: float) -> dict:
        """All that is needed to run this run again, and what it cost (s, MB)."""
        return {
            "paper": self.experiment.paper,
            "experiment": self.experiment.name,
            "tier": self.tier,
            "run": self.index,
            "config": self.experiment.resolved,
            "share": self.experiment.share,
            "hashes": self.hashes,
            "files": digests(self.directory, TRAINED),
            "seeds": {s: self.seed(s) for s in SOURCES},
            "device": self.device,
            "threads": self.threads,
            "commit": git_commit(),
            "environment": environment(),
            "seconds": round(seconds, 1),
            "peak_memory_mb": peak_memory_mb(),
        }


def digests(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of those of a run's files that are there, by name."""
    return {name: sha256_of(directory / name) for name in names if (directory / name).exists()}


def as_written(directory: Path, told: dict) -> bool:
    """Whether the files that a run.json or scores.json tells of are still the same."""
    files = told.get("files", {})  # none in what another version wrote
    return digests(directory, files) == files


def whole(directory: Path) -> bool:
    """Whether all files of a finished run are as they were written."""
    try:
        told = [read_json(directory / name) for name in ("run.json", "scores.json")]
    except (FileNotFoundError, Damaged):
        return False
    return all(as_written(directory, each) for each in told)


def peak_memory_mb() -> int:
    """The largest resident size of this process so far, in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux; there getrusage starts from the parent's peak
        (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
        return round(int(kilobytes) * 1024 / 1e6)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)  # macOS: bytes


def directory(results: Path, tier: str, paper: str, experiment: str, index: int) -> Path:
    """Where a run lives: results/<tier>/runs/<paper>/<experiment>/<index>."""
    return results / tier / "runs" / paper / experiment / str(index)
