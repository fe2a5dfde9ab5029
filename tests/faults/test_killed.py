"""Processes that are killed (SIGKILL) at random moments: the same command again completes."""

import random
import signal
import subprocess
from itertools import product

import psutil
import pytest

from replications.core.base.provenance import ROOT
from tests.faults.suite import contents, trained
from tests.workflow.runner import COMMAND, copy_of, ran

PAPERS = ("lillicrap2016", "xie2003")  # whose jobs take seconds, side by side
WORDS = (*PAPERS, "--config", "tier=smoke")


def trainings(workflow):
    """The processes that train and score, of a workflow that is at work."""
    return [child for child in workflow.children(recursive=True)
            if "run" in child.cmdline() and "-c" not in child.cmdline()]  # fmt: skip


def at_work(folder, runs, seconds):
    """A workflow that has finished some more runs, and some seconds later is still at work."""
    results = folder / "results/smoke/runs"
    before = len(trained(results))
    process = subprocess.Popen([*COMMAND, *WORDS], cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)  # fmt: skip
    while len(trained(results)) < before + runs or not trainings(psutil.Process(process.pid)):
        with pytest.raises(subprocess.TimeoutExpired):  # or else it ended too soon
            process.wait(0.05)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process


def kill(process, what):
    """Kill a training, Snakemake, or all processes of a workflow; returns what goes on alone."""
    workflow = psutil.Process(process.pid)
    found = trainings(workflow)
    killed = {"a training": found[:1], "Snakemake": [workflow],
              "both": [workflow, *workflow.children(recursive=True)]}[what]  # fmt: skip
    for each in killed:
        each.kill()
    out, _ = process.communicate()
    assert process.returncode == (1 if what == "a training" else -signal.SIGKILL), out[-2000:]
    return [each for each in found if each not in killed]


@pytest.mark.parametrize("killed", [("both", "both", "Snakemake"), ("a training",)], ids=" ".join)
def test_the_same_command_completes_after_any_of_them_was_killed(finished, tmp_path, killed):
    folder, drawn = copy_of(ROOT, tmp_path / "project"), random.Random(18)
    results = folder / "results/smoke"
    kept, alone = {}, []
    for what in killed:
        process = at_work(folder, drawn.randrange(4), drawn.random())
        kept = trained(results) | kept
        alone += kill(process, what)
    ran(folder, *WORDS)
    psutil.wait_procs(alone)
    after = trained(results)
    assert {name: after[name] for name in kept} == kept, "a finished run was trained again"
    for part, paper in product(("runs", "papers", "figures"), PAPERS):
        ours, theirs = (f / part / paper for f in (results, finished / "results/smoke"))
        assert contents(ours) == contents(theirs)
