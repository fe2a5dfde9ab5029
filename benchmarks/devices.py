"""What a training step costs on one thread of the processor and on the GPU: a Markdown table.

    python -m benchmarks.devices [PAPER ...]

Every experiment of the paper tier that trains from minibatches, with its network, batch and
optimiser; the first images of its dataset, kept on the device as in a training. The two devices
take turns. Needs a GPU and the datasets (`make` fetches them).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch

from replications.core.declare.experiments import Experiment
from replications.core.declare.papers import suite
from replications.core.run.device import choose
from replications.core.run.runs import Run
from replications.core.train import learning_rule, model

TASKS = {"learning_rule": learning_rule.Classification, "model": model.Generation}
IMAGES = 1000  # training images that are kept
WARM_UP, TURNS = 2, 3
SECONDS = 0.15  # of one device's turn


def experiments(papers: list[str]) -> Iterator[Experiment]:
    """Those of the paper tier that train from minibatches."""
    for paper in papers or suite().papers:
        for experiment in suite().paper(paper).experiments("paper"):
            if experiment.kind in TASKS:
                yield experiment


def task_on(device: str, experiment: Experiment, directory: Path, data: Path):
    """The training of an experiment on its first images, on a device."""
    budget = experiment.resolved["budget"]
    short = {"budget": budget | {"examples": min(IMAGES, budget["examples"])}}
    cut = replace(experiment, resolved=experiment.resolved | short)
    run = Run(cut, "paper", 0, directory, data, device, images=(IMAGES, 100))
    return TASKS[experiment.kind](run)


def turn(task, device: str, steps: int) -> float:
    """Seconds of so many steps."""
    if device != "cpu":
        torch.cuda.synchronize()
    started = time.perf_counter()
    for k in range(steps):
        task.step(0, k % task.steps)
    if device != "cpu":
        torch.cuda.synchronize()
    return (time.perf_counter() - started) / steps


def compared(experiment: Experiment, devices: list[str], data: Path) -> list[float]:
    """Seconds of a step on each of the devices: the median of their turns."""
    with TemporaryDirectory() as directory:
        tasks = [task_on(device, experiment, Path(directory), data) for device in devices]
    steps = []
    for task, device in zip(tasks, devices, strict=True):
        once = turn(task, device, WARM_UP)
        steps.append(max(1, round(SECONDS / once)))
    turns = [[turn(*one) for one in zip(tasks, devices, steps, strict=True)] for _ in range(TURNS)]
    return [median(seconds) for seconds in zip(*turns, strict=True)]


@torch.no_grad()
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", nargs="*", metavar="PAPER")
    parser.add_argument("--data", type=Path, default=Path("data"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    devices = ["cpu", choose("cuda")]
    print("| paper | experiment | batch | steps per second, one thread | GPU | ratio |")
    print("|---|---|---|---|---|---|")
    for experiment in experiments(asked.papers):
        cpu, gpu = compared(experiment, devices, asked.data)
        batch = experiment.resolved["training"]["batch"]
        speeds = f"{1 / cpu:.3g} | {1 / gpu:.3g} | {cpu / gpu:.2g}"
        print(f"| {experiment.paper} | {experiment.label} | {batch} | {speeds} |", flush=True)


if __name__ == "__main__":
    main()
