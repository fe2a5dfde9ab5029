"""Scores a generative model by what its evaluation names: samples, chains, decoders, measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol, cast

import torch
from torch import Generator, Tensor

from replications.core.base.arrays import write_arrays
from replications.core.base.scores import Score
from replications.core.data.datasets import Images
from replications.core.learn.models import GenerativeModel
from replications.core.run.build import generative_model, generator, images_of
from replications.core.run.runs import Run
from replications.core.score.estimators import ais, classifier, fidelity
from replications.core.score.estimators.parzen import anchors, parzen, parzen_log_likelihoods
from replications.core.score.measures import evaluated, measured
from replications.core.score.rows import assign, curves, snapshots, write

Chain = Callable[[int, Generator], Iterator[Tensor]]  # images of a Markov chain, step by step
BATCH = 1000  # images that a chain moves at a time
SHOWN = 100  # samples kept for the figure


class Decoding(Protocol):
    """A model that decodes a Gaussian: its width, and what a sampler makes of draws, (B, H)."""

    latents: int

    def decoder(self, sampler: str) -> Callable[[Tensor], Tensor]:
        """Images, (B, D), of standard normal draws, (B, H)."""


def chain(run: Run, model: GenerativeModel, name: str) -> Chain:
    """A Markov chain by name: the model's method, or the function of the paper's samplers."""
    if hasattr(model, name):
        return getattr(model, name)
    return partial(evaluated(run, name), model)


def visited(
    states: Chain, count: int, source: Generator, steps: Sequence[int]
) -> dict[int, Tensor]:
    """The images, (count, D), that ``count`` chains have reached after each of some ``steps``."""
    kept: dict[int, list[Tensor]] = {step: [] for step in steps}
    for start in range(0, count, BATCH):
        moving = states(min(BATCH, count - start), source)
        for step, x in zip(range(max(steps) + 1), moving, strict=False):
            if step in kept:
                kept[step].append(x)
    return {step: torch.cat(parts) for step, parts in kept.items()}


def drawn(run: Run, model: GenerativeModel, test: Tensor) -> tuple[dict[str, Tensor], list[Score]]:
    """Samples by sampler or chain, and rows of the likelihood against the chains' lengths."""
    evaluation = run.experiment.resolved["evaluation"]
    count, samples, rows = evaluation["samples"], {}, []
    for name in evaluation["samplers"]:
        samples[name] = getattr(model, name)(count, generator(run, "evaluation"))
    for name, steps in evaluation.get("chains", {}).items():
        moving = chain(run, model, name)
        reached = visited(moving, count, generator(run, "evaluation"), steps)
        for step, x in reached.items():
            nats = float(parzen_log_likelihoods(test, x, [0.2]).mean())
            rows.append(Score("chain_parzen", nats, name, step))
        samples[name] = reached[max(steps)]
    return samples, rows


def resemblance(run: Run, test: Tensor) -> Callable[[Tensor], dict[str, float]]:
    """How samples (M, D) compare with the test images in a classifier's features, by metric.

    Features are compared on the CPU, in float64, which not every device has.
    """
    parameters = classifier.read_classifier(run.experiment.data, run.data, run.device)
    neighbours = run.experiment.resolved["evaluation"]["neighbours"]
    real = fidelity.features(parameters, test).cpu().double()
    radii = fidelity.neighbour_distances(real, neighbours)

    def of(x: Tensor) -> dict[str, float]:
        fake = fidelity.features(parameters, x).cpu().double()
        shares = fidelity.precision_recall_density_coverage(real, fake, radii=radii, k=neighbours)
        return shares | {
            "frechet": fidelity.frechet(real, fake),
            "two_sample": fidelity.classifier_two_sample(real, fake, seed=0),
        }

    return of


def qualities(run: Run, images: Images, samples: dict[str, Tensor], step: int) -> list[Score]:
    """Rows of the Parzen likelihood, and of fidelity where asked for; the part names the set."""
    evaluation = run.experiment.resolved["evaluation"]
    validation, test = images.validation.inputs, images.test.inputs
    compared = resemblance(run, test) if "neighbours" in evaluation else None
    rows = []
    for name, x in samples.items():
        scores = parzen(x, validation, test, sigmas=evaluation["sigmas"])
        if compared and len(x) > evaluation["neighbours"]:
            scores |= compared(x)
        rows += [Score(metric, value, name, step) for metric, value in scores.items()]
    return rows


def likelihoods(run: Run, model: Decoding, images: Images, step: int) -> list[Score]:
    """Rows of the decoders' log-likelihood by annealed importance sampling, and of its gap.

    The width of p(x|z) is chosen on validation images; the first test images are scored, and as
    many images of the model's own give the gap between the lower and the upper bound.
    """
    rows = []
    for name, asked in run.experiment.resolved["evaluation"]["likelihood"].items():
        settings, source = dict(asked), generator(run, "evaluation")
        count, transitions = settings.pop("images"), settings.pop("transitions")
        latent, settings["generator"] = (model.decoder(name), model.latents), source
        sigma = settings["sigma"] = ais.fit_sigma(
            *latent, images.validation.first(count).inputs, transitions=transitions,
            leapfrogs=settings["leapfrogs"], generator=source,
        )  # fmt: skip
        estimate = ais.ais_log_likelihoods(*latent, images.test.first(count).inputs, **settings)
        bounds = ais.bidirectional_bounds(*latent, count, device=run.device, **settings)
        scores = {
            "log_likelihood": float(estimate.log_likelihoods.mean()),
            "log_likelihood_gap": bounds.gap,
            "observation_sd": sigma,
            "acceptance": float(estimate.acceptance.mean()),
        }
        rows += [Score(metric, value, name, step) for metric, value in scores.items()]
    return rows


@torch.no_grad()
def score(run: Run) -> None:
    """Write scores.json and arrays.npz: samples by sampler, and what the measures keep."""
    images = images_of(run)
    evaluation = run.experiment.resolved["evaluation"]
    step = run.experiment.resolved["budget"]["epochs"]
    model = generative_model(run)
    tensors = model.parameters | model.buffers
    kept = snapshots(run)
    assign(tensors, kept[step])
    samples, rows = drawn(run, model, images.test.inputs)
    arrays = {f"samples_{name}": x[:SHOWN] for name, x in samples.items()}
    if evaluation.get("anchors"):
        made = anchors(images.train.inputs, evaluation["samples"], seed=run.seed("evaluation"))
        samples |= made
    rows = curves(run) + rows + qualities(run, images, samples, step)
    if "likelihood" in evaluation:
        rows += likelihoods(run, cast(Decoding, model), images, step)
    found, more = measured(run, model, tensors, kept, images)
    rows += found
    arrays |= more
    write_arrays(run.directory, arrays)
    write(run, rows)
