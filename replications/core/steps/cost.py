"""What a finished tier cost: its jobs by their logs' last lines, and Snakemake itself.

Snakemake's own benchmark files sample a process now and then, and miss the processor time of its
last seconds; so each job writes its own. Start-up is what a job's process takes beside its runs:
starting Python, importing torch, reading the declarations. Of jobs that draw and tabulate it is
not measured, and counted as in the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from replications.core.base.files import read_json

SPENT = re.compile(r"^processor: ([\d.]+) s$", re.M)


@dataclass(frozen=True)
class Cost:
    """Seconds: of wall clock; of the processor, by what it was used for; idle, on all cores."""

    jobs: int
    wall: float
    runs: float
    start_up: float
    tables: float
    snakemake: float
    idle: float

    @property
    def processor(self) -> float:
        """Processor seconds of everything."""
        return self.runs + self.start_up + self.tables + self.snakemake

    @property
    def overhead(self) -> float:
        """Share of start-up and Snakemake in them."""
        return (self.start_up + self.snakemake) / self.processor


def cost(results: Path, tier: str) -> Cost:
    """The cost of the last workflow, which has to have run all of a tier.

    Raises ValueError, with what to do, where there is nothing to read.
    """
    folder = results / tier
    texts = {path: path.read_text(encoding="utf-8") for path in (folder / "logs").rglob("*.log")}
    seconds = {path: float(spent[-1]) for path, text in sorted(texts.items())
               if (spent := SPENT.findall(text))}  # fmt: skip
    running = {p: s for p, s in seconds.items() if p.relative_to(folder).parts[1] == "run"}
    whole = folder / "snakemake.json"
    if not running or not whole.exists():
        raise ValueError(f"{folder} tells no cost: run `snakemake --forceall {tier}` first")
    done = [run for path in sorted((folder / "done").rglob("*.json"))
            for run in read_json(path)]  # fmt: skip
    runs = sum(run["cpu_seconds"] for run in done)
    beside = max(0.0, sum(running.values()) - runs)  # measured apart, so that it may come out < 0
    each = beside / len(running)
    others = sum(seconds.values()) - sum(running.values())
    workflow = read_json(whole)
    used = runs + beside + others + workflow["cpu_seconds"]
    return Cost(
        jobs=len(seconds),
        wall=workflow["seconds"],
        runs=runs,
        start_up=each * len(seconds),
        tables=others - each * (len(seconds) - len(running)),
        snakemake=workflow["cpu_seconds"],
        idle=max(0.0, workflow["cores"] * workflow["seconds"] - used),
    )


def in_lines(found: Cost) -> str:
    """A cost in lines."""
    parts = {"training and scoring": found.runs, "start-up": found.start_up,
             "tables and figures": found.tables, "Snakemake": found.snakemake}  # fmt: skip
    lines = [f"{found.jobs} jobs in {found.wall:.0f} s; processor: {found.processor:.0f} s"]
    lines += [f"  {name:<20} {s:6.0f} s  {s / found.processor:4.0%}" for name, s in parts.items()]
    lines.append(f"start-up and Snakemake together {found.overhead:.0%}; idle {found.idle:.0f} s")
    return "\n".join(lines)
