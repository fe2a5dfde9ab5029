"""BibTeX of the papers behind a table, and of the suite that made it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import yaml
from pybtex.database import BibliographyData, Entry, Person

from replications.core.base.provenance import ROOT, git_commit
from replications.core.declare.papers import Suite

SUITE = "replications"  # its key
KINDS = {"journal": "article", "booktitle": "inproceedings"}  # of entries, by what they came out in


def cited(suite: Suite, named: Iterable[str]) -> str:
    """BibTeX of the suite at its commit, and of papers, named or behind the rows of table files.

    Raises DeclarationError for a paper that the suite does not have, ValueError for a file that is
    no table of claims.
    """
    papers: list[str] = []
    for name in named:
        papers += behind(Path(name)) if Path(name).suffix in (".csv", ".json") else [name]
    entries = {SUITE: of_suite()}
    for name in dict.fromkeys(papers):
        entries[name] = of_paper(suite.paper(name).declared["paper"])
    text = BibliographyData(entries).to_string("bibtex")
    # pybtex writes LaTeX in every field; biblatex and links take a DOI as it is.
    return re.sub(r'(?m)^ *doi = ".*"', lambda line: line[0].replace("\\_", "_"), text)


def behind(table: Path) -> list[str]:
    """The papers of a comparison.csv or comparison.json, in the order of its rows."""
    if not table.exists():
        raise ValueError(f"{table} is not there: name papers, or a comparison.csv or .json")
    if table.suffix == ".csv":
        rows = pd.read_csv(table, dtype=str)
        found = rows["paper"].tolist() if "paper" in rows else []
    else:
        told = json.loads(table.read_text(encoding="utf-8"))
        found = [row["paper"] for row in told.get("comparisons", [])]
    if not found:
        raise ValueError(f"{table} has no papers: give a comparison.csv or comparison.json")
    return list(dict.fromkeys(found))


def of_paper(declared: dict) -> Entry:
    """The entry of a paper, as its paper.yaml declares it."""
    published = declared.get("published", {})
    kind = next((kind for key, kind in KINDS.items() if key in published), "misc")
    fields = {"title": f"{{{declared['title']}}}", "year": str(declared["year"])}
    fields |= {key: value.replace("-", "--") if key == "pages" else value
               for key, value in published.items()}  # fmt: skip
    if "doi" in declared:
        fields["doi"] = declared["doi"]
    if "arxiv" in declared:
        fields |= {"eprint": declared["arxiv"], "archiveprefix": "arXiv"}
    authors = [Person(name) for name in declared["authors"]]
    return Entry(kind, fields=fields, persons={"author": authors})


def of_suite() -> Entry:
    """The entry of the suite, as CITATION.cff declares it, at the commit that is checked out."""
    told = citation()
    fields = {
        "title": f"{{{told['title']}}}",
        "year": str(told["date-released"].year),
        "note": f"Version {told['version']}, commit {git_commit()}",
    }
    # A name in braces is one word: a group has no first and last name.
    authors = [Person(f"{{{author['name']}}}") for author in told["authors"]]
    return Entry("software", fields=fields, persons={"author": authors})


def citation() -> dict:
    """CITATION.cff: the suite's title, version, licence and authors."""
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
