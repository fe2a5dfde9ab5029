"""Metrics: unit, direction and meaning.

What the core or several papers measure stands here; a paper declares its own in its paper.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One metric: `unit` ("" for a pure number), direction (None: neither is better)."""

    unit: str
    higher_is_better: bool | None
    meaning: str

    @classmethod
    def declared(cls, declared: Mapping[str, str]) -> Metric:
        """A metric as a paper.yaml declares it."""
        better = {"higher": True, "lower": False, "neither": None}[declared["better"]]
        return cls(declared["unit"], better, declared["meaning"])


# Parts of the long table that are no model's images; core/score/estimators/parzen.py makes them.
ANCHORS = ("real images", "k-means", "mean image", "gaussian")

SHARED = {
    "train_error": Metric("%", False, "training error, running mean before each update"),
    "validation_error": Metric("%", False, "error on held-out training images"),
    "validation_undecided": Metric(
        "%", False, "held-out training images whose largest outputs are equal: counted as wrong"
    ),
    "validation_error_argmax": Metric(
        "%", False, "error on held-out training images, equal outputs answered by the first"
    ),
    "test_error": Metric("%", False, "error on the test images after the last epoch"),
    "test_undecided": Metric(
        "%", False, "test images whose largest outputs are equal: counted as wrong"
    ),
    "test_error_argmax": Metric(
        "%", False, "error on the test images, equal outputs answered by the first"
    ),
    "train_cost": Metric("", False, "the rule's own cost, running mean before updates"),
    "cosine": Metric("", True, "cosine of the rule's update and the negative gradient"),
    "angle": Metric("deg", False, "angle of the rule's update and the negative gradient"),
    "norm_ratio": Metric("", None, "norm of the update over norm of the gradient"),
    "parzen": Metric("nats", True, "Parzen log-likelihood of the test images, sigma = 0.2"),
    "parzen_chosen": Metric(
        "nats", True, "Parzen log-likelihood of the test images, sigma chosen on validation"
    ),
    "sigma": Metric("", None, "the kernel width chosen on validation: one grid step"),
    "parzen_validation": Metric(
        "nats", True, "Parzen log-likelihood of the validation images, sigma = 0.2"
    ),
    "chain_parzen": Metric(
        "nats", True, "Parzen log-likelihood of the test images, by steps of the chain"
    ),
    "log_likelihood": Metric(
        "nats", True, "log p(x) of test images by annealed importance sampling"
    ),
    "log_likelihood_gap": Metric(
        "nats", False, "upper less lower bound of log p(x), on the model's own images"
    ),
    "observation_sd": Metric("", None, "sigma of p(x|z), chosen on validation"),
    "acceptance": Metric("", None, "acceptance of the Hamiltonian Monte Carlo"),
    "frechet": Metric("", False, "Frechet distance to test images, in features"),
    "precision": Metric("", True, "share of samples within the test images' manifold"),
    "recall": Metric("", True, "share of test images within the samples' manifold"),
    "density": Metric("", True, "how densely test images surround the samples"),
    "coverage": Metric("", True, "share of test images with a sample beside them"),
    "two_sample": Metric("%", False, "held-out accuracy of telling samples from images"),
    "local_loss": Metric("", None, "loss of one map's own regression, running mean"),
    "output_rate": Metric("Hz", None, "rate of an output neuron"),
    "irregularity": Metric("", None, "coefficient of variation of its intervals"),
    "relative_error": Metric(
        "", False, "norm of the difference from theory over the norm of theory's value"
    ),
    "share": Metric("", None, "share of the units or examples that a simulation names"),
}
