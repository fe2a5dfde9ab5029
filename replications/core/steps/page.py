"""results/<tier>/index.html: gathers what the page tells, and writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from replications.core.base.carried import Carried
from replications.core.base.files import write_atomically
from replications.core.base.provenance import git_commit
from replications.core.declare.papers import Paper, suite
from replications.core.report.page import quality
from replications.core.report.page.behind import Behind
from replications.core.report.page.claims import rows
from replications.core.report.page.pictures import pairs
from replications.core.report.page.seen import Table, largest, seen, stored_tables, tier_table
from replications.core.report.page.write import Content, Story, render
from replications.core.run.current import ends, today
from replications.core.steps.behind import HASHES, Recorded, stored, yours


def write_page(results: Path, reference: Path, tier: str) -> Path:
    """Write the page of a tier, of all papers; returns where it is."""
    path = results / tier / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, render(gathered(results, reference, tier)))
    return path


def gathered(results: Path, reference: Path, tier: str) -> Content:
    """What the page of a tier tells. What is missing, or was made by another version, it says."""
    papers, recorded = suite().papers, Recorded(reference)
    kept = stored_tables(reference)
    own = tier_table(results / tier, tier, papers)
    before = largest([seen(table, papers, recorded.carried) for table in kept])
    here = seen(own, papers, recorded.carried)
    older = list(made_otherwise(own, papers, recorded.carried))
    return Content(
        tier=tier,
        commit=git_commit(),
        problems=[*(p for table in (*kept, own) for p in table.problems), *older],
        papers=papers,
        rows=list(rows(papers, before, here)),
        stories=list(stories(papers, kept, own, results, recorded)),
        figures={name: pairs(paper, results / tier, tier, reference,
                             {c: s.comparison for (p, c), s in before.items() if p == name})
                 for name, paper in papers.items()},
        models=quality.models(papers, kept, own),
        rules=quality.rules(papers, kept, own),
    )  # fmt: skip


def stories(
    papers: Mapping[str, Paper], kept: list[Table], own: Table, results: Path, recorded: Recorded
) -> Iterator[Story]:
    """Every experiment, with what stands behind its stored runs, by tier, and behind yours."""
    for paper in papers.values():
        for name, declared in paper.declared["experiments"].items():
            behind = list(behind_of(paper.name, name, kept, own, results, recorded))
            yield Story(paper.name, name, declared["label"], declared["unsaid"], behind)


def behind_of(
    paper: str, name: str, kept: list[Table], own: Table, results: Path, recorded: Recorded
) -> Iterator[tuple[str, Behind]]:
    """What stands behind the runs of one experiment."""
    for table in (*kept, own):
        found = table.by_experiment.get((paper, name))
        if found is None:
            continue
        if table is own:
            yield "yours", yours(results, paper, name, own.tier, map(int, found["run"].unique()))
        else:
            yield "stored", stored(found, table.tier, recorded)


def made_otherwise(own: Table, papers: Mapping[str, Paper], carried: Carried) -> Iterator[str]:
    """A sentence for each paper that has runs of other code, settings or data than today's."""
    made = own.scores[["paper", "experiment", *HASHES]].drop_duplicates()
    for name, paper in papers.items():
        declared = {e.name: e for e in paper.experiments(own.tier)}
        older = {
            row["experiment"]
            for row in made[made["paper"] == name].to_dict("records")
            if row["experiment"] not in declared
            or ends({h: row[h] for h in HASHES}, declared[row["experiment"]], carried)
            != today(declared[row["experiment"]])
        }
        if older:
            yield (f"{name}: {', '.join(sorted(older))} ran by other code, settings or data than "
                   f"today's. To run it again: snakemake --cores all {name} "
                   f"--config tier={own.tier}")  # fmt: skip
