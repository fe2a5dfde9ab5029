"""A short run of an experiment, and every number it leaves: what two revisions are compared by.

The experiment keeps its own configuration, seeds and code; only what it costs is cut. So two
revisions whose short runs agree bit for bit compute the same, as far as the short run goes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from replications.core.base.arrays import read_arrays
from replications.core.base.files import read_json
from replications.core.base.hashes import digest
from replications.core.base.provenance import PACKAGE
from replications.core.data.catalogue import CATALOGUE, data_hash
from replications.core.declare.experiments import TIERS, Experiment
from replications.core.declare.papers import suite
from replications.core.run.build import images_of
from replications.core.run.runs import Run
from replications.core.score.estimators import classifier

logger = logging.getLogger(__name__)

EPOCHS, BATCHES = 2, 2  # of training: every sweep, the end of an epoch and the start of the next
COUNT = 6  # the largest whole number of an evaluation (samples, ...); neighbours are 5
IMAGES = (1000, 100)  # of the training set; of the validation and of the test set


def shortened(experiment: Experiment) -> Experiment:
    """The experiment at a budget of seconds: all else that it depends on stays as it is.

    A simulation gets the smallest budget of its tiers.
    """
    resolved = experiment.resolved
    if experiment.kind == "simulation":
        declared = suite().paper(experiment.paper).declared
        tiers = declared["experiments"][experiment.name]["tiers"].values()
        budget = {key: min(t["budget"][key] for t in tiers) for key in resolved["budget"]}
    else:
        most = {"epochs": EPOCHS, "examples": BATCHES * resolved["training"]["batch"]}
        budget = {key: min(most[key], value) for key, value in resolved["budget"].items()}
    short: dict[str, Any] = {"budget": budget}
    if "evaluation" in resolved:
        # An alignment costs little, and has the few validation images that a short run keeps.
        whole = {k: v for k, v in resolved["evaluation"].items() if k == "alignment"}
        short["evaluation"] = at_most(resolved["evaluation"], COUNT) | whole
    return replace(experiment, resolved=resolved | short)


def at_most(value: Any, limit: int) -> Any:
    """`value` with every whole number in it cut to `limit`."""
    if isinstance(value, Mapping):
        return {key: at_most(v, limit) for key, v in value.items()}
    if isinstance(value, list):
        return [at_most(v, limit) for v in value]
    whole = isinstance(value, int) and not isinstance(value, bool)
    return min(value, limit) if whole else value


def reach(experiment: Experiment) -> str:
    """How far the short run goes, in words: "2 epochs of 60 examples", "pairs 20000"."""
    budget = shortened(experiment).resolved["budget"]
    if experiment.kind == "simulation":
        return ", ".join(f"{key} {value}" for key, value in budget.items())
    return f"{budget['epochs']} epochs of {budget['examples']} examples"


def probe(experiments: list[Experiment], data: Path, into: Path) -> None:
    """Run each experiment shortly: its numbers go to <into>/<paper>/<experiment>/<tier>.safetensors

    or, where it fails, what it says to <tier>.error. Equal short runs are run once.
    """
    done: dict[str, Path] = {}
    with TemporaryDirectory() as work:
        own = Path(work) / "data"  # the datasets as they are, and classifiers of few images
        own.mkdir()
        for dataset in CATALOGUE:
            (own / dataset).symlink_to((data / dataset).resolve())
        for experiment in experiments:
            short = shortened(experiment)
            folder = into / experiment.paper / experiment.name
            folder.mkdir(parents=True, exist_ok=True)
            key = digest([experiment.paper, experiment.name, short.resolved])
            if key in done:
                link = folder / f"{experiment.tier}{done[key].suffix}"
                link.symlink_to(done[key].resolve())
            else:
                done[key] = run_shortly(short, own, Path(work) / key, folder)


def run_shortly(short: Experiment, data: Path, directory: Path, folder: Path) -> Path:
    """The numbers of one short run, or why it has none."""
    logger.info("%s %s, %s tier", short.paper, short.name, short.tier)
    hashes = {"code": "", "config": "", "data": data_hash(short.data)}
    run = Run(short, short.tier, 0, directory, data, "cpu", 1, hashes, IMAGES)
    try:
        file = classifier.path(short.data, data)
        if "neighbours" in short.resolved.get("evaluation", {}) and not file.exists():
            classifier.store_classifier(images_of(run), file)
        with run.writing():
            for step in ("train", "score"):
                getattr(import_module(f"{PACKAGE}.core.{step}.{short.kind}"), step)(run)
        path = folder / f"{short.tier}.safetensors"
        save_file(numbers_of(run), path)
    except Exception as error:
        path = folder / f"{short.tier}.error"
        path.write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
    return path


def numbers_of(run: Run) -> dict[str, Tensor]:
    """Everything that a run leaves, by "<step>/<what>/...", whatever its files look like."""
    found = {
        f"train/parameters/{name}": tensor
        for name, tensor in load_file(run.directory / "parameters.safetensors").items()
    }
    scores = read_json(run.directory / "scores.json")["rows"]
    curves = len((run.directory / "curves.csv").read_text(encoding="utf-8").splitlines()) - 1
    for number, row in enumerate(scores):
        part = "train/curves" if number < curves else "score/rows"
        name = "/".join([row["metric"], row["part"], str(row["step"])])
        found[f"{part}/{name}"] = torch.tensor(row["value"], dtype=torch.float64)
    arrays = read_arrays(run.directory, run.experiment.kind)
    found |= {f"score/arrays/{name}": torch.from_numpy(array) for name, array in arrays.items()}
    return {name: tensor.contiguous() for name, tensor in found.items()}


def hashes() -> list[dict[str, str]]:
    """The hashes of code and configuration of every paper, experiment, tier and step."""
    return [
        {"paper": e.paper, "experiment": e.name, "tier": tier, "step": step} | e.hashes(step)
        for paper in suite().papers.values()
        for tier in TIERS
        for e in paper.experiments(tier)
        for step in ("train", "score")
    ]
