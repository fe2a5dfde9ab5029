"""The rows of the page's table: every claim, with what is stored of it and what was run here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from replications.core.declare.papers import Claim, Paper
from replications.core.report.compare import RULE, Comparison
from replications.core.report.page.agreement import agreement
from replications.core.report.page.seen import Key, Seen
from replications.core.report.page.strips import Scale, scale_of, strip, told
from replications.core.report.render import budget, cells

STANDINGS = {
    "read": "read in the source",
    "recalled": "recalled, not read in the source: decides nothing",
    "derived": "derived from what the source says",
}
RULES = {line[2:].split(":")[0]: line[2:] for line in RULE.splitlines() if line.startswith("- ")}


@dataclass(frozen=True)
class Side:
    """One side of a row as text: what is stored, or what was run here."""

    whose: str  # "stored" or "yours"
    verdict: str
    tier: str
    mean: str
    interval: str
    runs: str
    budget: str
    rule: str  # that gave the verdict
    note: str
    by_run: str


@dataclass(frozen=True)
class Row:
    """One claim, as text; `far` is what the drawing is sorted by."""

    paper: str
    paper_label: str
    name: str
    says: str
    where: str
    standing: str
    standing_told: str
    measured: str
    better: str
    dataset: str
    theirs: str  # the paper's value with its unit
    spread: str
    allowed: str  # the tolerance or margin, in words
    stored: Side
    yours: Side
    answer: str
    why: str
    drawing: str  # the address of an image
    drawn: str  # the same in words
    scale: str
    far: str  # units from the paper's value, for sorting; "" without runs
    experiments: tuple[str, ...]

    @property
    def id(self) -> str:
        """What a link to the row ends with."""
        return f"{self.paper}.{self.name}"


def rows(
    papers: Mapping[str, Paper], stored: Mapping[Key, Seen], yours: Mapping[Key, Seen]
) -> Iterator[Row]:
    """The row of every claim, in the papers' order."""
    for paper in papers.values():
        for claim in paper.claims:
            key = (paper.name, claim.name)
            yield row_of(claim, paper, stored[key], yours[key])


def row_of(claim: Claim, paper: Paper, stored: Seen, yours: Seen) -> Row:
    """The row of a claim."""
    metric = paper.metrics[claim.scores[0]["metric"]]
    shown = yours.comparison if yours.runs and not stored.runs else stored.comparison
    scale = scale_of(claim, stored, yours, shown.unit)
    answer, why = agreement(yours, stored, claim)
    return Row(
        paper=claim.paper,
        paper_label=paper.label,
        name=claim.name,
        says=shown.says,
        where=shown.where,
        standing=shown.standing,
        standing_told=STANDINGS[shown.standing],
        measured=shown.measured,
        better=direction(shown),
        dataset=shown.dataset,
        theirs=f"{shown.paper_value} {shown.unit}".strip(),
        spread=shown.paper_spread,
        allowed=allowed(claim, shown.unit),
        stored=side("stored", stored),
        yours=side("yours", yours),
        answer=answer,
        why=why,
        drawing=strip(claim, metric, scale, stored, yours),
        drawn=told(claim, scale, stored, yours),
        scale=scale.told,
        far=far(scale, stored if stored.runs else yours),
        experiments=tuple(dict.fromkeys(score["experiment"] for score in claim.scores)),
    )


def direction(c: Comparison) -> str:
    """Which way is better, in words."""
    told = {"difference": "a predicate: it holds above the margin",
            "neither": "any distance counts"}  # fmt: skip
    return told.get(c.direction, f"{c.direction} is better")


def allowed(claim: Claim, unit: str) -> str:
    """How far off a value may be, or above which margin a difference has to lie."""
    if claim.is_predicate:
        return f"margin {claim.margin:g} {unit}".strip()
    return f"tolerance {claim.declared['tolerance']:g} {unit}".strip()


def side(whose: str, seen: Seen) -> Side:
    """What some runs say of a claim, as text."""
    c = seen.comparison
    text = cells(c, budget(c))
    return Side(
        whose=whose,
        verdict=c.verdict,
        tier=c.tier if c.runs else "–",
        mean=text["ours, mean"],
        interval=text["95% t-interval"],
        runs=text["runs"],
        budget=budget(c),
        rule=RULES[c.verdict],
        note=c.note,
        by_run=", ".join(f"run {run}: {value:.6g}" for run, value in seen.runs.items()),
    )


def far(scale: Scale, seen: Seen) -> str:
    """How many units a mean lies from the paper's value, for sorting."""
    mean = seen.comparison.ours
    return "" if mean is None or math.isnan(mean) else f"{abs(scale.at(mean)):.6g}"
