"""The last lines of `make`: each paper's claims by verdict, and where to look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from replications.core.base.files import read_json
from replications.core.base.provenance import ROOT
from replications.core.report.compare import VERDICTS, heading


def summary(results: Path, tier: str | None) -> Iterator[str]:
    """A line per paper of results/<tier>/comparison.json, and one that names the page.

    Without a tier that of config/config.yaml. Raises ValueError, with what to run, without tables.
    """
    tier = (
        tier
        or yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))["tier"]
    )
    table = results / tier / "comparison.json"
    if not table.exists():
        raise ValueError(f"{table} is not there: run `snakemake --cores all {tier}` first")
    told: dict[str, list[str]] = {}
    for row in read_json(table)["comparisons"]:
        told.setdefault(row["paper"], []).append(row["verdict"])
    width = max(map(len, told), default=0)
    for paper, verdicts in told.items():
        counts = {v: verdicts.count(v) for v in VERDICTS if v in verdicts}
        yield f"{paper:<{width}}  {heading(counts)}"
    page = results / tier / "index.html"
    yield f"To look at: {page}" if page.exists() else f"{page} is not there yet"
