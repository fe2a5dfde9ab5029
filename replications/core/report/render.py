"""Comparisons as tables that people read: a section for each paper, in Markdown, HTML and LaTeX.

The same cells in all. Beside them CSV and JSON, which have identifiers and every digit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from pathlib import Path

import pandas as pd

from replications.core.base.carried import Carried
from replications.core.base.files import write_atomically
from replications.core.declare.papers import Paper
from replications.core.report.compare import (
    RULE,
    Comparison,
    compare,
    counted,
    heading,
    loosely_carried,
)
from replications.core.report.latex import PREVIEW, fragment
from replications.core.report.tables import read_scores

COLUMNS = ("claim", "where", "measured", "paper's value", "ours, mean", "95% t-interval", "runs",
           "verdict", "note")  # fmt: skip
STYLE = (
    "body{font:14px sans-serif}td,th{padding:4px 8px;text-align:left;vertical-align:top}"
    "table{border-collapse:collapse}tr{border-bottom:1px solid #ddd}"
    "th{position:sticky;top:0;background:white}"
)


@dataclass(frozen=True)
class Section:
    """The claims of one paper as a table: its heading, a line above it, and rows by COLUMNS."""

    title: str
    line: str
    rows: list[dict[str, str]]


def sections(comparisons: Sequence[Comparison]) -> list[Section]:
    """A section for each paper.

    The tier and share that most of its claims have stand in the line; a claim with others says so
    in its note.
    """
    return [
        section([c for c in comparisons if c.paper == paper])
        for paper in dict.fromkeys(c.paper for c in comparisons)
    ]


def section(comparisons: Sequence[Comparison]) -> Section:
    """The claims of one paper."""
    spent = Counter(budget(c) for c in comparisons if c.runs)
    usual = max(spent, key=spent.__getitem__, default="")
    line = f"{heading(counted(comparisons))}."
    if usual:
        line += f" Budget: {usual}" + (", where a note does not say otherwise." if len(spent) > 1
                                       else ".")  # fmt: skip
    return Section(comparisons[0].paper_label, line, [cells(c, usual) for c in comparisons])


def budget(comparison: Comparison) -> str:
    """The tier, and the share of the paper's budget: "paper tier, full"."""
    return f"{comparison.tier} tier, {comparison.share_text}"


def cells(comparison: Comparison, usual: str = "") -> dict[str, str]:
    """The cells of one row, by COLUMNS; the note begins with a budget that is not the usual."""
    c = comparison
    of_budget = budget(c) if c.runs and budget(c) != usual else ""
    texts = (
        c.says,
        c.where,
        c.measured,
        c.paper_value,
        number(c.ours),
        "" if c.low is None else f"{number(c.low)} to {number(c.high)}",
        f"{c.runs}" if c.runs == c.of else f"{c.runs} of {c.of}",
        f"open: short of it at {c.share_text}" if c.verdict == "open" else c.verdict,
        "; ".join(filter(None, [of_budget, c.note])),
    )
    return dict(zip(COLUMNS, texts, strict=True))


def three_digits(value: float) -> str:
    """Three significant digits; more for what is below 1 and would read 1: 0.9999."""
    digits = 3
    while abs(value) < 1 and abs(float(f"{value:.{digits}g}")) == 1:
        digits += 1
    return f"{value:.{digits}g}"


def number(value: float | None) -> str:
    """`three_digits`, one decimal from 100 on; "" for None."""
    if value is None:
        return ""
    return three_digits(value) if abs(value) < 100 else f"{value:.1f}"


def markdown(table: Sequence[Mapping[str, str]]) -> str:
    """A Markdown table of rows of text."""
    if not table:
        return ""
    lines = ["| " + " | ".join(table[0]) + " |", "|" + "---|" * len(table[0])]
    for row in table:
        texts = (" ".join(text.split()).replace("|", "\\|") for text in row.values())
        lines.append(f"| {' | '.join(texts)} |")
    return "\n".join(lines) + "\n"


def in_markdown(comparisons: Sequence[Comparison]) -> str:
    """The counts of all, a table for each paper, and the rule."""
    parts = [f"## {s.title}\n\n{s.line}\n\n{markdown(s.rows)}" for s in sections(comparisons)]
    return "\n".join([heading(counted(comparisons)) + "\n", *parts, RULE, ""])


def in_html(comparisons: Sequence[Comparison]) -> str:
    """The same as a page of its own, for the report."""
    parts = [
        f"<h2>{escape(s.title)}</h2><p>{escape(s.line)}</p>"
        + pd.DataFrame(s.rows).to_html(index=False, border=0)
        for s in sections(comparisons)
    ]
    head, rule = heading(counted(comparisons)), "<br>".join(map(escape, RULE.splitlines()))
    page = f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><p>{escape(head)}</p>"
    return "\n".join([page, *parts, f"<p>{rule}</p>", ""])


def in_latex(comparisons: Sequence[Comparison], *, wide: bool) -> str:
    """The same as a fragment for a column or for a whole page; without the rule."""
    return "\n".join(fragment(s.title, s.line, s.rows, wide=wide) for s in sections(comparisons))


def in_csv(comparisons: Sequence[Comparison]) -> str:
    """A row for each claim, with identifiers and every digit."""
    columns = [field.name for field in fields(Comparison)]
    return pd.DataFrame(map(asdict, comparisons), columns=columns).to_csv(index=False)


def in_json(comparisons: Sequence[Comparison], tier: str) -> str:
    """The same, with the rule and the counts."""
    document = {"tier": tier, "rule": RULE, "counts": counted(comparisons),
                "comparisons": [asdict(c) for c in comparisons]}  # fmt: skip
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def write_comparison(into: Path, papers: Mapping[str, Paper], tier: str, carried: Carried) -> None:
    """Write comparison.csv, .json, .md, .html and the LaTeX beside `into`/scores.parquet."""
    scores = read_scores(into / "scores.parquet")
    compared = compare(scores, papers, tier, loosely_carried(scores, carried, tier))
    contents = {
        "comparison.csv": in_csv(compared),
        "comparison.json": in_json(compared, tier),
        "comparison.md": in_markdown(compared),
        "comparison.html": in_html(compared),
        "comparison_column.tex": in_latex(compared, wide=False),
        "comparison_page.tex": in_latex(compared, wide=True),
        "comparison_preview.tex": PREVIEW,
    }
    for name, content in contents.items():
        write_atomically(into / name, content)
