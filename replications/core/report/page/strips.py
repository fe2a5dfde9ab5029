"""Dots and whiskers: one small drawing for each claim, on a scale in tolerances.

The paper's value is the middle, a range a box about it; right is more. One unit is the claim's
tolerance. Claims without one, predicates among them, have a scale of their own, which fits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from replications.core.declare.metrics import Metric
from replications.core.declare.papers import Claim
from replications.core.report.compare import better, value_range
from replications.core.report.page.seen import Seen

EDGE = 6.0  # units from the middle to either end; what lies beyond becomes an arrow there
BOX = 0.5  # half of what a range is drawn as, in units
UNIT = 20  # pixels of the page
SIZE = (UNIT * (2 * EDGE + 0.5), 38)  # width and height, pixels
SIDES = ((11, "#2f7fd0"), (27, "#d9660a"))  # stored and yours: y, pixels, and color
DOT = "m-3.7 0a3.7 3.7 0 1 0 7.4 0a3.7 3.7 0 1 0-7.4 0"  # a mean, drawn from its middle
RIGHT, LEFT = "m-3.7-3.7v7.4l7.4-3.7z", "m3.7-3.7v7.4l-7.4-3.7z"  # or beyond an end

environment = Environment(
    loader=PackageLoader(__package__), undefined=StrictUndefined, trim_blocks=True
)
environment.filters["x"] = lambda units: round(SIZE[0] / 2 + units * UNIT, 2)
DRAWING = environment.get_template("strip.svg")


@dataclass(frozen=True)
class Scale:
    """From a metric's values to units of the strip."""

    low: float  # the paper's value, or the ends of its range; of a predicate the margin
    high: float
    unit: float  # how much of the metric is one unit
    told: str  # what one unit is, in words

    def at(self, value: float) -> float:
        """Where a value lies: units beyond the nearer end; inside a range, a place in the box."""
        half = BOX if self.high > self.low else 0.0
        if value > self.high:
            return half + (value - self.high) / self.unit
        if value < self.low:
            return -half - (self.low - value) / self.unit
        return half * (2 * (value - self.low) / (self.high - self.low) - 1) if half else 0.0

    def within(self, value: float) -> float:
        """The same, but no farther than the ends of the strip."""
        return max(-EDGE, min(EDGE, self.at(value)))


def scale_of(claim: Claim, stored: Seen, yours: Seen, unit: str) -> Scale:
    """The scale of a claim: its tolerance, or what the stored runs (else yours) and 0 need."""
    low, high = ends(claim)
    tolerance = claim.declared.get("tolerance", 0.0)
    if tolerance > 0:
        return Scale(
            low, high, tolerance, f"one unit is the tolerance, {tolerance:g} {unit}".strip()
        )
    shown = list((stored if stored.runs else yours).runs.values())
    shown += [0.0] if claim.is_predicate else []
    farthest = max((max(v - high, low - v) for v in shown), default=0.0)
    own = farthest / (EDGE - 1.5) if farthest > 0 else 1.0
    return Scale(
        low, high, own, f"no tolerance: scaled to fit, one unit is {own:.2g} {unit}".strip()
    )


def ends(claim: Claim) -> tuple[float, float]:
    """The paper's value twice, the ends of its range, or the margin twice."""
    return (claim.margin, claim.margin) if claim.is_predicate else value_range(claim)


def zones(claim: Claim, metric: Metric, scale: Scale) -> Iterator[tuple[float, float, float]]:
    """Where a mean is near enough (dark), or up to three tolerances off: from, to, alpha."""
    half = BOX if scale.high > scale.low else 0.0
    has = claim.declared.get("tolerance", 0.0) > 0
    side = True if claim.is_predicate else better(claim, metric)
    for tolerances, alpha in ((3, 0.16), (1, 0.26)) if has else ((0, 0.38),):
        left = -EDGE if side is False else -half - tolerances
        right = EDGE if side is True else half + tolerances
        yield left, right, alpha


def strip(claim: Claim, metric: Metric, scale: Scale, stored: Seen, yours: Seen) -> str:
    """The drawing as the address of an image: what is stored above, yours below."""
    svg = DRAWING.render(
        width=SIZE[0], height=SIZE[1], unit=UNIT, edge=EDGE,
        zones=zones(claim, metric, scale), marks=marks(claim, scale),
        whiskers=[whisker(seen, scale, *side)
                  for seen, side in zip((stored, yours), SIDES, strict=True) if seen.runs],
    )  # fmt: skip
    return "data:image/svg+xml," + quote(svg.replace("\n", ""), safe=" <>/:=;,.()'+-")


def marks(claim: Claim, scale: Scale) -> list[tuple[float, str]]:
    """The paper's value, range or margin, and of a predicate 0, dotted: places and dashes."""
    half = BOX if scale.high > scale.low else 0.0
    found = [(x, "") for x in dict.fromkeys((-half, half))]
    if claim.is_predicate and scale.low:
        found.append((scale.within(0.0), "2"))
    return found


def whisker(seen: Seen, scale: Scale, y: float, color: str) -> dict[str, object]:
    """Every run a tick, the interval a line, the mean a dot, or an arrow where it lies outside."""
    low, high = (scale.within(value) for value in seen.interval)
    mean = scale.at(seen.comparison.ours or 0.0)
    return {
        "y": y, "color": color, "low": low, "high": high,
        "ticks": [scale.at(v) for v in seen.runs.values() if abs(scale.at(v)) <= EDGE],
        "mean": math.copysign(min(abs(mean), EDGE), mean),
        "shape": DOT if abs(mean) <= EDGE else RIGHT if mean > 0 else LEFT,
    }  # fmt: skip


def told(claim: Claim, scale: Scale, stored: Seen, yours: Seen) -> str:
    """The drawing in words, for who does not see it."""
    parts = []
    for whose, seen in (("stored", stored), ("yours", yours)):
        if seen.comparison.ours is not None:
            where = scale.at(seen.comparison.ours)
            side = "above" if where > 0 else "below"
            far = f"{abs(where):.2g} units {side}" if where else "on"
            parts.append(f"{whose} {far} the {'margin' if claim.is_predicate else 'mark'}")
    return ("; ".join(parts) or "no runs") + f" ({scale.told})"
