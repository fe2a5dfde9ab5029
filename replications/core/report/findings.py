"""What the front page tells of the results: sentences and rows whose numbers the reference has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from string import Formatter

import numpy as np

from replications.core.declare.experiments import TIERS, Experiment
from replications.core.declare.papers import Claim, Paper
from replications.core.declare.schema import DeclarationError, read_yaml
from replications.core.report.compare import value_range
from replications.core.report.render import three_digits
from replications.core.report.tables import last, read_table


class Reference:
    """The stored scores of the paper and the standard tier, after the last step of each run."""

    def __init__(self, folder: Path) -> None:
        paths = {tier: folder / f"{tier}.csv" for tier in reversed(TIERS[1:])}
        self.tables = {t: last(read_table(path)) for t, path in paths.items() if path.exists()}

    def runs(self, paper: Paper, score: Mapping, where: str) -> tuple[np.ndarray, Experiment]:
        """The values of a score, one per run, of the largest tier that has it, and its experiment.

        Raises DeclarationError, which begins with `where` and says what to do, if there are none.
        """
        name, metric, part = score["experiment"], score["metric"], score.get("part", "")
        if name not in paper.declared["experiments"]:
            raise unknown(where, "experiment", name, paper.declared["experiments"])
        if metric not in paper.metrics:
            raise unknown(where, "metric", metric, paper.metrics)
        parts: set[str] = set()
        for tier, table in self.tables.items():
            experiment = next((e for e in paper.experiments(tier) if e.name == name), None)
            if experiment is None:  # what is stored of it is of another version
                continue
            own = table[(table["paper"] == paper.name) & (table["experiment"] == name)]
            rows = own[own["metric"] == metric]
            parts |= set(rows["part"])
            values = rows.loc[rows["part"] == part, "value"]
            if len(values):
                return values.to_numpy(), experiment
        if parts:
            raise unknown(where, f"part of {metric}", part, parts)
        raise DeclarationError(
            f"{where}: results/reference/ has no {metric} of {paper.name} {name}: run it and store "
            f"it (make reference PAPER={paper.name} TIER=...), or take it out of this file"
        )


def unknown(where: str, what: str, name: str, known: Mapping | set[str]) -> DeclarationError:
    """The error for a name that there is not: those that are near, or else all."""
    near = get_close_matches(name, known) or sorted(known)
    return DeclarationError(
        f"{where}: unknown {what} {name!r}; there is {', '.join(map(repr, near))}"
    )


def claim_with_value(paper: Paper, name: str, where: str) -> Claim:
    """A claim of a paper that is a number. Raises DeclarationError if there is none."""
    claims = {c.name: c for c in paper.claims if "value" in c.declared}
    if name not in claims:
        raise unknown(where, "claim with a value", name, claims)
    return claims[name]


def with_unit(numbers: Sequence[float], unit: str) -> str:
    """A number, or a range, to three digits, with its unit: "3.82%", "232 nats", "2 to 3%"."""
    text = " to ".join(
        f"{n:,.0f}" if abs(n) >= 100 else three_digits(n) for n in dict.fromkeys(numbers)
    )
    return text + (unit if unit == "%" else f" {unit}".rstrip())


def sentence(finding: Mapping, paper: Paper, reference: Reference, where: str) -> str:
    """A finding with its numbers, and how many runs of which budget they are of."""
    named = {name for _, name, _, _ in Formatter().parse(finding["says"]) if name is not None}
    if named != set(finding["numbers"]):
        differing = ", ".join(sorted(named ^ set(finding["numbers"])))
        raise DeclarationError(f"{where}: `says` and `numbers` do not name the same: {differing}")
    texts, runs, experiments = {}, [], []
    for name, score in finding["numbers"].items():
        at = f"{where}.numbers.{name}"
        if "claim" in score:
            claim = claim_with_value(paper, score["claim"], at)
            unit = paper.metrics[claim.scores[0]["metric"]].unit
            dagger = "†" if claim.declared["standing"] == "recalled" else ""
            texts[name] = with_unit(value_range(claim), unit) + dagger
        else:
            values, experiment = reference.runs(paper, score, at)
            texts[name] = with_unit([values.mean()], paper.metrics[score["metric"]].unit)
            runs.append(len(values))
            experiments.append(experiment)
    least = min(experiments, key=lambda e: (TIERS.index(e.tier), e.share))
    counts = " to ".join(map(str, dict.fromkeys((min(runs), max(runs)))))
    plural = "run" if max(runs) == 1 else "runs"
    link = f"[{paper.label}](replications/{paper.name}/README.md)"
    return f"{finding['says'].format(**texts)} ({link}; {counts} {plural}, {least.budget})"


@dataclass(frozen=True)
class Row:
    """One line of a panel: our runs, and the ends of the paper's value if it has one."""

    panel: str
    axis: str
    label: str
    ours: np.ndarray
    theirs: tuple[float, float] | None


class Findings:
    """docs/findings.yaml, with the papers and the stored scores that it speaks of."""

    def __init__(self, path: Path, papers: Mapping[str, Paper], folder: Path) -> None:
        self.declared = read_yaml(path, "findings")
        self.papers = papers
        self.reference = Reference(folder)
        self.name = path.name

    def paper(self, name: str, where: str) -> Paper:
        """One of the papers. Raises DeclarationError if there is none of that name."""
        if name not in self.papers:
            raise unknown(where, "paper", name, self.papers)
        return self.papers[name]

    def sentences(self) -> str:
        """The findings as a numbered Markdown list."""
        lines = []
        for number, finding in enumerate(self.declared["findings"], 1):
            where = f"{self.name}: findings.{number - 1}"
            paper = self.paper(finding["paper"], where)
            lines.append(f"{number}. {sentence(finding, paper, self.reference, where)}")
        return "\n".join(lines)

    def rows(self) -> list[Row]:
        """Every row of the panels of the figure."""
        rows = []
        for number, panel in enumerate(self.declared["figure"]):
            where = f"{self.name}: figure.{number}"
            paper = self.paper(panel["paper"], where)
            for index, row in enumerate(panel["rows"]):
                at = f"{where}.rows.{index}"
                values, _ = self.reference.runs(paper, row, at)
                named = row.get("claim")
                theirs = value_range(claim_with_value(paper, named, at)) if named else None
                rows.append(Row(panel["title"], panel["axis"], row["label"], values, theirs))
        return rows
