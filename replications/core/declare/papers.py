"""The declarations: every paper's `paper.yaml`, checked and expanded into experiments and claims.

YAML declares, Python computes. The Snakefile reads this module before it knows what to run, so
nothing here imports a numerical library; names of rules and settings are checked in syntax trees.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from math import prod
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from replications.core.base.hashes import code_hash, digest
from replications.core.base.provenance import PACKAGE, ROOT, module_file, syntax
from replications.core.declare.metrics import METRICS

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, ten times as fast, if built in
SCHEMAS = ROOT / "workflows" / "schemas"
TIERS = ("smoke", "standard", "paper")
# An experiment's kind: the key that names its science, and the file of the paper that holds it.
KINDS = {"learning_rule": "rule", "model": "model", "simulation": "simulation"}
# Folders of a paper for what it compares with, and for variants that tell why a result differs.
BESIDE = ("baselines", "ablations")
# Files of a paper that hold what an evaluation names: Markov chains, and measures of its own.
EVALUATED = {"chains": "samplers", "measures": "measures"}
# What the suite passes to the science by itself; all other keyword-only arguments are settings.
PROVIDED = {"network", "examples", "generator", "device", "dtype"}


class DeclarationError(ValueError):
    """A YAML file says something that the suite cannot run; the message says where and what."""


def snake_case(name: str) -> str:
    """EquilibriumPropagation -> equilibrium_propagation."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


hash_of = cache(code_hash)  # most experiments of a paper share their modules


@cache
def definitions(module: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Public classes and functions of a module: snake_case name -> (name, keyword-only arguments).

    A class without its own ``__init__`` takes that of its first base whose definition is found: in
    the same module, or where it is imported from by its own name.
    """
    path = module_file(module)
    found: dict[str, tuple[str, frozenset[str]]] = {}
    imported: dict[str, str] = {}  # name -> module
    for node in syntax(path).body if path else []:
        if isinstance(node, ast.ImportFrom):
            imported |= {alias.name: node.module for alias in node.names}
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found[node.name] = (node.name, frozenset(a.arg for a in node.args.kwonlyargs))
        elif isinstance(node, ast.ClassDef):
            inits = [f for f in node.body if getattr(f, "name", "") == "__init__"]
            inherited = frozenset()
            for base in reversed([ast.unparse(base) for base in node.bases]):
                known = definitions(imported[base]) if base in imported else found
                inherited = known.get(snake_case(base), ("", inherited))[1]
            arguments = [frozenset(a.arg for a in f.args.kwonlyargs) for f in inits]
            found[snake_case(node.name)] = (node.name, (arguments or [inherited])[0])
    return found


def methods_of(module: str, attribute: str) -> set[str]:
    """The public methods that a class of a module defines; none for a function."""
    return {
        part.name
        for node in syntax(module_file(module)).body
        if isinstance(node, ast.ClassDef) and node.name == attribute
        for part in node.body
        if isinstance(part, ast.FunctionDef) and not part.name.startswith("_")
    }


def resolve(name: str, modules: list[str], where: str) -> tuple[str, str]:
    """(module, attribute) for `name`, from the first of `modules` that defines it.

    `<paper>.<name>` takes it from that paper. Raises DeclarationError listing what there is.
    """
    if "." in name:
        paper, name = name.split(".", 1)
        modules = [f"{PACKAGE}.{paper}.{module.rsplit('.', 1)[1]}" for module in modules]
    for module in modules:
        if name in definitions(module):
            return module, definitions(module)[name][0]
    known = sorted({n for module in modules for n in definitions(module)})
    raise DeclarationError(f"{where}: unknown name {name!r}; known are {', '.join(known)}")


def merge(base: Mapping, over: Mapping) -> dict:
    """`base` with the values of `over`, mappings merged key by key."""
    both = dict(base)
    for key, value in over.items():
        mappings = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = merge(both[key], value) if mappings else value
    return both


@dataclass(frozen=True)
class Experiment:
    """One model or simulation on one dataset, as one tier resolves it."""

    paper: str
    name: str
    tier: str
    kind: str  # a key of KINDS
    science: tuple[str, str]  # (module, class or function)
    network: tuple[str, str] | None  # (module, class)
    resolved: dict  # everything that the run depends on; hashed
    paper_data: str  # the dataset of the paper tier: what the paper's claims are about
    share: float  # of the paper's budget
    minutes: float  # expected cost of a run in the paper tier; long runs start first
    samples: int | None = None  # images that a sampler draws, where the paper tier draws more
    smaller: bool = False  # whether the network is another than the paper tier's, on the same data

    @property
    def data(self) -> str:
        """Name of the dataset, or "none"."""
        return self.resolved["data"]

    @property
    def optimiser(self) -> tuple[str, str] | None:
        """(module, class) of what applies the updates; None for a simulation."""
        if self.kind == "simulation":
            return None
        (name,) = self.resolved["training"]["optimiser"]
        return resolve(name, [f"{PACKAGE}.core.learn.optimisers"], "training.optimiser")

    @property
    def share_text(self) -> str:
        """The share of the paper's budget for a table: "full", "24%", "0.3%"."""
        if self.share >= 1:
            return "full"
        if self.share < 0.0005:
            return "< 0.1%"
        return f"{min(self.share, 0.99):.0%}" if self.share >= 0.01 else f"{self.share:.1%}"

    @property
    def reduced_text(self) -> str:
        """What a table adds where a tier has fewer samples or a smaller network, or ""."""
        samples = f", {self.samples:,} samples" if self.samples else ""
        return samples + (", smaller network" if self.smaller else "")

    def hashes(self, step: str) -> dict[str, str]:
        """Hashes of the code that `step` ("train" or "score") uses, and of the configuration.

        How a run is evaluated changes nothing of its training.
        """
        config = self.resolved
        if step == "train":
            config = {key: value for key, value in config.items() if key != "evaluation"}
        return {"code": hash_of(*self.definitions(step)), "config": digest(config)}

    def definitions(self, step: str) -> list[str]:
        """What `step` starts from, "module:definition": all that it uses is found from there."""
        used = [part for part in (self.science, self.network, self.optimiser) if part]
        used += self.evaluated if step == "score" else []
        names = [f"{PACKAGE}.core.{step}.{self.kind}:{step}", f"{PACKAGE}.core.run.seeds:seed"]
        return sorted([*names, *(":".join(part) for part in used)])

    @property
    def evaluated(self) -> list[tuple[str, str]]:
        """(module, function) of what scores alone use: chains and measures that are named there,

        the function that scores a simulation, and the classifier that samples are compared by.
        """
        named = self.resolved.get("evaluation", {})
        found = [
            (module, name)
            for key, file in EVALUATED.items()
            for name in named.get(key, [])
            if name in definitions(module := f"{PACKAGE}.{self.paper}.{file}")
        ]
        if self.kind == "simulation":
            found.append((self.science[0], "score"))
        if "neighbours" in named:
            found.append((f"{PACKAGE}.core.score.estimators.classifier", "train"))
        return found


@dataclass(frozen=True)
class Claim:
    """One thing that a paper says, as its YAML declares it."""

    paper: str
    name: str
    declared: dict

    @property
    def scores(self) -> list[dict]:
        """The scores that the claim is about: one, or two that it compares."""
        if "about" in self.declared:
            return [self.declared["about"]]
        return [self.declared["compares"]["greater"], self.declared["compares"]["than"]]


class Paper:
    """One folder of replications/ with a paper.yaml, validated.

    Raises DeclarationError, naming file and key, if the file is not as the schema says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.parent.name
        self.declared = read(path, "paper")
        self.figures = self.declared["figures"]
        self.claims = [Claim(self.name, n, c) for n, c in self.declared["claims"].items()]
        for tier in TIERS:
            self.experiments(tier)
        self._check_references()

    def experiments(self, tier: str) -> list[Experiment]:
        """Every experiment that the paper declares in `tier`, in the order of the file."""
        declared = self.declared["experiments"]
        return [self._expand(name, tier) for name in declared if tier in declared[name]["tiers"]]

    def _where(self, *keys: str) -> str:
        return f"{self.path.relative_to(self.path.parents[2])}: {'.'.join(keys)}"

    def _expand(self, name: str, tier: str) -> Experiment:
        declared = self.declared["experiments"][name]
        tiers = declared["tiers"]
        where = self._where("experiments", name)
        kind = next(k for k in KINDS if k in declared)
        parts = {k: declared[k] for k in ("network", "data", "settings", "training", "evaluation")
                 if k in declared}  # fmt: skip
        resolved = merge({kind: declared[kind], **parts}, tiers[tier])
        modules = [
            f"{PACKAGE}.{self.name}.{KINDS[kind]}",
            *self._beside(),
            f"{PACKAGE}.core.learn.learning",
        ]
        science = resolve(declared[kind], modules, f"{where}.{kind}")
        self._check_arguments(science, resolved["settings"], resolved["budget"], where)
        self._check_choices(resolved, kind, science, where)
        network = None
        if kind == "learning_rule":
            ((network_name, arguments),) = resolved["network"].items()
            own = f"{PACKAGE}.{self.name}.network"
            modules = [science[0], modules[0], own, f"{PACKAGE}.core.learn.networks"]
            network = resolve(network_name, modules, f"{where}.network")
            self._check_arguments(network, arguments, {}, f"{where}.network")
        whole = self.declared["experiments"].get(declared.get("share_of", name))
        if whole is None:
            raise DeclarationError(f"{where}.share_of: unknown {declared['share_of']!r}")
        full = whole["tiers"]["paper"]["budget"]
        if set(full) != set(resolved["budget"]):
            raise DeclarationError(f"{where}.tiers.{tier}.budget: has to name {sorted(full)}")
        share = prod(resolved["budget"][key] / full[key] for key in full)
        minutes = declared.get("minutes", 0)
        paper_data = tiers["paper"].get("data", declared["data"])
        samples = resolved.get("evaluation", {}).get("samples")
        if samples == parts.get("evaluation", {}).get("samples"):
            samples = None
        smaller = any(key.endswith("layers") for key in tiers[tier].get("settings", {}))
        return Experiment(self.name, name, tier, kind, science, network, resolved, paper_data,
                          share, minutes, samples, smaller and tier == "standard")  # fmt: skip

    def _check_choices(self, resolved: dict, kind: str, science: tuple, where: str) -> None:
        """One network, one optimiser, samplers that the model has, budgets that the kind knows."""
        single = [resolved.get("network", {}), resolved.get("training", {}).get("optimiser", {})]
        if any(len(choices) > 1 for choices in single):
            raise DeclarationError(f"{where}: a tier changes a network's or optimiser's name")
        if kind != "simulation" and set(resolved["budget"]) != {"epochs", "examples"}:
            raise DeclarationError(f"{where}: budget: has to name epochs and examples")
        if kind == "simulation":
            taken = definitions(science[0])[snake_case(science[1])][1] - PROVIDED
            if set(resolved["budget"]) != (free := taken - set(resolved["settings"])):
                raise DeclarationError(
                    f"{where}: budget: has to name {sorted(free)}, not {sorted(resolved['budget'])}"
                )
        if "evaluation" in resolved:
            self._check_evaluation(resolved["evaluation"], science, f"{where}.evaluation")

    def _check_evaluation(self, evaluation: Mapping, science: tuple, where: str) -> None:
        """Samplers and chains that the model or the paper has, measures with their settings.

        A likelihood is that of a sampler's decoder.
        """
        methods = methods_of(*science)
        chains = methods | set(definitions(f"{PACKAGE}.{self.name}.{EVALUATED['chains']}"))
        decoded = set(evaluation["samplers"]) if "decoder" in methods else set()
        measures = f"{PACKAGE}.{self.name}.{EVALUATED['measures']}"
        for key, known in (
            ("samplers", methods),
            ("chains", chains),
            ("likelihood", decoded),
            ("measures", set(definitions(measures))),
        ):
            for name in evaluation.get(key, []):
                if name not in known:
                    raise DeclarationError(
                        f"{where}.{key}: {science[1]} has no {name!r}; it has "
                        f"{', '.join(sorted(known)) or 'none'}"
                    )
        for name, settings in evaluation.get("measures", {}).items():
            self._check_arguments((measures, name), settings, {}, f"{where}.measures.{name}")

    def _beside(self) -> list[str]:
        """The modules of the paper's folders baselines/ and ablations/."""
        return [
            f"{PACKAGE}.{self.name}.{path.parent.name}.{path.stem}"
            for folder in BESIDE
            for path in sorted(self.path.parent.glob(f"{folder}/[!_]*.py"))
        ]

    def _check_arguments(self, target: tuple, given: Mapping, budget: Mapping, where: str) -> None:
        module, attribute = target
        allowed = definitions(module)[snake_case(attribute)][1] - PROVIDED
        unknown = sorted(set(given) - allowed)
        missing = sorted(allowed - set(given) - set(budget))
        if unknown or missing:
            raise DeclarationError(
                f"{where}.settings: {attribute} takes {', '.join(sorted(allowed))}"
                + (f"; unknown: {', '.join(unknown)}" if unknown else "")
                + (f"; missing: {', '.join(missing)}" if missing else "")
            )

    def _check_references(self) -> None:
        experiments = set(self.declared["experiments"])
        for claim in self.claims:
            for score in claim.scores:
                where = self._where("claims", claim.name)
                if score["experiment"] not in experiments:
                    known = ", ".join(sorted(experiments))
                    raise DeclarationError(
                        f"{where}: unknown experiment {score['experiment']!r}; known are {known}"
                    )
                if score["metric"] not in METRICS:
                    near = ", ".join(get_close_matches(score["metric"], METRICS)) or "none"
                    raise DeclarationError(
                        f"{where}: unknown metric {score['metric']!r}; near to it: {near}; "
                        "all are in replications/core/declare/metrics.py"
                    )
        functions = definitions(f"{PACKAGE}.{self.name}.figures")
        for name, figure in self.figures.items():
            where = self._where("figures", name)
            if name not in functions:
                raise DeclarationError(f"{where}: figures.py has no function of that name")
            for experiment in figure["experiments"]:
                if experiment not in experiments:
                    raise DeclarationError(f"{where}: unknown experiment {experiment!r}")


def read(path: Path, schema: str) -> dict:
    """The YAML file `path`, checked against workflows/schemas/<schema>.schema.yaml.

    Raises DeclarationError with the file, the key and what is allowed, one line per fault.
    """
    try:
        declared = yaml.load(path.read_text(), LOADER)
    except yaml.YAMLError as error:
        raise DeclarationError(f"{path}: not YAML: {error}") from None
    check(declared, schema, str(path.relative_to(path.parents[2])))
    return declared


def check(declared: object, schema: str, name: str) -> None:
    """Hold a declaration against a schema; raises DeclarationError naming `name` and the key."""
    validator = Draft202012Validator(
        yaml.load((SCHEMAS / f"{schema}.schema.yaml").read_text(), LOADER)
    )
    errors = list(validator.iter_errors(declared))
    misspelt = {tuple(e.absolute_path) for e in errors if e.validator == "additionalProperties"}
    faults = [
        f"{name}: {fault(error)}"
        for error in errors
        if error.validator != "oneOf" or tuple(error.absolute_path) not in misspelt
    ]
    if faults:
        raise DeclarationError("\n".join(faults))


def fault(error) -> str:
    """One line for a jsonschema error: the key, what is wrong, and what is allowed."""
    key = ".".join(str(part) for part in error.absolute_path) or "(top)"
    if error.validator == "oneOf":
        choices = (
            ", ".join(choice.get("required", ["a fixed value"])) for choice in error.validator_value
        )
        return f"{key}: needs, and needs only, one of: {'; or '.join(choices)}"
    allowed = ""
    if error.validator == "additionalProperties" and "properties" in error.schema:
        allowed = f"; allowed keys are {', '.join(error.schema['properties'])}"
    return f"{key}: {error.message}{allowed}"


class Suite:
    """Every paper found in the package: a folder with a paper.yaml is a paper."""

    def __init__(self, root: Path = ROOT / PACKAGE) -> None:
        self.root = root

    @cached_property
    def papers(self) -> dict[str, Paper]:
        """Name -> paper, by name."""
        return {path.parent.name: Paper(path) for path in sorted(self.root.glob("*/paper.yaml"))}

    def select(self, papers: str | list[str]) -> dict[str, Paper]:
        """ "all", or the named papers. Raises DeclarationError for a name that there is not."""
        if papers == "all":
            return self.papers
        unknown = sorted(set(papers) - set(self.papers))
        if unknown:
            raise DeclarationError(
                f"config: papers: unknown {', '.join(unknown)}; there are {', '.join(self.papers)}"
            )
        return {name: self.papers[name] for name in papers}

    def experiment(self, paper: str, name: str, tier: str) -> Experiment:
        """One experiment by its names. Raises DeclarationError if there is none."""
        if tier not in TIERS:
            raise DeclarationError(f"unknown tier {tier!r}; there are {', '.join(TIERS)}")
        for experiment in self.select([paper])[paper].experiments(tier):
            if experiment.name == name:
                return experiment
        raise DeclarationError(f"{paper} has no experiment {name!r} in the {tier} tier")


@cache
def suite() -> Suite:
    """The papers of this package, read once in a process."""
    return Suite()
