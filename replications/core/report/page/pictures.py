"""Figures as the page embeds them: those of the tier, each beside its stored twin."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from replications.core.declare.papers import Paper
from replications.core.report.captions import caption
from replications.core.report.compare import Comparison
from replications.core.report.stored_figures import DPI, shrunk, tiers

WIDE = 2.0  # wider than this to its height, a figure has the page's width, its twin below it


@dataclass(frozen=True)
class Picture:
    """One image, or, without an address, what is to be said in its place."""

    whose: str
    address: str
    width: int  # CSS pixels at which it has the size that it was drawn for
    height: int
    instead: str


@dataclass(frozen=True)
class Pair:
    """A figure of a paper: yours, and the stored one."""

    name: str
    caption: str
    pictures: tuple[Picture, ...]

    @property
    def wide(self) -> bool:
        """Whether the two stand below each other, as they do where one is missing."""
        return any(not p.height or p.width / p.height > WIDE for p in self.pictures)


def pairs(
    paper: Paper, folder: Path, tier: str, reference: Path, compared: Mapping[str, Comparison]
) -> list[Pair]:
    """Every figure that a paper declares, in its order; `folder` is results/<tier>.

    Its caption has the numbers of its claims, `compared` by name.
    """
    stored = tiers(reference)
    return [
        Pair(name, caption(paper, name, compared),
             (yours(folder, paper.name, name, tier),
              twin(reference, paper.name, name, stored.get((paper.name, name), ""))))
        for name in paper.figures
    ]  # fmt: skip


def yours(folder: Path, paper: str, name: str, tier: str) -> Picture:
    """The figure of the tier, made as small as a stored one."""
    again = f"snakemake --cores all {paper} --config tier={tier}"
    missing = f"Not drawn in the {tier} tier. To draw it: {again}"
    return picture(f"yours, {tier} tier", folder / "figures" / paper / f"{name}.png", missing)


def twin(reference: Path, paper: str, name: str, tier: str) -> Picture:
    """The figure that results/reference/ stores, of the tier that figures.csv names."""
    whose = f"stored, {tier} tier" if tier else "stored"
    path = reference / "figures" / paper / f"{name}.png"
    return picture(whose, path, "No figure of it is stored yet.", is_small=True)


def picture(whose: str, path: Path, missing: str, *, is_small: bool = False) -> Picture:
    """A PNG file as it is, or made small."""
    if not path.exists():
        return Picture(whose, "", 0, 0, missing)
    try:
        with Image.open(path) as image:
            image.load()  # fails where the file is cut short
            small = image if is_small else shrunk(image)
            content = path.read_bytes() if is_small else in_png(small)
            width, height = (round(96 / DPI * side) for side in small.size)
    except (OSError, UnidentifiedImageError):
        return Picture(whose, "", 0, 0, f"{path.name} cannot be read as an image.")
    address = "data:image/png;base64," + b64encode(content).decode()
    return Picture(whose, address, width, height, "")


def in_png(image: Image.Image) -> bytes:
    """An image as a PNG file has it."""
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
