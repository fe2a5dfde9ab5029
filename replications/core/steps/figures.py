"""The figures of finished runs, drawn for results/reference/figures/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from replications.core.declare.papers import Paper
from replications.core.report.plots import draw_figures
from replications.core.report.stored_figures import store_figures, wanted
from replications.core.report.tables import collect, read_table


def keep_figures(
    files: Sequence[Path], paper: Paper, results: Path, reference: Path, tier: str
) -> None:
    """Draw a paper's figures from the scores.json `files` alone, and store them.

    A figure stays as it is stored if it shows an experiment whose stored runs are not among them.
    """
    finished = {path.parent.parent.name for path in files}
    scores = read_table(reference / f"{tier}.csv")
    scored = scores.loc[scores["paper"] == paper.name, "experiment"].unique()
    names = list(wanted(paper, tier, finished, scored, reference))
    with TemporaryDirectory() as folder:
        drawn = Path(folder)
        (drawn / "runs").symlink_to((results / tier / "runs").resolve())
        collect(files, {paper.name: paper}, drawn / "papers" / paper.name)
        draw_figures(drawn, paper, tier, names)
        store_figures(paper, drawn / "figures" / paper.name, tier, scores, names, reference)
