"""results/reference/figures/: the figures of stored runs, small, and of which tier each is."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pandas as pd
from PIL import Image

from replications.core.base.files import write_atomically
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import Paper

logger = logging.getLogger(__name__)

HEAD = ["paper", "figure", "tier"]
DPI = 160  # of what is stored and shown; a screen has no use for the 300 of print
COLORS = 256  # lines, text and maps of colours keep their look, at a quarter of the size


def store_figures(
    paper: Paper, drawn: Path, tier: str, names: Iterable[str], reference: Path
) -> None:
    """Keep the PNG files of some of a paper's figures in <reference>/figures/<paper>/."""
    known, kept = tiers(reference), []
    folder = reference / "figures" / paper.name
    for name in names:
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(drawn / f"{name}.png") as image:
            shrunk(image).save(folder / f"{name}.png", optimize=True, dpi=(DPI, DPI))
        known[paper.name, name] = tier
        kept.append(name)
    if kept:
        write_tiers(reference, known)
    left = sorted(set(paper.figures) - set(kept))
    logger.info("%d figures are stored; not drawn: %s", len(kept), ", ".join(left) or "none")


def wanted(
    paper: Paper, tier: str, finished: Collection[str], scored: Collection[str], reference: Path
) -> Iterator[str]:
    """The figures to store: those of which every simulation has finished runs, and every network

    that is `scored`, of which scores of the tier are stored: a figure shows no fewer. Not those of
    which a larger tier's is stored; of the smoke tier, which shows other data, none.
    """
    known = tiers(reference)
    there = {e.name for e in paper.experiments(tier) if e.kind == "simulation" or e.name in scored}
    for name, declared in paper.figures.items():
        shown = set(declared["experiments"]) & there
        before = known.get((paper.name, name), TIERS[1])
        if shown and shown <= set(finished) and TIERS.index(tier) >= TIERS.index(before):
            yield name


def shrunk(image: Image.Image) -> Image.Image:
    """An image at DPI and with a palette; without a resolution of its own, at its size."""
    factor = DPI / image.info.get("dpi", (DPI,))[0]
    width, height = (round(factor * side) for side in image.size)
    small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    return small.quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


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
