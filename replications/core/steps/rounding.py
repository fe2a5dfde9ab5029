"""How far rounding alone moves every score of the smoke tier, on one machine.

The tier is run again and again, each time by one variant: with its initial numbers moved by one
unit in the last place (weights; of a simulation the settings; of the classifier that samples are
compared by, its images), or with the instructions of another processor. Nothing else changes, so
what a score does then is its spread under rounding.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

from replications.core.base.provenance import PACKAGE, ROOT
from replications.core.data.catalogue import data_hash
from replications.core.data.datasets import load
from replications.core.declare.experiments import Experiment
from replications.core.declare.papers import suite
from replications.core.report.tables import collect
from replications.core.run.runs import Run, directory
from replications.core.score.estimators import classifier
from replications.core.train import learning_rule, loop, model, simulation

logger = logging.getLogger(__name__)

TIER, RUNS = "smoke", 2
DRAWS = 8
TASKS: dict[str, Callable[[Run], loop.Task]] = {
    "learning_rule": learning_rule.Classification,
    "model": model.Generation,
}
TRIES = 20  # of moving settings; one unit may take them out of what a simulation allows


@dataclass(frozen=True)
class Variant:
    """One way to run the tier.

    Initial numbers moved by draw `draw` (0: not at all), on `threads` threads, with `environment`
    set before any library is imported.
    """

    name: str
    draw: int = 0
    threads: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)


# Of torch's own kernels, of MKL and of numpy's OpenBLAS: the instructions of older processors. What
# the machine does not have, or a library does not know, it leaves as it is.
IMITATED = {
    "sse": {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
            "OPENBLAS_CORETYPE": "Nehalem"},
    "avx": {"MKL_ENABLE_INSTRUCTIONS": "AVX", "OPENBLAS_CORETYPE": "Sandybridge"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
             "OPENBLAS_CORETYPE": "Haswell"},
    "compatible": {"MKL_CBWR": "COMPATIBLE"},
}  # fmt: skip
AS_IT_IS = Variant("as it is")
VARIANTS = (
    *(Variant(f"draw {n}", draw=n) for n in range(1, DRAWS + 1)),
    *(Variant(name, environment=environment) for name, environment in IMITATED.items()),
    Variant("two threads", threads=2),
)


def nudged(tensor: Tensor, source: torch.Generator) -> Tensor:
    """Every number of a tensor moved by one unit in the last place, up or down; 0 stays 0."""
    up = torch.rand(tensor.shape, generator=source) < 0.5
    towards = torch.where(up, torch.inf, -torch.inf).to(tensor)
    return torch.where(tensor == 0, tensor, torch.nextafter(tensor, towards))


def moved_settings(value: object, source: torch.Generator) -> object:
    """Settings with every number that is not whole moved by one unit in the last place."""
    if isinstance(value, Mapping):
        return {key: moved_settings(v, source) for key, v in value.items()}
    if isinstance(value, list):
        return [moved_settings(v, source) for v in value]
    if isinstance(value, float):
        return float(nudged(torch.tensor(value, dtype=torch.float64), source))
    return value


def train_moved(run: Run, draw: int) -> None:
    """Train a run as the suite does, from initial numbers that a draw has moved."""
    source = torch.Generator().manual_seed(draw)
    if draw == 0:
        import_module(f"{PACKAGE}.core.train.{run.experiment.kind}").train(run)
    elif run.experiment.kind == "simulation":
        simulate(run, source)
    else:
        descend(run, source)


@torch.no_grad()
def descend(run: Run, source: torch.Generator) -> None:
    """A training from initial parameters that are moved."""
    task = TASKS[run.experiment.kind](run)
    for parameter in task.parameters.values():
        if parameter.is_floating_point():
            parameter.copy_(nudged(parameter, source))
    loop.run_epochs(task, run, epochs=run.experiment.resolved["budget"]["epochs"])


def simulate(run: Run, source: torch.Generator) -> None:
    """A simulation with settings moved, drawn again where it does not allow them."""
    resolved = run.experiment.resolved
    for left in reversed(range(TRIES)):
        settings = moved_settings(resolved["settings"], source)
        near = replace(run.experiment, resolved=resolved | {"settings": settings})
        try:
            return simulation.train(replace(run, experiment=near))
        except ValueError:
            if not left:
                raise


def measure(variant: Variant, into: Path, papers: Sequence[str]) -> None:
    """Run some papers' tier, or that of all, by one variant.

    Its long table is <into>/scores.csv and .parquet.
    """
    torch.set_num_threads(variant.threads)
    data, files = into / "data", []
    images = load("digits", data)
    if variant.draw:
        source = torch.Generator().manual_seed(variant.draw)
        inputs = nudged(images.train.inputs, source)
        images = replace(images, train=replace(images.train, inputs=inputs))
    classifier.store_classifier(images, classifier.path("digits", data))
    selected = suite().select(list(papers) or "all")
    for paper in selected.values():
        for experiment in paper.experiments(TIER):
            files += [run_once(experiment, index, variant, into) for index in range(RUNS)]
    collect(files, selected, into)


def run_once(experiment: Experiment, index: int, variant: Variant, into: Path) -> Path:
    """Train and score one run, if it has not been; returns its scores.json."""
    hashes = experiment.hashes("score") | {"data": data_hash(experiment.data)}
    folder = directory(into, TIER, experiment.paper, experiment.name, index)
    run = Run(experiment, TIER, index, folder, into / "data", "cpu", variant.threads, hashes)
    with run.writing():
        if not (folder / "scores.json").exists():
            train_moved(run, variant.draw)
            import_module(f"{PACKAGE}.core.score.{experiment.kind}").score(run)
    return folder / "scores.json"


def measured_variants(folder: Path, papers: Sequence[str], *, workers: int) -> dict[str, Path]:
    """Run every variant that is not in `folder` yet; returns the long table of each, by name.

    Of some papers, or of all. One on each worker; what takes several threads runs alone. Raises
    ValueError, with the end of its log, for one that fails.
    """
    every = (AS_IT_IS, *VARIANTS)
    with ThreadPoolExecutor(workers) as pool:
        list(
            pool.map(lambda v: run_variant(v, folder, papers), [v for v in every if v.threads == 1])
        )
    for variant in every:
        run_variant(variant, folder, papers)
    return {v.name: folder / v.name.replace(" ", "_") / "scores.parquet" for v in every}


def run_variant(variant: Variant, folder: Path, papers: Sequence[str]) -> None:
    """One variant in a process of its own, if it has not been run."""
    into = folder / variant.name.replace(" ", "_")
    if (into / "scores.parquet").exists():
        return
    logger.info("%s: the smoke tier once more", variant.name)
    into.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", PACKAGE, "--log", str(into / "log"), "variant", variant.name,
               str(into), *papers, "--threads", str(variant.threads)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **variant.environment},
                          stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                          check=False)  # fmt: skip
    if done.returncode:
        raise ValueError(
            f"{variant.name} failed:\n{(into / 'log').read_text(encoding='utf-8')[-2000:]}"
        )
