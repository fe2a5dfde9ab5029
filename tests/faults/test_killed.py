"""Processes that are killed (SIGKILL) at random moments: the same command again completes."""

import random
import signal
import subprocess
from contextlib import suppress
from itertools import product

import psutil
import pytest

from replications.core.base.provenance import ROOT
from tests.faults.suite import contents
from tests.workflow.runner import COMMAND, copy_of, ran, trained

PAPERS = ("lillicrap2016", "xie2003")  # whose jobs take seconds, side by side
WORDS = (*PAPERS, "--config", "tier=smoke")


def trainings(workflow):
    """The processes that train and score, of a workflow that is at work."""
    return [child for child in workflow.children(recursive=True) if trains(child)]


def trains(process):
    """Whether it is a `python -m replications run`, and not the shell that called it."""
    with suppress(psutil.NoSuchProcess):  # or has just ended
        words = process.cmdline()
        return "run" in words and "-c" not in words
    return False


def at_work(folder, told, runs, seconds):
    """A workflow that has finished some more runs, and some seconds later is still training."""
    results = folder / "results/smoke/runs"
    before = len(trained(results))
    process = subprocess.Popen([*COMMAND, *WORDS], cwd=folder, stdout=told, stderr=told)
    wait = 0.05
    while True:
        with pytest.raises(subprocess.TimeoutExpired):  # or else it ended too soon
            process.wait(wait)
        if len(trained(results)) >= before + runs and trainings(psutil.Process(process.pid)):
            if wait == seconds:
                return process
            wait = seconds


def kill(process, what):
    """Kill a training, Snakemake, or all processes of a workflow; returns what goes on alone."""
    workflow = psutil.Process(process.pid)
    found = trainings(workflow)
    killed = {"a training": found[:1], "Snakemake": [workflow],
              "both": [workflow, *workflow.children(recursive=True)]}[what]  # fmt: skip
    for each in killed:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    assert process.wait() == (1 if what == "a training" else -signal.SIGKILL)
    return [each for each in found if each not in killed]


@pytest.mark.parametrize("killed", [("both", "both", "Snakemake"), ("a training",)], ids=" ".join)
def test_the_same_command_completes_after_any_of_them_was_killed(finished, tmp_path, killed):
    folder, drawn = copy_of(ROOT, tmp_path / "project"), random.Random(18)
    results, kept, alone = folder / "results/smoke", {}, []
    for what in killed:
        with open(tmp_path / "told", "a") as told:
            process = at_work(folder, told, drawn.randrange(4), drawn.uniform(0.1, 1))
            kept = trained(results / "runs") | kept
            alone += kill(process, what)
    assert any(each.is_running() for each in alone) == ("Snakemake" in killed)
    ran(folder, *WORDS)
    psutil.wait_procs(alone)
    after = trained(results / "runs")
    assert {name: after[name] for name in kept} == kept, "a finished run was trained again"
    for part, paper in product(("runs", "papers", "figures"), PAPERS):
        ours, theirs = (f / part / paper for f in (results, finished / "results/smoke"))
        assert contents(ours) == contents(theirs)
