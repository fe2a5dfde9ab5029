"""The papers of the suite: every folder with a `paper.yaml`, checked and expanded.

YAML declares, Python computes. The Snakefile reads this module before it knows what to run, so
nothing here imports a numerical library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property, lru_cache
from pathlib import Path

from replications.core.base.provenance import PACKAGE, ROOT, module_file
from replications.core.declare.expansion import expand, place
from replications.core.declare.experiments import TIERS, Experiment
from replications.core.declare.league import entered, rows_of
from replications.core.declare.metrics import SHARED, Metric, metrics_of
from replications.core.declare.reflection import definitions
from replications.core.declare.schema import DeclarationError, check_schema, read_yaml


@dataclass(frozen=True)
class Claim:
    """One thing that a paper says, as its YAML declares it."""

    paper: str
    name: str
    declared: dict
    keys: tuple[str, ...]  # where it stands in the file

    @property
    def source(self) -> str:
        """Whose number it is: the paper's, where the claim names no other source."""
        return self.declared.get("source", "the paper")

    @property
    def scores(self) -> list[dict]:
        """The scores that the claim is about: one, two that it compares, or one of each rule."""
        if "about" in self.declared:
            return [self.declared["about"]]
        if "compares" in self.declared:
            return [self.declared["compares"]["greater"], self.declared["compares"]["than"]]
        told = self.declared["correlates"]
        return [{"experiment": name, "metric": told["with"]} for name in told["over"]]

    @property
    def is_predicate(self) -> bool:
        """Whether it says that something lies above its `margin`, instead of a value."""
        return "value" not in self.declared

    @property
    def margin(self) -> float:
        """That of a predicate, in the metric's unit; of a correlation 0."""
        return self.declared.get("compares", {}).get("margin", 0.0)


def claims_of(paper: str, name: str, declared: dict) -> list[Claim]:
    """A claim; or, where several experiments answer it, one for each, as <name>_<answer>."""
    if "answers" not in declared:
        return [Claim(paper, name, declared, ("claims", name))]
    shared = {key: value for key, value in declared.items() if key != "answers"}
    claims = []
    for key, answer in declared["answers"].items():
        note = {"note": answer["note"]} if "note" in answer else {}
        about = {part: value for part, value in answer.items() if part != "note"}
        keys = ("claims", name, "answers", key)
        claims.append(Claim(paper, f"{name}_{key}", shared | {"about": about} | note, keys))
    return claims


def declared_in(path: Path) -> dict:
    """What a paper.yaml declares; of a league with the experiments of its rows.

    A figure of a league names fields instead of experiments: it has all of theirs, and so has a
    claim about a correlation over rules.
    """
    declared = read_yaml(path, "paper")
    if "league" not in declared:
        return declared | {"claims": with_rules(path, declared["claims"], {})}
    league = declared["league"]
    rows = rows_of(path.parents[1])
    experiments = entered(league, rows)
    check_schema({"experiments": experiments, "claims": {}, "figures": {}} | {
        "paper": declared["paper"]}, "paper", str(path.relative_to(path.parents[2])))  # fmt: skip
    fields = {f: [n for n in experiments if n.endswith(f"_{f}")] for f in league["fields"]}
    figures = {
        name: figure
        | {"experiments": [e for f in figure["experiments"] for e in fields.get(f, [f])]}
        for name, figure in declared["figures"].items()
    }
    claims = with_rules(path, declared["claims"], fields)
    return declared | {"experiments": experiments, "figures": figures, "claims": claims}


def with_rules(path: Path, claims: Mapping, fields: Mapping[str, list[str]]) -> dict:
    """The claims; those about a correlation with the experiments of its field, as `over`.

    Raises DeclarationError for a field that there is not, and for one of fewer than three rules.
    """
    found = dict(claims)
    for name, claim in claims.items():
        if "correlates" in claim:
            field = claim["correlates"]["field"]
            where = place(path, "claims", name, "correlates", "field")
            if field not in fields:
                known = ", ".join(fields) or "none, as this is no league"
                raise DeclarationError(f"{where}: unknown {field!r}; known are {known}")
            over = fields[field]
            if len(over) < 3:
                raise DeclarationError(
                    f"{where}: {field!r} has {len(over)} rules: a correlation needs three"
                )
            found[name] = claim | {"correlates": claim["correlates"] | {"over": over}}
    return found


def metrics_in(path: Path) -> Mapping[str, Metric]:
    """The metrics of another paper's own file."""
    return metrics_told(path, path.read_bytes())


@lru_cache(maxsize=64)  # papers that run each other's science ask for the same files many times
def metrics_told(path: Path, content: bytes) -> Mapping[str, Metric]:
    """Those of the file while it has this content."""
    return metrics_of(read_yaml(path, "paper").get("metrics", {}))


class Paper:
    """One folder of replications/ with a paper.yaml, validated.

    Raises DeclarationError, naming file and key, if the file is not as the schema says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.parent.name
        self.declared = declared_in(path)
        self.figures = self.declared["figures"]
        declared_claims = self.declared["claims"].items()
        self.claims = [claim for n, c in declared_claims for claim in claims_of(self.name, n, c)]
        declared = self.declared["experiments"]
        self._expanded = {
            tier: [expand(path, declared, name, tier) for name in declared
                   if tier in declared[name]["tiers"]]
            for tier in TIERS
        }  # fmt: skip
        self.metrics = self._metrics()
        self._check_claims()
        self._check_figures()

    @property
    def label(self) -> str:
        """How a text refers to it: "Xie & Seung 2000", "Lee et al. 2015", "The league"."""
        told = self.declared["paper"]
        if "label" in told:
            return told["label"]
        names = [author.split()[-1] for author in told["authors"]]
        by = f"{names[0]} et al." if len(names) > 2 else " & ".join(names)
        return f"{by} {told['year']}"

    def experiments(self, tier: str) -> list[Experiment]:
        """Every experiment that the paper declares in `tier`, in the order of the file."""
        return self._expanded[tier]

    def _metrics(self) -> dict[str, Metric]:
        """The shared metrics, the paper's own, and those of papers whose science it runs."""
        science = {e.science[0].split(".")[1] for tier in TIERS for e in self.experiments(tier)}
        found = dict(SHARED)
        folders = [module_file(f"{PACKAGE}.{owner}") for owner in science - {"core"}]
        others = {module.with_name(self.path.name) for module in folders if module} - {self.path}
        for path in [*sorted(others), self.path]:
            own = path == self.path
            declared = metrics_of(self.declared.get("metrics", {})) if own else metrics_in(path)
            for name, metric in declared.items():
                if found.setdefault(name, metric) != metric:
                    raise DeclarationError(
                        f"{place(path, 'metrics', name)}: there is another metric of that name, "
                        f"{found[name].meaning!r}: choose another name"
                    )
        return found

    def _check_claims(self) -> None:
        """Claims are about experiments of the paper, and metrics that there are."""
        experiments, names = self.declared["experiments"], set()
        for claim in self.claims:
            where = place(self.path, *claim.keys)
            if claim.name in names:
                raise DeclarationError(f"{where}: there is another claim {claim.name}: rename one")
            names.add(claim.name)
            for score in claim.scores:
                if score["experiment"] not in experiments:
                    known = ", ".join(sorted(experiments))
                    raise DeclarationError(
                        f"{where}: unknown experiment {score['experiment']!r}; known are {known}"
                    )
                self._check_metric(score["metric"], where)
            if "correlates" in claim.declared:
                self._check_metric(claim.declared["correlates"]["metric"], where)

    def _check_metric(self, name: str, where: str) -> None:
        """It is a shared one, or the paper's own."""
        if name not in self.metrics:
            near = ", ".join(get_close_matches(name, self.metrics)) or "none"
            raise DeclarationError(
                f"{where}: unknown metric {name!r}; near to it: {near}; all "
                "are in replications/core/declare/metrics.yaml and under metrics here"
            )

    def _check_figures(self) -> None:
        """Figures are functions of figures.py, of experiments and claims of the paper."""
        functions = definitions(f"{PACKAGE}.{self.name}.figures")
        claims = {claim.name for claim in self.claims}
        for name, figure in self.figures.items():
            where = place(self.path, "figures", name)
            if name not in functions:
                raise DeclarationError(f"{where}: figures.py has no function of that name")
            for experiment in figure["experiments"]:
                if experiment not in self.declared["experiments"]:
                    raise DeclarationError(f"{where}: unknown experiment {experiment!r}")
            for claim in figure.get("claims", []):
                if claim not in claims:
                    near = ", ".join(get_close_matches(claim, claims)) or "none"
                    raise DeclarationError(f"{where}: unknown claim {claim!r}; near to it: {near}")


class Suite:
    """Every paper found in the package: a folder with a paper.yaml is a paper."""

    def __init__(self, root: Path = ROOT / PACKAGE) -> None:
        self.root = root
        self._read: dict[str, Paper] = {}

    @cached_property
    def names(self) -> list[str]:
        """The papers' names, in their order."""
        return sorted(path.parent.name for path in self.root.glob("*/paper.yaml"))

    @property
    def papers(self) -> dict[str, Paper]:
        """Name -> paper, of all."""
        return self.select("all")

    def paper(self, name: str) -> Paper:
        """One paper. Raises DeclarationError if there is none of that name."""
        return self.select([name])[name]

    def select(self, papers: str | list[str]) -> dict[str, Paper]:
        """ "all", or the named papers: each is read when it is first asked for.

        Raises DeclarationError for a name that there is not.
        """
        wanted = self.names if papers == "all" else papers
        unknown = sorted(set(wanted) - set(self.names))
        if unknown:
            raise DeclarationError(
                f"config: papers: unknown {', '.join(unknown)}; there are {', '.join(self.names)}"
            )
        for name in wanted:
            if name not in self._read:
                self._read[name] = Paper(self.root / name / "paper.yaml")
        return {name: self._read[name] for name in wanted}

    def experiment(self, paper: str, name: str, tier: str) -> Experiment:
        """One experiment by its names. Raises DeclarationError if there is none."""
        if tier not in TIERS:
            raise DeclarationError(f"unknown tier {tier!r}; there are {', '.join(TIERS)}")
        for experiment in self.paper(paper).experiments(tier):
            if experiment.name == name:
                return experiment
        raise DeclarationError(f"{paper} has no experiment {name!r} in the {tier} tier")


@cache
def suite() -> Suite:
    """The papers of this package, read once in a process."""
    return Suite()
