"""Whether the runs of a tier agree with the stored ones, as far as their budget can tell."""

from __future__ import annotations

from replications.core.declare.papers import Claim
from replications.core.report.page.seen import Seen

RULE = (
    "Yours agrees with the stored runs if its mean lies in their 95% interval or within one "
    "tolerance of their mean (for a predicate: if both means lie on the same side of the margin); "
    "it differs if not, at the same budget or more, and the two 95% intervals do not overlap; "
    "everything else, other data or another network among it, cannot tell."
)
AGREES, DIFFERS, CANNOT = "agrees", "differs", "cannot tell"
ANSWERS = (AGREES, DIFFERS, CANNOT, "not run here", "nothing stored", "neither was run")


def agreement(yours: Seen, stored: Seen, claim: Claim) -> tuple[str, str]:
    """One of ANSWERS, by RULE, and why, in a few words."""
    mine, theirs = yours.comparison, stored.comparison
    if mine.ours is None or theirs.ours is None:
        return ANSWERS[3 if theirs.runs else 4 if mine.runs else 5], ""
    if mine.dataset != theirs.dataset:
        return CANNOT, f"other data: {mine.dataset}, stored {theirs.dataset}"
    if is_smaller(yours) != is_smaller(stored):
        return CANNOT, "another network"
    if why := near(mine.ours, theirs.ours, stored.interval, claim):
        return AGREES, why
    if mine.share < theirs.share:
        return CANNOT, f"budget: {mine.share_text}, stored {theirs.share_text}"
    (a, b), (c, d) = yours.interval, stored.interval
    if a <= d and c <= b:
        return CANNOT, "the intervals overlap"
    return DIFFERS, "beyond both intervals and the tolerance"


def is_smaller(seen: Seen) -> bool:
    """Whether the network is smaller than the paper's."""
    return "smaller network" in seen.comparison.share_text


def near(mine: float, theirs: float, interval: tuple[float, float], claim: Claim) -> str:
    """In which way two means agree; "" if in none."""
    if claim.is_predicate:
        same = (mine > claim.margin) == (theirs > claim.margin)
        return "the same side of the margin" if same else ""
    if interval[0] <= mine <= interval[1]:
        return "in the stored interval"
    distance = round(abs(mine - theirs), 9)  # 3.1 - 3 is a little more than .1 in binary
    return "within one tolerance" if distance <= claim.declared["tolerance"] else ""
