"""One paper's smoke tier by the suite's commands, and what it leaves."""

import json
from pathlib import Path

from replications.__main__ import main

PAPER = "akrout2019"  # whose smoke tier takes a second, and keeps arrays beside scores
RUNS = ("--tier", "smoke", "--runs", "0", "1")
# What no two runs share; `files` has the digest of run.json, which tells of times.
TIMES = {"seconds", "cpu_seconds", "peak_memory_mb", "files"}


def call(results: Path, *words: str) -> int:
    """What a command of `python -m replications` returns, its results in a folder of their own."""
    return main(["--results", str(results), "--data", str(results.parent / "data"), *words])


def run(results: Path) -> int:
    """Train and score what is not up to date; in the same place as the workflow does."""
    done = results / "smoke" / "done" / f"{PAPER}.json"
    return call(results, "run", PAPER, *RUNS, "--done", str(done), "--device", "cpu")


def report(results: Path) -> int:
    """The paper's tables and figures."""
    return call(results, "report", PAPER, *RUNS)


def untimed(told):
    """Of JSON all but what no two runs share."""
    if isinstance(told, list):
        return [untimed(each) for each in told]
    if isinstance(told, dict):
        return {key: untimed(value) for key, value in told.items() if key not in TIMES}
    return told


def contents(folder: Path) -> dict[str, object]:
    """Every file below a folder by its name, but hidden ones; of JSON what is not timed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            content = path.read_bytes()
            found[str(name)] = untimed(json.loads(content)) if path.suffix == ".json" else content
    return found
