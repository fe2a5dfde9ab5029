"""Every metric that the suite reports: its unit, its direction, and what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One metric: `unit` ("" for a pure number), direction (None: neither is better)."""

    unit: str
    higher_is_better: bool | None
    meaning: str


# Layers of the long table that are no model's images; core/score/estimators/parzen.py makes them.
ANCHORS = ("real images", "k-means", "mean image", "gaussian")

METRICS = {
    "train_error": Metric("%", False, "training error, running mean before each update"),
    "validation_error": Metric("%", False, "error on held-out training images"),
    "test_error": Metric("%", False, "error on the test images after the last epoch"),
    "train_cost": Metric("", False, "the rule's own cost, running mean before updates"),
    "free_sweeps": Metric("", False, "sweeps of a free phase, running mean"),
    "spikes_per_image": Metric("", None, "excitatory spikes per image, running mean"),
    "adaptation": Metric("mV", None, "adaptive part of the thresholds, running mean"),
    "presentations": Metric("", None, "presentations per image, running mean"),
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
    "inpainting_error": Metric("", False, "squared error on the missing pixels"),
    "local_loss": Metric("", None, "loss of one map's own regression, running mean"),
    "log_joint": Metric("nats", True, "mean log p(x, h) of test images, no constants"),
    "log_prior": Metric("nats", True, "mean log p(h) of the top layer, no constants"),
    "log_joint_rises": Metric("%", True, "test images whose log p(x, h) rose in inference"),
    "r2_exponential": Metric("", True, "R2 of an exponential in |dt| fitted to mean dW"),
    "tau": Metric("ms", None, "time constant of that exponential"),
    "amplitude_exponential": Metric("mV/ms", None, "that exponential at dt = 0"),
    "r2_power": Metric("", None, "R2 of a power of |dt| fitted to mean dW"),
    "exponent": Metric("", None, "exponent of that power"),
    "amplitude_power": Metric("mV/ms", None, "that power at |dt| = 1 ms"),
    "sign_agreement": Metric("", True, "share of bins whose mean dW has the sign of dt"),
    "spearman": Metric("", None, "rank correlation of mean dW with |dt|"),
    "fit_error": Metric("", False, "squared distance from measurements in their errors"),
    "log_fit_error": Metric("", False, "that distance as a power of ten"),
    "window_error": Metric("", False, "distance from a measured window over its size"),
    "rate_coefficient": Metric("", None, "drift by mean pre times post, over a+ tau+"),
    "covariance_coefficient": Metric("", None, "drift by their covariance, over a+ tau+"),
    "change_coefficient": Metric(
        "", None, "drift by pre times d(post)/dt, over its value for slow rates"
    ),
    "r2_regression": Metric("", None, "R2 of the drift on both"),
    "output_rate": Metric("Hz", None, "rate of an output neuron"),
    "irregularity": Metric("", None, "coefficient of variation of its intervals"),
    "rate_gain": Metric("", None, "d log(output rate) / d log(input rate)"),
    "mean_weight": Metric("", None, "mean weight, of the largest possible"),
    "decoding_error": Metric("", False, "rms error of what spikes encode, over the signal's rms"),
    "weight_distance": Metric("", False, "distance from optimal weights over the norm"),
    "dynamics_distance": Metric("", False, "distance from the dynamics to be learned"),
    "eigenvalue_distance": Metric("", False, "distance from their eigenvalues"),
    "balance": Metric("", True, "correlation of excitation and inhibition in time"),
    "order": Metric("", None, "log-log slope against what a simulation sweeps"),
    "relative_error": Metric(
        "", False, "norm of the difference from theory over the norm of theory's value"
    ),
    "standard_error": Metric("", None, "Monte Carlo error of a relative error"),
    "process_error": Metric("", False, "two processes' distance over the larger norm"),
    "largest_rise": Metric("", False, "largest rise of the energy in one step"),
    "largest_derivative": Metric("", False, "largest dC/dbeta at beta = 0 of an example"),
    "largest_difference": Metric("", False, "largest difference of two solvers' states"),
    "iterations": Metric("", False, "iterations to a fixed point, mean over examples"),
    "iterations_ratio": Metric("", True, "one solver's iterations over the other's"),
    "share": Metric("", None, "share of the units or examples that a simulation names"),
}
