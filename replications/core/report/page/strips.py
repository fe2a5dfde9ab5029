"""Dots and whiskers: one small drawing for each claim, on a scale in tolerances.

The paper's value is the middle, a range a box about it; right is more. One unit is the claim's
tolerance. Claims without one, predicates among them, have a scale of their own, which fits.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replications.core.declare.metrics import Metric
from replications.core.declare.papers import Claim
from replications.core.report.compare import better, value_range
from replications.core.report.page.seen import Seen

EDGE = 6.0  # units from the middle to either end; what lies beyond becomes an arrow there
BOX = 0.5  # half of what a range is drawn as, in units
INCHES = (2.6, 0.4)
STORED, YOURS, MARK, GOOD = "#2f7fd0", "#d9660a", "#7a7a7a", "#009e73"  # read on white and black
NOTHING = {"Date": None, "Creator": None, "Format": None, "Type": None}  # no metadata


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
    shown += [0.0] if "compares" in claim.declared else []
    farthest = max((max(v - high, low - v) for v in shown), default=0.0)
    own = farthest / (EDGE - 1.5) if farthest > 0 else 1.0
    return Scale(
        low, high, own, f"no tolerance: scaled to fit, one unit is {own:.2g} {unit}".strip()
    )


def ends(claim: Claim) -> tuple[float, float]:
    """The paper's value twice, the ends of its range, or the margin twice."""
    if "compares" in claim.declared:
        margin = claim.declared["compares"]["margin"]
        return margin, margin
    return value_range(claim)


def zones(claim: Claim, metric: Metric, scale: Scale) -> Iterator[tuple[float, float, float]]:
    """Where a mean is near enough (dark), or up to three tolerances off: from, to, alpha."""
    half = BOX if scale.high > scale.low else 0.0
    predicate, has = "compares" in claim.declared, claim.declared.get("tolerance", 0.0) > 0
    side = True if predicate else better(claim, metric)
    for tolerances, alpha in ((3, 0.16), (1, 0.26)) if has else ((0, 0.38),):
        left = -EDGE if side is False else -half - tolerances
        right = EDGE if side is True else half + tolerances
        yield left, right, alpha


@style.context(["default", {"svg.hashsalt": "strip"}])  # nothing of the user's
def strip(claim: Claim, metric: Metric, scale: Scale, stored: Seen, yours: Seen) -> str:
    """The drawing as the address of an image: what is stored above, yours below."""
    figure = Figure(figsize=INCHES)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set(xlim=(-EDGE - 0.25, EDGE + 0.25), ylim=(0, 2))
    axes.fill_between([-EDGE, EDGE], 0, 2, color=MARK, alpha=0.09, lw=0, clip_on=False)
    for left, right, alpha in zones(claim, metric, scale):
        axes.fill_between([left, right], 0, 2, color=GOOD, alpha=alpha, lw=0, clip_on=False)
    mark(axes, claim, scale)
    for seen, height, color in ((stored, 1.42, STORED), (yours, 0.58, YOURS)):
        if seen.runs:
            whisker(axes, seen, scale, height, color)
    return address(figure)


def mark(axes: Axes, claim: Claim, scale: Scale) -> None:
    """The paper's value, range or margin; of a predicate 0, dotted, where that is another place."""
    half = BOX if scale.high > scale.low else 0.0
    for x in dict.fromkeys((-half, half)):
        line(axes, [x, x], [0, 2], color=MARK, lw=1.2)
    if "compares" in claim.declared and scale.low:
        zero = scale.within(0.0)
        line(axes, [zero, zero], [0, 2], color=MARK, lw=1, ls=":")


def whisker(axes: Axes, seen: Seen, scale: Scale, height: float, color: str) -> None:
    """Every run a tick, the interval a line, the mean a dot, or an arrow where it lies outside."""
    low, high = (scale.within(value) for value in seen.interval)
    line(axes, [low, high], [height, height], color=color, lw=1.6)
    ticks = [scale.at(v) for v in seen.runs.values() if abs(scale.at(v)) <= EDGE]
    line(axes, ticks, [height] * len(ticks), color=color, ls="", marker="|", ms=7, mew=0.8)
    mean = scale.at(seen.comparison.ours or 0.0)
    shape = "o" if abs(mean) <= EDGE else ">" if mean > 0 else "<"
    place = math.copysign(min(abs(mean), EDGE), mean)
    line(axes, [place], [height], color=color, ls="", marker=shape, ms=5.5, mew=0)


def line(axes: Axes, x: list[float], y: list[float], **look: Any) -> None:
    """A line or marks, which no clip path surrounds: what is drawn lies inside."""
    axes.plot(x, y, clip_on=False, solid_capstyle="butt", **look)


def address(figure: Figure) -> str:
    """A figure as SVG in a data address."""
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata=NOTHING)
    svg = written.getvalue()
    svg = re.sub(r"\s+", " ", svg[svg.index("<svg") :]).replace("> <", "><").replace('"', "'")
    svg = re.sub(r"<g id='\w+'>", "<g>", svg)  # names that nobody uses
    svg = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", svg)
    return "data:image/svg+xml," + quote(svg, safe=" <>/:=;,.()'+-")


def told(claim: Claim, scale: Scale, stored: Seen, yours: Seen) -> str:
    """The drawing in words, for who does not see it."""
    parts = []
    for whose, seen in (("stored", stored), ("yours", yours)):
        if seen.comparison.ours is not None:
            where = scale.at(seen.comparison.ours)
            side = "above" if where > 0 else "below"
            far = f"{abs(where):.2g} units {side}" if where else "on"
            parts.append(
                f"{whose} {far} the {'margin' if 'compares' in claim.declared else 'mark'}"
            )
    return ("; ".join(parts) or "no runs") + f" ({scale.told})"
