"""The page from what it tells: jinja2 writes it, DataTables (of itables) sorts and filters it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from itables.utils import read_package_file
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from replications.core.declare.papers import Paper
from replications.core.report.compare import RULE as VERDICT_RULE
from replications.core.report.compare import VERDICTS
from replications.core.report.page import agreement
from replications.core.report.page.behind import Behind
from replications.core.report.page.claims import Row
from replications.core.report.page.pictures import Pair
from replications.core.report.page.strips import EDGE

CELLS = ("claim", "verdict", "drawing", "paper", "stored", "yours", "agrees")  # of cells.html
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Story:
    """An experiment as the page tells it: what was assumed, and whose runs there are."""

    paper: str
    name: str
    says: str
    unsaid: Mapping[str, str]
    behind: Sequence[tuple[str, Behind]]  # "stored" or "yours", and what stands behind them

    @property
    def id(self) -> str:
        """What claims refer to it by."""
        return f"{self.paper}.{self.name}"


@dataclass(frozen=True)
class Content:
    """All that the page tells."""

    tier: str
    commit: str
    problems: Sequence[str]
    papers: Mapping[str, Paper]
    rows: Sequence[Row]
    stories: Sequence[Story]
    figures: Mapping[str, Sequence[Pair]]
    models: Sequence[Mapping[str, str]]
    rules: Sequence[Mapping[str, str]]


def render(content: Content) -> str:
    """The page, as HTML that needs no other file and no network."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"leading": leading, "mark": mark, "embedded": as_json}
    return environment.get_template("index.html").render(
        c=content,
        verdicts=VERDICTS,
        verdict_rule=VERDICT_RULE.split("\n\n"),
        answers=agreement.ANSWERS,
        agreement_rule=agreement.RULE,
        edge=EDGE,
        rows=list(table_rows(environment, content.rows)),
        details=unfolded(environment, content),
        matrices=[
            ("stored", matrix(content.rows, "stored")),
            ("yours", matrix(content.rows, "yours")),
        ],
        own_style=embedded("style.css"),
        script=embedded("page.js"),
        table_style=Markup(read_package_file("html", "dt_bundle.css")),
        table_script=data_tables(),
    )


def table_rows(environment: Environment, rows: Iterable[Row]) -> Iterator[dict]:
    """What DataTables makes the rows of: cells, what they are sorted, found and filtered by."""
    cells = vars(environment.get_template("cells.html").module)
    for r in rows:
        orders = [r.says.lower(), VERDICTS.index(r.stored.verdict), float(r.far or 1e99),
                  number(leading(r.theirs)), number(r.stored.mean), number(r.yours.mean),
                  agreement.ANSWERS.index(r.answer)]  # fmt: skip
        yield {
            "id": f"claim-{r.id}",
            "cells": [cells[name](r) for name in CELLS],
            "orders": orders,
            "words": " ".join([r.says, r.paper, r.paper_label, r.name, r.where, r.measured]),
            "filters": {"paper": r.paper, "verdict": r.stored.verdict, "yours": r.yours.verdict,
                        "agrees": r.answer, "standing": r.standing, "tier": r.stored.tier},
        }  # fmt: skip


def unfolded(environment: Environment, content: Content) -> dict[str, dict[str, str]]:
    """What claims and experiments unfold to."""
    parts = vars(environment.get_template("unfolded.html").module)  # its macros
    return {
        "claims": {f"claim-{row.id}": parts["claim"](row) for row in content.rows},
        "stories": {story.id: parts["story"](story) for story in content.stories},
    }


def as_json(value: object) -> Markup:
    """JSON that may stand in a script: no end of a script, no comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("</", r"<\/").replace("<!--", r"<\u0021--"))


def number(text: str) -> float:
    """The number that a text is, to sort by; what is none comes first."""
    try:
        return float(text)
    except ValueError:
        return -1e99


def matrix(rows: Iterable[Row], whose: str) -> dict[str, dict[str, int]]:
    """How many claims of each paper have each verdict, in the order of the rule."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = found.setdefault(row.paper, dict.fromkeys(VERDICTS, 0))
        counts[getattr(row, whose).verdict] += 1
    return found


def embedded(name: str) -> Markup:
    """A file of the templates, to stand in the page as it is."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def data_tables() -> Markup:
    """DataTables, as itables bundles it, with its name in place of what the module exports.

    It stands in the page as it is: imported from a data address it takes three times as long.
    """
    bundle = read_package_file("html", "dt_bundle.js")
    bundle = bundle.replace("</script", r"<\/script").replace("<!--", r"<\!--")
    inlined, found = re.subn(
        r"export\{[^}]*?(\w+) as default[^}]*\}", r"const DataTable=\1", bundle
    )
    if found != 1:
        raise ValueError("itables exports DataTables otherwise than known: take the locked version")
    return Markup(inlined)


def leading(cell: str) -> str:
    """What a cell is sorted by: its first number, or that of its first layer; else its text."""
    if cell == "–":
        return ""
    found = re.match(r"(?:W\d+ )?(-?\d[\d.,]*(?:e[+-]?\d+)?)(?= |$)", cell)
    return found[1].replace(",", "") if found else cell


def mark(text: str) -> str:
    """A verdict or an answer as the name of a style."""
    return text.replace(" ", "-")
