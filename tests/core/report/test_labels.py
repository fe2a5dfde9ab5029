"""What people read of scores."""

from types import SimpleNamespace

import pytest

from replications.core.declare.metrics import Metric
from replications.core.declare.papers import Claim, suite
from replications.core.report.labels import measured

METRICS = {
    "test_error": Metric("test error", "%", False, ""),
    "train_error": Metric("training error", "%", False, ""),
    "recall": Metric("recall", "", True, ""),
}


@pytest.mark.parametrize(
    ("scores", "text"),
    [
        ([("a", "test_error", "")], "test error (%): rule a"),
        ([("a", "recall", "top_layer")], "recall: rule a, top layer"),
        ([("a", "recall", "x"), ("b", "recall", "x")], "recall: rule a − rule b, x"),
        ([("a", "recall", "x"), ("a", "recall", "y")], "recall: rule a, x − y"),
        (
            [("a", "train_error", ""), ("a", "test_error", "")],
            "training error (%) − test error (%): rule a",
        ),
        # more than one thing differs, or one of the parts is the whole
        (
            [("a", "test_error", ""), ("b", "train_error", "")],
            "test error (%): rule a − training error (%): rule b",
        ),
        ([("a", "recall", "x"), ("a", "recall", "")], "recall: rule a, x − recall: rule a"),
        ([("a", "recall", ""), ("a", "recall", "")], "recall: rule a − recall: rule a"),
    ],
)
def test_what_is_measured_says_once_what_both_scores_share(scores, text):
    declared = [{"experiment": e, "metric": m} | ({"part": p} if p else {}) for e, m, p in scores]
    experiments = [SimpleNamespace(label=f"rule {e}") for e, _, _ in scores]
    about = {"about": declared[0]} if len(declared) == 1 else {
        "compares": {"greater": declared[0], "than": declared[1], "margin": 0}
    }  # fmt: skip
    assert measured(Claim("toy", "c", about, ()), experiments, METRICS) == text


def test_a_correlation_says_over_what_and_how_many_rules():
    told = {"field": "mnist_2", "metric": "recall", "with": "test_error", "over": ["a", "b"]}
    experiments = [SimpleNamespace(label="rule a")] * 2
    assert measured(Claim("toy", "c", {"correlates": told}, ()), experiments, METRICS) == (
        "−rank correlation, 2 rules, mnist 2: recall halfway, test error"
    )


def test_a_paper_is_called_by_its_authors_and_year():
    labels = {name: paper.label for name, paper in suite().papers.items()}
    assert labels["lee2015"] == "Lee et al. 2015"
    assert labels["xie2000"] == "Xie & Seung 2000"
    assert len(set(labels.values())) == len(labels)
