"""The generated parts of the READMEs: result tables, written between two marks."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from replications.core.compare import RULE, Comparison, compare, markdown, printed
from replications.core.papers import TIERS, Suite
from replications.core.provenance import PACKAGE, ROOT
from replications.core.runs import write_atomically
from replications.core.tables import COLUMNS, read

MARKS = "<!-- results: written by `make readme` -->\n", "<!-- end of results -->"
# The widest tables that a README page shows without scrolling; results/ has the rest.
SHOWN = ["claim", "where", "metric", "paper's value", "ours, mean", "95% t-interval", "runs",
         "verdict", "tier, share", "note"]  # fmt: skip


def best(reference: Path, suite: Suite) -> list[Comparison]:
    """Every claim once: by the paper tier where it was run, else by the standard tier."""
    tables = {}
    for tier in reversed(TIERS[1:]):
        path = reference / f"{tier}.csv"
        scores = read(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
        tables[tier] = compare(scores, suite.papers, tier)
    pairs = zip(tables["paper"], tables["standard"], strict=True)
    return [paper if paper.runs else standard for paper, standard in pairs]


def table(comparisons: list[Comparison], *, leading: tuple[str, ...] = ()) -> str:
    """The Markdown table of some comparisons, and the rule below it."""
    rows = [printed(c) for c in comparisons]
    shown = markdown([{name: row[name] for name in (*leading, *SHOWN)} for row in rows])
    return f"{shown}\n{RULE}\n"


def replace(text: str, content: str) -> str:
    """`text` with what stands between the marks replaced. Raises ValueError without the marks."""
    start, end = map(re.escape, MARKS)
    if not re.search(f"{start}.*{end}", text, flags=re.DOTALL):
        raise ValueError(f"a README has no place for its results: {MARKS[0]}{MARKS[1]}")
    new = f"{MARKS[0]}\n{content}\n{MARKS[1]}"
    return re.sub(f"{start}.*?{end}", lambda _: new, text, flags=re.DOTALL)


def generated(reference: Path) -> dict[Path, str]:
    """Every README with its tables as the stored reference has them."""
    suite = Suite()
    comparisons = best(reference, suite)
    main = table(comparisons, leading=("paper",))
    texts = {ROOT / "README.md": main}
    for name in suite.papers:
        own = [c for c in comparisons if c.paper == name]
        texts[ROOT / PACKAGE / name / "README.md"] = table(own)
    return {path: replace(path.read_text(), content) for path, content in texts.items()}


def write_readmes(reference: Path) -> None:
    """Write the tables of results/reference/ into every README."""
    for path, text in generated(reference).items():
        write_atomically(path, text)
