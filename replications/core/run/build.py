"""What an experiment declares, built for one of its runs: images, rule and network, model."""

from __future__ import annotations

from importlib import import_module

import torch

from replications.core.data.datasets import Images, load
from replications.core.learn.learning import LearningRule
from replications.core.learn.models import GenerativeModel
from replications.core.run.runs import Run


def generator(run: Run, source: str) -> torch.Generator:
    """The generator of one source of a run's randomness; on the CPU whatever the device."""
    return torch.Generator().manual_seed(run.seed(source))


def images_of(run: Run) -> Images:
    """The images of a run's dataset, on its device; a probe's run keeps the first of them."""
    images = load(run.experiment.data, run.data)
    return (images.first(*run.images) if run.images else images).to(run.device)


def rule_of(run: Run, *, examples: int) -> LearningRule:
    """The rule of an experiment with its network, as a run starts them."""
    experiment = run.experiment
    assert experiment.network, "the schema gives every learning rule a network"
    network_class = getattr(import_module(experiment.network[0]), experiment.network[1])
    rule_class = getattr(import_module(experiment.science[0]), experiment.science[1])
    (arguments,) = experiment.resolved["network"].values()
    network = network_class(
        **arguments, generator=generator(run, "initialisation"), device=run.device
    )
    return rule_class(
        network=network,
        examples=examples,
        generator=generator(run, "noise"),
        **experiment.resolved["settings"],
    )


def generative_model(run: Run) -> GenerativeModel:
    """The generative model of an experiment, as a run starts it."""
    module, name = run.experiment.science
    return getattr(import_module(module), name)(
        **run.experiment.resolved["settings"],
        generator=generator(run, "initialisation"),
        device=run.device,
    )
