"""The workflow through Slurm: the same results as without it, also where a job is cancelled.

    python -m tests.cluster.slurm [PAPER ...]

Runs the smoke tier of all papers, or of some, here and on a Slurm of one node, which it starts and
stops; then one paper again, whose job it cancels. Needs root, Debian's slurm-wlm and munge, and
snakemake-executor-plugin-slurm.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from replications.core.base.provenance import ROOT
from replications.core.declare.papers import suite
from tests.faults.suite import contents
from tests.workflow.runner import COMMAND, copy_of, ran, trained

NODE = Path(__file__).with_name("one_node.sh")
THROUGH = ["--profile", "profiles/slurm", "--slurm-no-account", "--slurm-status-command", "squeue",
           "--slurm-init-seconds-before-status-checks", "5"]  # fmt: skip
CANCELLED = "scellier2017"  # a paper whose job takes a while


@contextmanager
def one_node() -> Iterator[None]:
    """A Slurm that sbatch and squeue reach."""
    with TemporaryDirectory() as folder:
        try:
            subprocess.run([NODE, "start", folder], check=True)
            yield
        finally:
            subprocess.run([NODE, "stop", folder], check=True)


def of_tier(papers: list[str]) -> list[str]:
    """The arguments that ask for some papers' smoke tier."""
    return [*papers, "--config", "tier=smoke"]


def same(ours: Path, theirs: Path, papers: list[str]) -> None:
    """Fail unless runs, tables and figures are the same."""
    for part, paper in product(("runs", "papers", "figures"), papers):
        one, two = (contents(f / "results/smoke" / part / paper) for f in (ours, theirs))
        assert one and one == two, f"{part} of {paper} differ"


def cancelled(folder: Path, paper: str) -> None:
    """A workflow through Slurm whose training job is cancelled once it has finished some runs."""
    command = [*COMMAND, *of_tier([paper]), *THROUGH]
    runs = folder / "results/smoke/runs" / paper
    with open(folder / "told", "w") as told:
        process = subprocess.Popen(command, cwd=folder, stdout=told, stderr=subprocess.STDOUT)
        while len(trained(runs)) < 3:
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError((folder / "told").read_text()[-3000:])
        before = trained(runs)
        subprocess.run(["scancel", "--me"], check=True)
        process.wait()
    text = (folder / "told").read_text()
    assert process.returncode == 0 and "Trying to restart job" in text, text[-3000:]
    after = trained(runs)
    assert {name: after[name] for name in before} == before, "a finished run was trained again"


def main(papers: list[str]) -> None:
    """Run it all; an AssertionError says what was not the same."""
    with TemporaryDirectory() as base, one_node():
        here, there, again = (copy_of(ROOT, Path(base, n)) for n in ("here", "there", "again"))
        ran(here, *of_tier(papers))
        ran(there, *of_tier(papers), *THROUGH)
        same(here, there, papers)
        print(f"{len(papers)} papers: the same results through Slurm")
        cancelled(again, CANCELLED)
        ran(here, *of_tier([CANCELLED]))
        same(here, again, [CANCELLED])
        print(f"{CANCELLED}: the same results where a job was cancelled")


if __name__ == "__main__":
    main(sys.argv[1:] or suite().names)
