"""results/reference/figures/: the figures of stored runs, small.

figures.csv says of which tier each is, and which stored scores its runs have.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pandas as pd
from PIL import Image

from replications.core.base.files import write_atomically
from replications.core.base.hashes import digest
from replications.core.declare.experiments import TIERS
from replications.core.declare.papers import Paper
from replications.core.report.tables import KEYS

logger = logging.getLogger(__name__)

HEAD = ["paper", "figure", "tier", "experiment", "scores"]
DPI = 160  # of what is stored and shown; a screen has no use for the 300 of print
COLORS = 256  # lines, text and maps of colours keep their look, at a quarter of the size


def store_figures(
    paper: Paper, drawn: Path, tier: str, scores: pd.DataFrame, names: Iterable[str],
    reference: Path,
) -> None:  # fmt: skip
    """Keep the PNG files of some of a paper's figures in <reference>/figures/<paper>/.

    `scores` are the stored scores of the tier.
    """
    known, kept = read_figures(reference), list(names)
    folder = reference / "figures" / paper.name
    for name in kept:
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(drawn / f"{name}.png") as image:
            shrunk(image).save(folder / f"{name}.png", optimize=True, dpi=(DPI, DPI))
    if kept:
        rows = [
            [paper.name, name, tier, *shown]
            for name in kept
            for shown in digests(scores, paper.name, paper.figures[name]["experiments"]).items()
        ]
        before = known[(known["paper"] != paper.name) | ~known["figure"].isin(kept)]
        table = pd.concat([before, pd.DataFrame(rows, columns=HEAD)]).sort_values(HEAD[:4])
        text = table.to_csv(index=False, lineterminator="\n")
        write_atomically(reference / "figures" / "figures.csv", text)
    left = sorted(set(paper.figures) - set(kept))
    logger.info("%d figures are stored; not drawn: %s", len(kept), ", ".join(left) or "none")


def digests(scores: pd.DataFrame, paper: str, experiments: Iterable[str]) -> dict[str, str]:
    """Of each experiment that has stored scores, a digest of them."""
    own = scores.loc[scores["paper"] == paper, ["experiment", *KEYS[2:], "value"]]
    return {
        name: digest(rows.to_csv(index=False))
        for name, rows in own.groupby("experiment")
        if name in set(experiments)
    }


def wanted(
    paper: Paper, tier: str, finished: Collection[str], scored: Collection[str], reference: Path
) -> Iterator[str]:
    """The figures to store: those of which every simulation has finished runs, and every network

    that is `scored`, of which scores of the tier are stored, or that the stored figure of a smaller
    tier shows: a figure shows no fewer. Not those of which a larger tier's is stored; of the smoke
    tier, which shows other data, none.
    """
    known, stored = tiers(reference), read_figures(reference)
    own = stored[stored["paper"] == paper.name].groupby("figure")["experiment"].agg(set)
    here = {e.name for e in paper.experiments(tier)}
    there = {e.name for e in paper.experiments(tier) if e.kind == "simulation" or e.name in scored}
    for name, declared in paper.figures.items():
        before = known.get((paper.name, name), TIERS[1])
        shown = set(declared["experiments"]) & there
        if shown and before != tier:
            shown |= set(own.get(name, ())) & here
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
    rows = read_figures(reference).to_dict("records")
    return {(row["paper"], row["figure"]): row["tier"] for row in rows}


def read_figures(reference: Path) -> pd.DataFrame:
    """figures.csv: a row for each experiment that a stored figure shows."""
    path = reference / "figures" / "figures.csv"
    return pd.read_csv(path, dtype=str) if path.exists() else pd.DataFrame(columns=HEAD)
