"""Every metric that the suite reports: its unit, its direction, and what moves it by chance.

`floor` and `share` are for the regression check alone: a mean over the smoke tier's runs may shift
by `floor` (in the metric's unit) plus `share` of its reference before it is an alarm. They leave
room for another processor's last bits, which training amplifies, and were set from what other
instruction sets on one processor give (README, "The regression check"), not from the spread between
seeds, which is wider.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One metric: `unit` ("" for a pure number), direction (None: neither is better)."""

    unit: str
    higher_is_better: bool | None
    floor: float
    share: float
    meaning: str

    def tolerance(self, reference: float) -> float:
        """The largest shift from `reference` that is no alarm."""
        return self.floor + self.share * abs(reference)


# Layers of the long table that are no model's images; core/score/parzen.py makes them.
ANCHORS = ("real images", "k-means", "mean image", "gaussian")

METRICS = {
    "train_error": Metric("%", False, 0.5, 0.05, "training error, running mean before each update"),
    "validation_error": Metric("%", False, 0.5, 0.05, "error on held-out training images"),
    "test_error": Metric("%", False, 0.5, 0.05, "error on the test images after the last epoch"),
    "train_cost": Metric(
        "", False, 0.003, 0.05, "the rule's own cost, running mean before updates"
    ),
    "free_sweeps": Metric("", False, 0.5, 0.05, "sweeps of a free phase, running mean"),
    "spikes_per_image": Metric("", None, 0.5, 0.05, "excitatory spikes per image, running mean"),
    "adaptation": Metric("mV", None, 0.5, 0.02, "adaptive part of the thresholds, running mean"),
    "presentations": Metric("", None, 0.05, 0.05, "presentations per image, running mean"),
    "cosine": Metric("", True, 0.01, 0, "cosine of the rule's update and the negative gradient"),
    "angle": Metric("deg", False, 1.0, 0, "angle of the rule's update and the negative gradient"),
    "norm_ratio": Metric("", None, 0, 0.05, "norm of the update over norm of the gradient"),
    "parzen": Metric("nats", True, 0.2, 0, "Parzen log-likelihood of the test images, sigma = 0.2"),
    "parzen_chosen": Metric(
        "nats", True, 0.5, 0, "Parzen log-likelihood of the test images, sigma chosen on validation"
    ),
    "sigma": Metric("", None, 0.021, 0, "the kernel width chosen on validation: one grid step"),
    "parzen_validation": Metric(
        "nats", True, 0.2, 0, "Parzen log-likelihood of the validation images, sigma = 0.2"
    ),
    "chain_parzen": Metric(
        "nats", True, 0.5, 0, "Parzen log-likelihood of the test images, by steps of the chain"
    ),
    "log_likelihood": Metric(
        "nats", True, 5.0, 0.02, "log p(x) of test images by annealed importance sampling"
    ),
    "log_likelihood_gap": Metric(
        "nats", False, 10.0, 0.1, "upper less lower bound of log p(x), on the model's own images"
    ),
    "observation_sd": Metric("", None, 0.005, 0.02, "sigma of p(x|z), chosen on validation"),
    "acceptance": Metric("", None, 0.05, 0, "acceptance of the Hamiltonian Monte Carlo"),
    "frechet": Metric("", False, 0.5, 0.02, "Frechet distance to test images, in features"),
    "precision": Metric("", True, 0.02, 0, "share of samples within the test images' manifold"),
    "recall": Metric("", True, 0.02, 0, "share of test images within the samples' manifold"),
    "density": Metric("", True, 0.03, 0, "how densely test images surround the samples"),
    "coverage": Metric("", True, 0.02, 0, "share of test images with a sample beside them"),
    "two_sample": Metric("%", False, 3.0, 0, "held-out accuracy of telling samples from images"),
    "inpainting_error": Metric("", False, 0.003, 0.02, "squared error on the missing pixels"),
    "local_loss": Metric("", None, 0.005, 0.02, "loss of one map's own regression, running mean"),
    "log_joint": Metric("nats", True, 0.1, 0.02, "mean log p(x, h) of test images, no constants"),
    "log_prior": Metric("nats", True, 0.1, 0.02, "mean log p(h) of the top layer, no constants"),
    "log_joint_rises": Metric("%", True, 3.0, 0, "test images whose log p(x, h) rose in inference"),
    "r2_exponential": Metric("", True, 1e-3, 0, "R2 of an exponential in |dt| fitted to mean dW"),
    "tau": Metric("ms", None, 0, 0.01, "time constant of that exponential"),
    "amplitude_exponential": Metric("mV/ms", None, 0, 0.01, "that exponential at dt = 0"),
    "r2_power": Metric("", None, 1e-3, 0, "R2 of a power of |dt| fitted to mean dW"),
    "exponent": Metric("", None, 0, 0.01, "exponent of that power"),
    "amplitude_power": Metric("mV/ms", None, 0, 0.01, "that power at |dt| = 1 ms"),
    "sign_agreement": Metric("", True, 0.0, 0, "share of bins whose mean dW has the sign of dt"),
    "spearman": Metric("", None, 0.01, 0, "rank correlation of mean dW with |dt|"),
    "fit_error": Metric(
        "", False, 1e-3, 0.02, "squared distance from measurements in their errors"
    ),
    "log_fit_error": Metric("", False, 0.01, 0, "that distance as a power of ten"),
    "window_error": Metric("", False, 1e-6, 0.02, "distance from a measured window over its size"),
    "rate_coefficient": Metric("", None, 0.01, 0, "drift by mean pre times post, over a+ tau+"),
    "covariance_coefficient": Metric("", None, 0.02, 0, "drift by their covariance, over a+ tau+"),
    "change_coefficient": Metric(
        "", None, 0.01, 0, "drift by pre times d(post)/dt, over its value for slow rates"
    ),
    "r2_regression": Metric("", None, 0.01, 0, "R2 of the drift on both"),
    "output_rate": Metric("Hz", None, 1.0, 0.2, "rate of an output neuron"),
    "irregularity": Metric("", None, 0.2, 0, "coefficient of variation of its intervals"),
    "rate_gain": Metric("", None, 0.15, 0, "d log(output rate) / d log(input rate)"),
    "mean_weight": Metric("", None, 0.03, 0, "mean weight, of the largest possible"),
    "decoding_error": Metric(
        "", False, 0.05, 0.2, "rms error of what spikes encode, over the signal's rms"
    ),
    "weight_distance": Metric("", False, 0.02, 0.1, "distance from optimal weights over the norm"),
    "dynamics_distance": Metric("", False, 0.02, 0.1, "distance from the dynamics to be learned"),
    "eigenvalue_distance": Metric("", False, 0.05, 0.2, "distance from their eigenvalues"),
    "balance": Metric("", True, 0.05, 0.1, "correlation of excitation and inhibition in time"),
    "order": Metric("", None, 0.02, 0, "log-log slope against what a simulation sweeps"),
    "relative_error": Metric(
        "", False, 1e-9, 0.05, "norm of the difference from theory over the norm of theory's value"
    ),
    "standard_error": Metric("", None, 1e-9, 0.05, "Monte Carlo error of a relative error"),
    "process_error": Metric("", False, 1e-9, 0.05, "two processes' distance over the larger norm"),
    "largest_rise": Metric("", False, 1e-6, 0, "largest rise of the energy in one step"),
    "largest_derivative": Metric("", False, 0.01, 0, "largest dC/dbeta at beta = 0 of an example"),
    "largest_difference": Metric("", False, 1e-7, 0.1, "largest difference of two solvers' states"),
    "iterations": Metric("", False, 0.5, 0.01, "iterations to a fixed point, mean over examples"),
    "iterations_ratio": Metric("", True, 0.02, 0, "one solver's iterations over the other's"),
    "share": Metric("", None, 0.01, 0, "share of the units or examples that a simulation names"),
}
