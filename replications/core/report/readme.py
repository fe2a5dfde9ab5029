"""The generated parts of what people read: tables and findings between two marks, and figures."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from replications.core.base.carried import Carried
from replications.core.base.files import write_atomically
from replications.core.base.provenance import PACKAGE, ROOT
from replications.core.declare.experiments import TIERS, Experiment
from replications.core.declare.league import LEAGUE
from replications.core.declare.metrics import ANCHORS
from replications.core.declare.papers import Paper, suite
from replications.core.declare.schema import parsed
from replications.core.declare.searches import searches
from replications.core.report.captions import caption
from replications.core.report.compare import (
    RULE,
    Comparison,
    compare,
    counted,
    heading,
    loosely_carried,
)
from replications.core.report.findings import Findings
from replications.core.report.front import front_figures, verdicts
from replications.core.report.labels import spaced
from replications.core.report.league import in_markdown, lines
from replications.core.report.render import markdown, section
from replications.core.report.stored_figures import tiers
from replications.core.report.tables import COLUMNS, read_table


def marks(name: str) -> tuple[str, str]:
    """What stands before and after a generated part."""
    return f"<!-- {name}: written by `make readme` -->\n", f"<!-- end of {name} -->"


MARKS, SAMPLES, SEARCHED, TABLED = map(marks, ("results", "samples", "search", "league"))
FINDINGS, VERDICT_RULE, SIZES = map(marks, ("findings", "rule", "sizes"))
DOCS = ROOT / "docs"
QUALITIES = ("parzen", "parzen_chosen", "sigma", "log_likelihood", "log_likelihood_gap", "frechet",
             "two_sample", "precision", "recall", "density", "coverage")  # fmt: skip


def best(reference: Path, papers: Mapping[str, Paper]) -> list[Comparison]:
    """Every claim once: by the paper tier where it was run, else by the standard tier."""
    tables, carried = {}, Carried(reference / "carried.csv")
    for tier in reversed(TIERS[1:]):
        path = reference / f"{tier}.csv"
        scores = read_table(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
        tables[tier] = compare(scores, papers, tier, loosely_carried(scores, carried, tier))
    pairs = zip(tables["paper"], tables["standard"], strict=True)
    return [paper if paper.runs else standard for paper, standard in pairs]


def table(comparisons: list[Comparison], name: str) -> str:
    """How many of a paper's claims have which verdict, their budget, and the Markdown table."""
    own = section([c for c in comparisons if c.paper == name])
    return f"{own.line}\n\n{markdown(own.rows)}"


def outcome_of_paper(paper: Paper, comparisons: list[Comparison], reference: Path) -> str:
    """What came out of one paper, for its page: a figure, the table, and the other figures."""
    first, *others = [*stored_figures(paper, comparisons, reference), ""]
    rule = "[How a verdict is reached, and what † means](../../docs/reading.md)"
    parts = [first, f"{table(comparisons, paper.name)}\n{rule}"]
    if any(others):
        parts += [
            '<details markdown="1">\n<summary>More figures</summary>',
            *others[:-1],
            "</details>",
        ]
    return "\n\n".join(filter(None, parts)) + "\n"


def stored_figures(paper: Paper, comparisons: list[Comparison], reference: Path) -> Iterator[str]:
    """The figures of a paper that are stored, each with its caption, as a page shows them."""
    compared = {c.claim: c for c in comparisons if c.paper == paper.name}
    known = tiers(reference)
    for name in paper.figures:
        if (paper.name, name) in known:
            path = f"../../results/reference/figures/{paper.name}/{name}.png"
            yield f"![{name.replace('_', ' ')}]({path})\n\n{caption(paper, name, compared)}"


def all_claims(comparisons: list[Comparison], papers: Mapping[str, Paper]) -> str:
    """Every claim, a table a paper, for docs/claims.md."""
    parts = [f"{heading(counted(comparisons))}."]
    for name, paper in papers.items():
        page = f"[{paper.declared['paper']['title']}](../replications/{name}/README.md)"
        parts.append(f"## {paper.label}\n\n{page}. {table(comparisons, name)}")
    return "\n\n".join(parts)


def papers_by_verdict(comparisons: list[Comparison], papers: Mapping[str, Paper]) -> str:
    """The table of the front page: how many claims of each paper have which verdict."""
    rows = []
    for name, counts in verdicts(comparisons).iterrows():
        paper = papers[str(name)]
        cells = {str(verdict): str(n) if n else "" for verdict, n in counts.items()}
        link = f"[{paper.label}](replications/{name}/README.md) `{name}`"
        rows.append({"paper": link, "title": paper.declared["paper"]["title"], **cells})
    return f"{heading(counted(comparisons))}.\n\n{markdown(rows)}"


def samples(paper: Paper, reference: Path) -> str:
    """The Markdown table of every set of samples that was scored: means and SDs over runs."""
    tables = {tier: read_table(reference / f"{tier}.csv") for tier in reversed(TIERS[1:])}
    return markdown(sample_rows(paper, tables))


def scored(
    paper: Paper, tables: Mapping[str, pd.DataFrame]
) -> list[tuple[Experiment, pd.DataFrame]]:
    """Its experiments with their scores, by the first of `tables`, by tier, that has any.

    What a table has of experiments that its tier does not have any more is left out.
    """
    found: dict[str, tuple[Experiment, pd.DataFrame]] = {}
    for tier, table in tables.items():
        own = dict(iter(table[table["paper"] == paper.name].groupby("experiment")))
        for experiment in paper.experiments(tier):
            if experiment.name in own:
                found.setdefault(experiment.name, (experiment, own[experiment.name]))
    return [found[name] for name in paper.declared["experiments"] if name in found]


def sample_rows(paper: Paper, tables: Mapping[str, pd.DataFrame]) -> list[dict[str, str]]:
    """Its rows, as text, in the order of the experiments."""
    return [
        row
        for experiment, scores in scored(paper, tables)
        for row in rows_of_samples(experiment, paper, scores)
    ]


def rows_of_samples(
    experiment: Experiment, paper: Paper, scores: pd.DataFrame
) -> Iterator[dict[str, str]]:
    """The rows of one experiment, one for each set of samples."""
    for part in scores.loc[scores["metric"] == "parzen", "part"].unique():
        of = scores[scores["part"] == part]
        if len(experiment.resolved["evaluation"]["sigmas"]) == 1:  # nothing was chosen
            of = of[~of["metric"].isin(["sigma", "parzen_chosen"])]
        values = dict(list(of.groupby("metric")["value"]))
        cells = {paper.metrics[m].titled: spread(values[m]) if m in values else "–"
                 for m in QUALITIES}  # fmt: skip
        model = "no model" if part in ANCHORS else experiment.label
        yield {"model": model, "samples": spaced(part), **cells, "budget": experiment.budget}


def spread(values: pd.Series) -> str:
    """Mean ± standard deviation over runs, to four significant digits of the larger."""
    equal = (values == values.iloc[0]).all()  # whose deviation may come out as 1e-17
    deviation = 0.0 if equal else values.std()
    return f"{values.mean():.4g} ± {deviation:.2g}"


def trials(path: Path) -> str:
    """The Markdown table of a search: every trial, the best of each stage first."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    short = {name: " ".join(name.split("/")[1:]) if "/" in name else name for name in rows[0]}
    cells = [{short[name]: value or "–" for name, value in row.items()} for row in rows]
    for row in cells:  # the optimiser's name is enough: search.yaml has its settings
        row.update({n: v.split("'")[1] for n, v in row.items() if v.startswith("{")})
    return markdown(cells)


def tuned(reference: Path) -> str:
    """The Markdown table of the league's searches: what the best draw of each has, and gives."""
    found = []
    for search in (s for s in searches() if s.paper == LEAGUE):
        with open(
            reference / "search" / LEAGUE / f"{search.name}.csv", encoding="utf-8", newline=""
        ) as file:
            best = next(row for row in csv.DictReader(file) if row["stage"] != "0")
        drawn = {k.split("/", 1)[1].replace("/", " "): v for k, v in best.items() if "/" in k}
        chosen = ", ".join(f"{name} {value}" for name, value in drawn.items())
        told = search.declared["says"].removeprefix("settings of ")
        found.append({"rule and field": told, "validation error (%)": best["validation_error"],
                      "chosen": chosen})  # fmt: skip
    return markdown(found)


def league_table(paper: Paper, reference: Path) -> str:
    """The league's tables, each field's of the largest tier in which all its rules were run."""
    parts: list[str] = []
    done: set[str] = set()
    for tier in reversed(TIERS[1:]):
        path = reference / f"{tier}.csv"
        scores = read_table(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
        own = scores[scores["paper"] == LEAGUE]
        if own.empty:
            continue
        found = lines(own, paper, tier, pd.read_csv(reference / "league" / f"{tier}.csv"))
        short = {line.field for line in found if not line.errors and not line.absent}
        here = [line for line in found if line.field not in done | short]
        done |= {line.field for line in here}
        if here:
            (share,) = {e.share_text for e in paper.experiments(tier)}
            budget = "full budget" if share == "full" else f"{share} of the budget"
            told = f"{tier.capitalize()} tier, {budget}."
            parts.append(f"{told}\n\n{in_markdown(here, paper, tier)}")
    return "\n".join(parts)


def replace(text: str, content: str, marks: tuple[str, str] = MARKS) -> str:
    """`text` with what stands between the marks replaced. Raises ValueError without the marks."""
    start, end = map(re.escape, marks)
    if not re.search(f"{start}.*{end}", text, flags=re.DOTALL):
        raise ValueError(f"a page has no place for what is generated; put in: {marks[0]}{marks[1]}")
    new = f"{marks[0]}\n{content}\n{marks[1]}"
    return re.sub(f"{start}.*?{end}", lambda _: new, text, flags=re.DOTALL)


def generated(reference: Path) -> dict[Path, str]:
    """READMEs, pages and the figures of the front page, as the stored reference has them."""
    papers = suite().papers
    comparisons = best(reference, papers)
    findings = Findings(DOCS / "findings.yaml", papers, reference)
    front, claims, reading = ROOT / "README.md", DOCS / "claims.md", DOCS / "reading.md"
    clusters = DOCS / "clusters.md"
    texts = {
        front: replace(front.read_text(encoding="utf-8"), papers_by_verdict(comparisons, papers)),
        claims: replace(claims.read_text(encoding="utf-8"), all_claims(comparisons, papers)),
        reading: replace(reading.read_text(encoding="utf-8"), RULE, VERDICT_RULE),
        clusters: replace(clusters.read_text(encoding="utf-8"), sizes(papers), SIZES),
    }
    texts[front] = replace(texts[front], findings.sentences(), FINDINGS)
    for name, paper in papers.items():
        path = ROOT / PACKAGE / name / "README.md"
        outcome = outcome_of_paper(paper, comparisons, reference)
        texts[path] = replace(path.read_text(encoding="utf-8"), outcome)
        if SAMPLES[0] in texts[path]:
            texts[path] = replace(texts[path], samples(paper, reference), SAMPLES)
    for search in searches():
        path = ROOT / PACKAGE / search.paper / "README.md"
        if search.paper != LEAGUE:
            table_of = trials(reference / "search" / search.paper / f"{search.name}.csv")
            texts[path] = replace(texts[path], table_of, SEARCHED)
    path = ROOT / PACKAGE / LEAGUE / "README.md"
    texts[path] = replace(texts[path], league_table(papers[LEAGUE], reference), TABLED)
    texts[path] = replace(texts[path], tuned(reference), SEARCHED)
    figures = front_figures(comparisons, findings.rows())
    return texts | {DOCS / "figures" / name: text for name, text in figures.items()}


def sizes(papers: Mapping[str, Paper]) -> str:
    """The jobs and hours of the paper tier, by paper, and how long it takes at least on some cores.

    From what the experiments declare that a run takes on one core.
    """
    runs = parsed(ROOT / "config" / "config.yaml", "config.yaml")["runs"]["paper"]
    hours = {name: [e.minutes * e.share / 60 for e in paper.experiments("paper")]
             for name, paper in papers.items()}  # fmt: skip
    in_order = sorted(hours.items(), key=lambda item: -sum(item[1]))
    everything = [h for found in hours.values() for h in found]
    rows = [
        {"paper": name, "jobs": str(runs * len(found)), "hours of one core":
         f"{runs * sum(found):,.1f}", "the longest job (h)": f"{max(found):.2f}"}
        for name, found in (*in_order, ("all", everything))
    ]  # fmt: skip
    least = {n: max(runs * sum(everything) / n, max(everything)) / 24 for n in (2, 16, 64)}
    said = ", ".join(f"{days:.0f} days on {n} cores" for n, days in least.items())
    return f"At least {said}: none takes less than the longest job.\n\n{markdown(rows)}"


def write_readmes(reference: Path) -> None:
    """Write the tables, findings and figures of results/reference/ into every README and page."""
    for path, text in generated(reference).items():
        write_atomically(path, text)
