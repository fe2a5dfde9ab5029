"""From a verdict to where its number comes from: the claim, the rule, the runs, how to repeat them.

Reads what results/reference/ stores; of the tiers the largest that has runs, as the READMEs do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

import pandas as pd

from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import Claim, Paper, suite
from replications.core.report.compare import RULE, Comparison, Final, compare
from replications.core.report.render import budget, cells
from replications.core.report.tables import read_table
from replications.core.steps.behind import Recorded, stored

WIDTH = 100


def explain(paper: str, claim: str, reference: Path) -> str:
    """All that stands behind one verdict, as text.

    Raises ValueError, with the claims that there are, for one that the paper does not have.
    """
    declared = suite().paper(paper)
    claims = {c.name: c for c in declared.claims}
    if claim not in claims:
        raise ValueError(f"{paper} has no claim {claim!r}; there are {', '.join(claims)}")
    found, scores = by_largest_tier(declared, claims[claim], reference)
    lines = [f"{paper} {claim}", *said(claims[claim], found), ""]
    if "correlates" in claims[claim].declared:
        lines += [*rules_told(scores, claims[claim]), ""]
    for score in claims[claim].scores:
        lines += [*runs_told(scores, claims[claim], score, found.tier, reference), ""]
    return "\n".join(lines)


def by_largest_tier(paper: Paper, claim: Claim, reference: Path) -> tuple[Comparison, pd.DataFrame]:
    """The comparison of a claim by the largest tier that has runs of it, and that tier's scores."""
    for tier in reversed(TIERS[1:]):
        scores = read_table(reference / f"{tier}.csv")
        compared = compare(scores, {paper.name: paper}, tier)
        (found,) = (c for c in compared if c.claim == claim.name)
        if found.runs:
            break
    return found, scores


def said(claim: Claim, found: Comparison) -> Iterator[str]:
    """What the paper says, what we found, and the rule between the two."""
    shown = cells(found, budget(found))
    yield wrapped("says", f"{found.says} ({found.where}; {found.standing})")
    yield wrapped("measured", found.measured)
    spread = f", {found.paper_spread}" if found.paper_spread else ""
    tolerance = claim.declared.get("tolerance")
    margin = f"; tolerance {tolerance:g} {found.unit}".rstrip() if tolerance is not None else ""
    yield wrapped("paper", f"{found.paper_value} {found.unit}".rstrip() + spread + margin)
    interval = f", 95% t-interval {shown['95% t-interval']}" if found.low is not None else ""
    ours = f"{shown['ours, mean']}{interval}, {shown['runs']} runs" if found.runs else "not run"
    yield wrapped("ours", f"{ours}; {budget(found)}")
    yield wrapped("verdict", shown["verdict"])
    rules = [line[2:] for line in RULE.splitlines() if line.startswith(f"- {found.verdict}:")]
    yield wrapped("rule", rules[0])
    if found.note:
        yield wrapped("note", found.note)


def rules_told(scores: pd.DataFrame, claim: Claim) -> Iterator[str]:
    """Of a correlation over rules: its value in each run, and what every rule has halfway."""
    final = Final(scores)
    for run, value in final.by_run(claim).items():
        yield wrapped(f"run {run}", f"{value:.6g}")
    for name, found in final.halfway(claim).items():
        told = ", ".join(f"run {run}: {value:.6g}" for run, value in found.items())
        yield wrapped("halfway", f"{name} {claim.declared['correlates']['metric']}, {told}")


def runs_told(
    scores: pd.DataFrame, claim: Claim, score: dict, tier: str, reference: Path
) -> Iterator[str]:
    """Of one score: every run's value, seeds and origin, what was assumed, how to repeat it."""
    name = score["experiment"]
    yield f"{name} {score['metric']} {score.get('part', '')}".rstrip() + f", {tier} tier"
    own = scores[(scores["paper"] == claim.paper) & (scores["experiment"] == name)]
    found = Final(own).values(claim, score)
    of = own[own["run"].isin(list(found))]
    behind = stored(of, tier, Recorded(reference)) if len(of) else None
    if behind:
        for run, value in found.items():
            seeds = ", ".join(f"{source} {number}" for source, number in behind.seeds[run].items())
            yield wrapped(f"run {run}", f"{value:.6g} by seeds: {seeds}")
        for origin in behind.origins:
            runs = ", ".join(map(str, origin.runs))
            yield wrapped("from", f"{'runs' if len(origin.runs) > 1 else 'run'} {runs}")
            yield from (wrapped("", line) for line in (*origin.made, *origin.carried))
    declared = suite().paper(claim.paper).declared["experiments"][name]
    for what, how in declared["unsaid"].items():
        yield wrapped("unsaid", f"{what}: {how}")
    if behind:
        yield wrapped("again", behind.again)


def wrapped(head: str, text: str) -> str:
    """A paragraph with its head in a column of its own."""
    indent = " " * 11
    return fill(f"  {head:<9}{text}", WIDTH, subsequent_indent=indent, break_on_hyphens=False)
