"""What several tests of the core start from."""

import pytest

from replications.core.data.datasets import load
from replications.core.score.estimators import classifier, fidelity


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with a classifier of digits, hardly trained."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fidelity, "STEPS", 20)
        classifier.store_classifier(load("digits", folder), classifier.path("digits", folder))
    return folder


@pytest.fixture
def digits(data):
    return load("digits", data)
