"""Claims beside scores, with a verdict for each by one printed rule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from replications.core.base.carried import WITHIN, Carried
from replications.core.declare.experiments import Experiment
from replications.core.declare.metrics import Metric
from replications.core.declare.papers import Claim, Paper
from replications.core.report.alignment import halfway
from replications.core.report.labels import measured
from replications.core.report.statistics import spearman, t_interval
from replications.core.report.tables import last

RULE = """\
How a verdict is reached. "Worse by d" is the distance from the paper's value, or from the nearer \
end of its range, to the mean of our runs, in the direction that is worse; where neither direction \
is better, any distance counts. Predicates ("A above B") are judged by the paired differences of \
runs of equal index, less the stated margin; a correlation over rules by that of each run.

- reproduced: the paper's full budget was spent, in at least 3 runs, and d is at most the claim's \
tolerance; for a predicate, the 95% t-interval of the difference lies above 0.
- partial: the same at a smaller budget or with fewer runs; or d is at most three tolerances; for \
a predicate, the mean difference is above 0.
- open: short of that at less than the full budget, which cannot refute what all of it reached.
- not reproduced: short of that at the full budget.
- no paper value: the value is recalled, not read in the source (marked †), and decides nothing.
- not comparable: run on other data than the claim's, or with a smaller network.
- not run: no score of this tier."""
MOVED = "the code has changed since, and moved scores within the tolerance of the regression check"
VERDICTS = tuple(line[2:].split(":")[0] for line in RULE.splitlines() if line.startswith("- "))


@dataclass(frozen=True)
class Comparison:
    """One claim beside our runs. Numbers are in the metric's unit; None where there is none."""

    paper: str
    paper_label: str
    claim: str
    says: str
    where: str
    dataset: str
    scores: str  # identifiers: experiment, metric and part; of a predicate both
    measured: str  # the same in labels
    unit: str
    direction: str
    paper_value: str
    paper_spread: str
    standing: str
    ours: float | None
    low: float | None
    high: float | None
    runs: int  # that have the number; of `of` runs of the experiment
    of: int
    difference: float | None
    verdict: str
    tier: str
    share: float
    share_text: str
    note: str


def compare(
    scores: pd.DataFrame, papers: Mapping[str, Paper], tier: str, loose: Collection = ()
) -> list[Comparison]:
    """Every claim of `papers` against the last step of `scores`, a long table of `tier`.

    The note says so where an experiment is in `loose`, as `loosely_carried` finds them.
    """
    return compare_final(Final(scores), papers, tier, loose)


def compare_final(
    final: Final, papers: Mapping[str, Paper], tier: str, loose: Collection = ()
) -> list[Comparison]:
    """The same of scores that are indexed already."""
    compared = []
    for paper in papers.values():
        # What the tier leaves out has no scores in it, and so the verdict "not run".
        experiments = {e.name: e for t in ("paper", tier) for e in paper.experiments(t)}
        compared += [
            compare_claim(claim, paper, final, experiments, tier, loose) for claim in paper.claims
        ]
    return compared


def loosely_carried(
    scores: pd.DataFrame, carried: Carried, tier: str
) -> frozenset[tuple[str, str]]:
    """Which (paper, experiment) have scores that a later change of the code moved a little."""
    steps = ["train", "score"]
    rows = scores[["paper", "experiment", *steps]].drop_duplicates()
    return frozenset(
        (paper, experiment)
        for paper, experiment, *hashes in rows.itertuples(index=False, name=None)
        for step, made in zip(steps, hashes, strict=True)
        for line in carried.path_from((paper, experiment, tier, step), made)
        if line.equal == WITHIN
    )


Runs = dict[int, float]  # a value by run


class Final:
    """The last value of every metric of every run of a long table, found by what they measure."""

    def __init__(self, scores: pd.DataFrame) -> None:
        self.scores = scores
        self.parts: dict[tuple[str, str, str], dict[str, Runs]] = {}
        self.runs: dict[tuple[str, str], set[int]] = {}
        columns = ["paper", "experiment", "metric", "part", "run", "value"]
        for *key, part, run, value in last(scores)[columns].itertuples(index=False, name=None):
            self.parts.setdefault(tuple(key), {}).setdefault(part, {})[int(run)] = float(value)
            self.runs.setdefault((key[0], key[1]), set()).add(int(run))

    def values(self, claim: Claim, score: dict) -> Runs:
        """Those of one score. Raises ValueError if the metric has no such part."""
        parts = self.parts.get((claim.paper, score["experiment"], score["metric"]))
        if parts is None:
            return {}
        part = score.get("part", "")
        if part not in parts:
            raise ValueError(
                f"{claim.paper}: claim {claim.name}: {score['metric']} has no part {part!r}; there "
                f"are {', '.join(map(repr, sorted(parts)))}"
            )
        return parts[part]

    def by_run(self, claim: Claim) -> Runs:
        """What a claim is about; of a predicate in the runs in which all of it is defined."""
        if "correlates" in claim.declared:
            found = self.correlations(claim)
        elif "compares" in claim.declared:
            one, other = (self.values(claim, score) for score in claim.scores)
            found = {run: one[run] - other[run] for run in sorted(one.keys() & other.keys())}
        else:
            return self.values(claim, *claim.scores)
        return {run: value for run, value in found.items() if not math.isnan(value)}

    def correlations(self, claim: Claim) -> Runs:
        """Minus Spearman's correlation, over rules, of what each has halfway and of its last score.

        In the runs that all of them have.
        """
        before = self.halfway(claim).values()
        after = [self.values(claim, score) for score in claim.scores]
        runs = set.intersection(*(set(found) for found in (*before, *after)))
        return {
            run: -spearman([h[run] for h in before], [e[run] for e in after])
            for run in sorted(runs)
        }

    def halfway(self, claim: Claim) -> dict[str, Runs]:
        """Of a claim over rules: what each has halfway through training, by experiment."""
        told, scores = claim.declared["correlates"], self.scores
        rows = scores[(scores["paper"] == claim.paper) & (scores["metric"] == told["metric"])]
        return {name: halfway(rows[rows["experiment"] == name]) for name in told["over"]}

    def runs_of(self, claim: Claim) -> int:
        """How many runs its experiments have; in some the metric may be undefined."""
        found = (self.runs.get((claim.paper, score["experiment"]), ()) for score in claim.scores)
        return max(map(len, found))


def compare_claim(
    claim: Claim, paper: Paper, final: Final, experiments: Mapping[str, Experiment],
    tier: str, loose: Collection = (),
) -> Comparison:  # fmt: skip
    """The comparison of one claim."""
    involved = [experiments[score["experiment"]] for score in claim.scores]
    least = min(involved, key=lambda e: e.share)
    share = least.share
    metric = paper.metrics[claim.scores[0]["metric"]]
    ours = np.array([*final.by_run(claim).values()])
    mean = float(np.mean(ours)) if len(ours) else None
    if claim.is_predicate:
        distance = None if mean is None else mean - claim.margin
        verdict = predicate_verdict(ours - claim.margin, share)
        value, direction = f"> {claim.margin:g}", "difference"
    else:
        distance = None if mean is None else mean - nearest_value(claim, mean)
        verdict = value_verdict(claim, metric, distance, len(ours), share)
        value = printed_value(claim)
        direction = {True: "higher", False: "lower", None: "neither"}[better(claim, metric)]
    if len(ours) and any(e.data != e.paper_data or e.smaller for e in involved):
        verdict = "not comparable"
    elif len(ours) and claim.declared["standing"] == "recalled":
        verdict = "no paper value"
    low, high = t_interval(ours)
    moved = MOVED if any((claim.paper, e.name) in loose for e in involved) else ""
    return Comparison(
        paper=claim.paper,
        paper_label=paper.label,
        claim=claim.name,
        says=claim.declared["says"],
        where=claim.declared["where"],
        dataset=", ".join(dict.fromkeys(e.data for e in involved)),
        scores=identifiers(claim),
        measured=measured(claim, involved, paper.metrics),
        unit="" if "correlates" in claim.declared else metric.unit,
        direction=direction,
        paper_value=value + ("†" if claim.declared["standing"] == "recalled" else ""),
        paper_spread=claim.declared.get("value", {}).get("spread", ""),
        standing=claim.declared["standing"],
        ours=mean,
        low=None if math.isnan(low) else low,
        high=None if math.isnan(high) else high,
        runs=len(ours),
        of=final.runs_of(claim),
        difference=distance,
        verdict=verdict,
        tier=tier,
        share=share,
        share_text=least.share_text + least.reduced_text,
        note="; ".join(filter(None, [claim.declared.get("note", ""), moved])),
    )


def identifiers(claim: Claim) -> str:
    """Which scores: of each the experiment, the metric and, if it has one, the part."""
    if "correlates" in claim.declared:
        return "{field} {metric} {with}".format(**claim.declared["correlates"])
    keys = ("experiment", "metric", "part")
    return " − ".join(" ".join(score[k] for k in keys if k in score) for score in claim.scores)


def printed_value(claim: Claim) -> str:
    """The paper's value, or its range, as text."""
    value = claim.declared["value"]
    return f"{value['mean']:g}" if "mean" in value else f"{value['low']:g} to {value['high']:g}"


def nearest_value(claim: Claim, ours: float) -> float:
    """The paper's value, or the point of its range that is nearest to `ours`."""
    low, high = value_range(claim)
    return min(max(ours, low), high)


def value_range(claim: Claim) -> tuple[float, float]:
    """The ends of a claim's value, equal if it is one number."""
    value = claim.declared["value"]
    return value.get("low", value.get("mean")), value.get("high", value.get("mean"))


def better(claim: Claim, metric: Metric) -> bool | None:
    """Whether higher is better than the paper's value; None where any distance counts."""
    if claim.declared["value"].get("better") == "neither":
        return None
    return metric.higher_is_better


def value_verdict(
    claim: Claim, metric: Metric, distance: float | None, runs: int, share: float
) -> str:
    """The verdict on a number, by RULE; `distance` is ours less the paper's."""
    if distance is None:
        return "not run"
    sign = {True: -1, False: 1, None: 0}[better(claim, metric)]
    worse = max(0.0, sign * distance) if sign else abs(distance)
    worse = round(worse, 9)  # 3.1 - 3 is a little more than .1 in binary
    tolerance = claim.declared["tolerance"]
    if worse <= tolerance:
        return "reproduced" if share >= 1 and runs >= 3 else "partial"
    return "partial" if worse <= 3 * tolerance else short(share)


def predicate_verdict(differences: np.ndarray, share: float) -> str:
    """The verdict on "A above B" from paired differences (less the margin), by RULE."""
    if len(differences) == 0:
        return "not run"
    if np.mean(differences) <= 0:
        return short(share)
    sure = len(differences) >= 3 and t_interval(differences)[0] > 0
    return "reproduced" if sure and share >= 1 else "partial"


def short(share: float) -> str:
    """The verdict on what falls short: a share of the budget does not refute."""
    return "not reproduced" if share >= 1 else "open"


def counted(comparisons: Sequence[Comparison]) -> dict[str, int]:
    """How many claims have each verdict, in the order of RULE."""
    found = Counter(c.verdict for c in comparisons)
    return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}


def heading(counts: Mapping[str, int]) -> str:
    """Those, as the line at the head of a table: "112 claims: 60 reproduced, 12 partial"."""
    parts = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    total = sum(counts.values())
    return f"{total} {'claim' if total == 1 else 'claims'}: {parts}"
