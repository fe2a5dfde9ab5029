"""Snakemake in a copy of the project: what the workflow's tests share."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

IGNORED = (".git", ".venv", ".snakemake", "__pycache__", ".pytest_cache", ".hypothesis",
           ".ruff_cache")  # fmt: skip
KEPT = {"data": (), "results": ("reference",)}  # of folders at the top that git ignores
COMMAND = [sys.executable, "-m", "snakemake", "--cores", "all"]


def copy_of(source: Path, target: Path) -> Path:
    """A copy of the project without what git ignores and without its history."""
    everywhere = shutil.ignore_patterns(*IGNORED)

    def ignored(folder: str, names: list[str]) -> set[str]:
        top = os.path.relpath(folder, source)
        return everywhere(folder, names) | (set(names) - set(KEPT[top]) if top in KEPT else set())

    return shutil.copytree(source, target, ignore=ignored)


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Snakemake in `folder`, its output as text."""
    command = [*COMMAND, *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip


def ran(folder: Path, *arguments: str) -> str:
    """What Snakemake said of a run that ended well."""
    done = snakemake(folder, *arguments)
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def trained(runs: Path) -> dict[str, int]:
    """When each run below a folder was trained, by its directory."""
    return {str(p.parent.relative_to(runs)): p.stat().st_mtime_ns for p in runs.rglob("run.json")}


def planned(folder: Path, *arguments: str) -> dict[str, int]:
    """Rule -> number of jobs that a dry run announces."""
    out = snakemake(folder, "--dry-run", *arguments).stdout
    if "Nothing to be done" in out:
        return {}
    stats = out.split("Job stats:")[1].split("total")[0]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", stats, re.M)}


def edit(path: Path, old: str, new: str) -> None:
    """Replace one passage of a file, and fail if it is not there exactly once."""
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
