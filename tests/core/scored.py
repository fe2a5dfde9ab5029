"""What a generative model is scored by, and its rows by what they are about."""

SETS = ("parzen", "parzen_validation", "sigma", "parzen_chosen")  # of every set of samples
FEATURES = ("frechet", "precision", "recall", "density", "coverage", "two_sample")
ANCHORS = ("real images", "k-means", "mean image", "gaussian")
LIKELIHOOD = ("log_likelihood", "log_likelihood_gap", "observation_sd", "acceptance")


def table(scores):
    """Values by metric, part and step, each once."""
    found = {(s.metric, s.part, s.step): s.value for s in scores}
    assert len(found) == len(scores)
    return found
