"""Captions of figures, with the numbers of the claims that they show."""

from __future__ import annotations

from collections.abc import Mapping

from replications.core.declare.papers import Paper
from replications.core.report.compare import Comparison
from replications.core.report.render import cells


def caption(paper: Paper, figure: str, compared: Mapping[str, Comparison]) -> str:
    """A figure's caption, and the paper's and our numbers of its claims, `compared` by name."""
    declared = paper.figures[figure]
    sources = {claim.name: claim.source for claim in paper.claims}
    numbers = [numbered(compared[n], sources[n]) for n in declared.get("claims", [])]
    return " ".join([declared["caption"].strip(), *numbers])


def numbered(comparison: Comparison, source: str) -> str:
    """A claim with its numbers in a sentence: "It is so: the paper 2%, here 2.1% (1.9 to 2.3)."."""
    c, shown = comparison, cells(comparison)
    unit = f" {c.unit}" if c.unit else ""
    interval = f" ({shown['95% t-interval']})" if c.low is not None else ""
    ours = f"here {shown['ours, mean']}{unit}{interval}" if c.runs else "not run"
    says = c.says[0].upper() + c.says[1:]
    wanted = f"{c.paper_value}{unit}"
    wanted = f"{wanted} if so" if c.direction == "difference" else f"{source} {wanted}"
    return f"{says}: {wanted}, {ours}."
