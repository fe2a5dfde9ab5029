"""The figures of finished runs, drawn for results/reference/figures/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from replications.core.declare.papers import Paper
from replications.core.report.plots import draw_figures
from replications.core.report.stored_figures import store_figures, wanted
from replications.core.report.tables import collect


def keep_figures(files: Sequence[Path], paper: Paper, results: Path, tier: str) -> None:
    """Draw a paper's figures from the scores.json `files` alone, and store them.

    Figures with an experiment that has no finished run stay as they are stored.
    """
    finished = {path.parent.parent.name for path in files}
    names = list(wanted(paper, tier, finished, results / "reference"))
    with TemporaryDirectory() as folder:
        drawn = Path(folder)
        (drawn / "runs").symlink_to((results / tier / "runs").resolve())
        collect(files, {paper.name: paper}, drawn / "papers" / paper.name)
        draw_figures(drawn, paper, tier, names)
        store_figures(paper, drawn / "figures" / paper.name, tier, names, results / "reference")
