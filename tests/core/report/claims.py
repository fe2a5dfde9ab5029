"""Claims of a toy paper, and scores that they are compared with."""

from types import SimpleNamespace

import pandas as pd

from replications.core.declare.metrics import SHARED, Metric
from replications.core.declare.papers import Claim
from replications.core.report.compare import compare
from replications.core.report.tables import COLUMNS

FULL = {
    "share": 1.0,
    "share_text": "full",
    "reduced_text": "",
    "smaller": False,
    "data": "mnist",
    "paper_data": "mnist",
}
REDUCED = FULL | {"share": 0.24, "share_text": "24%"}
DIGITS = REDUCED | {"data": "digits"}
LOWER, HIGHER, NEITHER = "test_error", "parzen", "tau"  # in %, nats and ms


def table(scores):
    """A long table from {(experiment, metric, part): values of the runs 0, 1, ... or by run}."""
    rows = []
    for (experiment, metric, part), found in scores.items():
        values = found if isinstance(found, dict) else dict(enumerate(found))
        for run, value in values.items():
            row = dict.fromkeys(COLUMNS, "")
            row |= {"paper": "toy", "experiment": experiment, "run": run, "metric": metric}
            rows += [row | {"part": part, "step": s, "value": v} for s, v in [(1, 1e6), (2, value)]]
    return pd.DataFrame(rows, columns=COLUMNS)


def papers_with(claims, settings):
    """A stand-in for the papers: the claims, and experiments "a" and "b" that cost `settings`."""
    both = settings if isinstance(settings, tuple) else (settings, settings)
    experiments = [
        SimpleNamespace(name=n, label=f"rule {n}", **s) for n, s in zip("ab", both, strict=True)
    ]
    claims = [Claim("toy", name, declared, ("claims", name)) for name, declared in claims.items()]
    metrics = SHARED | {NEITHER: Metric("time constant", "ms", None, "a time constant")}
    toy = SimpleNamespace(
        label="Toy 2000", claims=claims, metrics=metrics, experiments=lambda tier: experiments
    )
    return {"toy": toy}


def verdict_of(claim, scores, settings=FULL):
    (comparison,) = compare(table(scores), papers_with({"claim": claim}, settings), "paper")
    return comparison


def value_claim(metric, value, tolerance, standing="read", part=None):
    about = {"experiment": "a", "metric": metric} | ({"part": part} if part else {})
    value = value if isinstance(value, dict) else {"mean": value}
    return {"says": "it is so", "where": "Sec. 1", "standing": standing, "about": about,
            "value": value, "tolerance": tolerance}  # fmt: skip


def predicate(margin=0.0, standing="read", metric=HIGHER):
    compares = {
        "greater": {"experiment": "a", "metric": metric},
        "than": {"experiment": "b", "metric": metric},
        "margin": margin,
    }
    return {"says": "a beats b", "where": "Fig. 2", "standing": standing, "compares": compares}
