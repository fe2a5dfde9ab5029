"""results/reference/figures/: the figures of stored runs, small, and of which tier each is."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd
from PIL import Image

from replications.core.base.files import write_atomically
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import Paper

logger = logging.getLogger(__name__)

HEAD = ["paper", "figure", "tier"]
DPI = 160  # of the PNG files that plots.draw_figures writes
COLORS = 256  # lines, text and maps of colours keep their look, at a quarter of the size


def store_figures(
    paper: Paper, drawn: Path, tier: str, finished: Collection[str], reference: Path
) -> list[str]:
    """Keep the PNG files of a paper's figures in <reference>/figures/<paper>/; returns which.

    A figure is kept if all experiments that it shows have finished runs, unless one of a larger
    tier is stored; of the smoke tier, which shows other data, none.
    """
    known, kept = tiers(reference), []
    folder = reference / "figures" / paper.name
    for name in wanted(paper, tier, finished):
        before = known.get((paper.name, name), TIERS[0])
        if TIERS.index(tier) < TIERS.index(before) or tier == TIERS[0]:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(drawn / f"{name}.png") as image:
            shrunk(image).save(folder / f"{name}.png", optimize=True)
        known[paper.name, name] = tier
        kept.append(name)
    if kept:
        write_tiers(reference, known)
    left = sorted(set(paper.figures) - set(kept))
    logger.info("%d figures are stored, left as they are: %s", len(kept), ", ".join(left) or "none")
    return kept


def wanted(paper: Paper, tier: str, finished: Collection[str]) -> Iterable[str]:
    """The figures whose experiments, as far as the tier declares them, all have finished runs."""
    there = {e.name for e in paper.experiments(tier)}
    for name, declared in paper.figures.items():
        shown = set(declared["experiments"]) & there
        if shown and shown <= set(finished):
            yield name


def shrunk(image: Image.Image) -> Image.Image:
    """An image with a palette."""
    return image.convert("RGB").quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def tiers(reference: Path) -> dict[tuple[str, str], str]:
    """Of which tier each stored figure is, by paper and name."""
    path = reference / "figures" / "figures.csv"
    if not path.exists():
        return {}
    table = pd.read_csv(path, dtype=str)
    return {(row["paper"], row["figure"]): row["tier"] for row in table.to_dict("records")}


def write_tiers(reference: Path, known: dict[tuple[str, str], str]) -> None:
    """Write that."""
    rows = [[*key, tier] for key, tier in sorted(known.items())]
    text = pd.DataFrame(rows, columns=HEAD).to_csv(index=False, lineterminator="\n")
    write_atomically(reference / "figures" / "figures.csv", text)
