"""Every metric that the suite reports: its unit, its direction, and what moves it by chance.

`tolerance` is for the regression check alone: the largest shift of a metric's mean over the smoke
tier's runs that is no alarm, in the metric's unit. It leaves room for the last bits of another
processor's arithmetic, which training amplifies to about the spread between seeds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One metric: `unit` ("" for a pure number), direction (None: neither is better)."""

    unit: str
    higher_is_better: bool | None
    tolerance: float
    meaning: str


METRICS = {
    "train_error": Metric("%", False, 4.0, "training error, running mean before each update"),
    "validation_error": Metric("%", False, 4.0, "error on held-out training images"),
    "test_error": Metric("%", False, 4.0, "error on the test images after the last epoch"),
    "train_cost": Metric("", False, 0.25, "the rule's own cost, running mean before each update"),
    "cosine": Metric("", True, 0.15, "cosine of the rule's update and the negative gradient"),
    "angle": Metric("deg", False, 15.0, "angle of the rule's update and the negative gradient"),
    "norm_ratio": Metric("", None, 1.0, "norm of the update over norm of the gradient"),
    "parzen": Metric("nats", True, 3.0, "Parzen log-likelihood of the test images, sigma = 0.2"),
    "parzen_chosen": Metric(
        "nats", True, 4.0, "Parzen log-likelihood of the test images, sigma chosen on validation"
    ),
    "sigma": Metric("", None, 0.05, "the kernel width chosen on validation"),
    "parzen_validation": Metric(
        "nats", True, 3.0, "Parzen log-likelihood of the validation images, sigma = 0.2"
    ),
    "local_loss": Metric("", None, 0.5, "loss of one map's own regression, running mean"),
    "log_joint": Metric("nats", True, 8.0, "mean log p(x, h) of test images, constants dropped"),
    "log_joint_rises": Metric("%", True, 20.0, "test images whose log p(x, h) rose in inference"),
    "r2_exponential": Metric("", True, 0.05, "R2 of an exponential in |dt| fitted to mean dW"),
    "tau": Metric("ms", None, 8.0, "time constant of that exponential"),
    "r2_power": Metric("", None, 0.2, "R2 of a power of |dt| fitted to mean dW"),
    "exponent": Metric("", None, 0.2, "exponent of that power"),
    "amplitude_exponential": Metric("mV/ms", None, 0.1, "that exponential at dt = 0"),
    "amplitude_power": Metric("mV/ms", None, 0.5, "that power at |dt| = 1 ms"),
    "sign_agreement": Metric("", True, 0.05, "share of bins whose mean dW has the sign of dt"),
    "spearman": Metric("", None, 0.1, "rank correlation of |mean dW| with |dt|"),
}
