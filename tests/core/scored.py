"""What a generative model is scored by, and its rows by what they are about."""

SETS = ("parzen", "parzen_validation", "sigma", "parzen_chosen")  # of every set of samples
FEATURES = ("frechet", "precision", "recall", "density", "coverage", "two_sample")
ANCHORS = ("real images", "k-means", "mean image", "gaussian")
LIKELIHOOD = ("log_likelihood", "log_likelihood_gap", "observation_sd", "acceptance")


def table(rows):
    """Rows by metric, layer and step, each once."""
    found = {(r["metric"], r["layer"], r["step"]): r["value"] for r in rows}
    assert len(found) == len(rows)
    return found
