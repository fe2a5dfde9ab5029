"""From what a paper.yaml declares to its experiments: each tier resolved, each name checked."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, nan, prod
from pathlib import Path

from replications.core.base.provenance import PACKAGE
from replications.core.declare.experiments import EVALUATED, KINDS, Experiment, scores_of
from replications.core.declare.reflection import (
    Argument,
    Definition,
    definitions,
    resolve,
    snake_case,
)
from replications.core.declare.schema import DeclarationError, fits

# Folders of a paper for what it compares with, and for variants that tell why a result differs.
BESIDE = ("baselines", "ablations")
# What the suite passes to the science by itself; all else that it takes by keyword are settings.
PROVIDED = {"network", "examples", "generator", "device", "dtype"}
PARTS = ("network", "data", "settings", "training", "evaluation")  # what a tier may change
Defined = tuple[str, str]  # (module, class or function)


def merge(base: Mapping, over: Mapping) -> dict:
    """`base` with the values of `over`, mappings merged key by key."""
    both = dict(base)
    for key, value in over.items():
        mappings = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = merge(both[key], value) if mappings else value
    return both


def place(path: Path, *keys: str) -> str:
    """Where in a YAML file, for a message: "replications/toy/paper.yaml: experiments.x"."""
    return f"{path.relative_to(path.parents[2])}: {'.'.join(keys)}"


def expand(path: Path, experiments: Mapping, name: str, tier: str) -> Experiment:
    """One of the `experiments` of the paper.yaml at `path`, as a tier resolves it.

    Raises DeclarationError, naming file and key, for what could not be run.
    """
    declared, where = experiments[name], place(path, "experiments", name)
    kind = next(k for k in KINDS if k in declared)
    own = {key: declared[key] for key in PARTS if key in declared}
    changes = dict(declared["tiers"][tier])
    other_network = changes.pop("other_network", "network" in changes)
    resolved = merge({kind: declared[kind], **own}, changes)
    science = science_of(path, declared[kind], kind, where)
    check_arguments(science, resolved["settings"], resolved["budget"], f"{where}.settings")
    check_budget(resolved, kind, science, where)
    check_choices(resolved, where)
    if kind == "simulation":
        check_scored(science, where)
    if "evaluation" in resolved:
        check_evaluation(
            resolved["evaluation"], kind, science, path.parent.name, f"{where}.evaluation"
        )
    network = None
    if kind == "learning_rule":
        network = network_of(path, resolved["network"], science, f"{where}.network")
    paper_data = declared["tiers"]["paper"].get("data", declared["data"])
    samples = resolved.get("evaluation", {}).get("samples")
    return Experiment(
        paper=path.parent.name,
        name=name,
        label=declared["label"],
        tier=tier,
        kind=kind,
        science=science,
        network=network,
        resolved=resolved,
        paper_data=paper_data,
        share=share(experiments, name, resolved["budget"], tier, where),
        minutes=declared.get("minutes", 0),
        samples=None if samples == own.get("evaluation", {}).get("samples") else samples,
        smaller=other_network and resolved["data"] == paper_data,
    )


def science_of(path: Path, name: str, kind: str, where: str) -> Defined:
    """The class or function that an experiment names: the paper's own, one beside it, a shared.

    `<paper>.<name>` is another paper's.
    """
    owner, _, own_name = name.rpartition(".")
    folder = path.parents[1] / owner if owner else path.parent
    beside = [
        f"{PACKAGE}.{folder.name}.{file.parent.name}.{file.stem}"
        for part in BESIDE
        for file in sorted(folder.glob(f"{part}/[!_]*.py"))
    ]
    modules = [f"{PACKAGE}.{folder.name}.{KINDS[kind]}", *beside]
    shared = [] if owner else [f"{PACKAGE}.core.learn.learning"]
    return resolve(own_name, [*modules, *shared], f"{where}.{kind}")


def network_of(path: Path, declared: Mapping, science: Defined, where: str) -> Defined:
    """The class of a learning rule's network: beside the rule, the paper's own, or a shared one."""
    ((name, arguments),) = declared.items()
    own = f"{PACKAGE}.{path.parent.name}"
    shared = (f"{PACKAGE}.core.learn.{module}" for module in ("networks", "convolutional"))
    modules = [science[0], f"{own}.rule", f"{own}.network", *shared]
    network = resolve(name, modules, where)
    check_arguments(network, arguments, {}, f"{where}.{name}")
    return network


def share(experiments: Mapping, name: str, budget: Mapping, tier: str, where: str) -> float:
    """Of the paper's budget; that of another experiment, where this one is a share of it."""
    declared = experiments[name]
    whole = experiments.get(declared.get("share_of", name))
    if whole is None:
        raise DeclarationError(f"{where}.share_of: unknown {declared['share_of']!r}")
    full = whole["tiers"]["paper"]["budget"]
    if set(full) != set(budget):
        raise DeclarationError(f"{where}.tiers.{tier}.budget: has to name {sorted(full)}")
    return prod(budget[key] / full[key] for key in full)


def definition_of(target: Defined) -> Definition:
    """What is known of a class or function."""
    module, attribute = target
    return definitions(module)[snake_case(attribute)]


def samplers_of(science: Defined) -> frozenset[str]:
    """The methods of a model that may be samplers: those that not every model has."""
    every = definition_of((f"{PACKAGE}.core.learn.models", "GenerativeModel")).methods
    return definition_of(science).methods - every


def arguments_of(target: Defined) -> dict[str, Argument]:
    """What a class or function takes from YAML: all by keyword, but what the suite provides."""
    found = definition_of(target).arguments
    return {name: argument for name, argument in found.items() if name not in PROVIDED}


def check_arguments(target: Defined, given: Mapping, budget: Mapping, where: str) -> None:
    """What is given, `where`, is what the science takes by keyword, but for the budget's."""
    known = arguments_of(target)
    unknown = sorted(set(given) - set(known))
    missing = sorted(set(known) - set(given) - set(budget))
    if unknown or missing:
        raise DeclarationError(
            f"{where}: {target[1]} takes {', '.join(sorted(known))}"
            + (f"; unknown: {', '.join(unknown)}" if unknown else "")
            + (f"; missing: {', '.join(missing)}" if missing else "")
        )
    check_types(target, given, where)


def check_types(target: Defined, given: Mapping, where: str) -> None:
    """What is given is of the types that the science says."""
    known = arguments_of(target)
    for name, value in given.items():
        if not fits(value, known[name].schema):
            number = as_number(value)
            raise DeclarationError(
                f"{where}.{name}: {target[1]} takes {known[name].type}, not {value!r}"
                + (f"; YAML reads {value} as text: write {number}" if number else "")
            )


def as_number(value: object) -> str:
    """How YAML would read as a number what it has read as text, such as "1e-3"; else ""."""
    try:
        number = float(value) if isinstance(value, str) else nan
    except ValueError:
        return ""
    return repr(number) if isfinite(number) else ""


def check_choices(resolved: Mapping, where: str) -> None:
    """One network, one optimiser."""
    choices = [resolved.get("network", {}), resolved.get("training", {}).get("optimiser", {})]
    if any(len(names) > 1 for names in choices):
        raise DeclarationError(f"{where}: a tier changes a network's or optimiser's name")


def check_budget(resolved: Mapping, kind: str, science: Defined, where: str) -> None:
    """Epochs and examples; of a simulation, the arguments that are no settings."""
    budget = set(resolved["budget"])
    if kind != "simulation" and budget != {"epochs", "examples"}:
        raise DeclarationError(f"{where}: budget: has to name epochs and examples")
    free = set(arguments_of(science)) - set(resolved["settings"])
    if kind == "simulation" and budget != free:
        raise DeclarationError(f"{where}: budget: has to name {sorted(free)}, not {sorted(budget)}")
    if kind == "simulation":
        check_types(science, resolved["budget"], f"{where}.budget")


def check_scored(science: Defined, where: str) -> None:
    """The paper's scores.py has a function of a simulation's name."""
    scores = scores_of(science[0])
    if science[1] not in definitions(scores):
        raise DeclarationError(
            f"{where}: {scores.replace('.', '/')}.py has no function {science[1]!r}, which would "
            "score this simulation"
        )


def check_evaluation(
    evaluation: Mapping, kind: str, science: Defined, paper: str, where: str
) -> None:
    """Samplers and chains that the model or the paper has, measures with their settings.

    A likelihood is that of a sampler's decoder. A learning rule has measures, and an alignment
    with the gradient, which a model has not.
    """
    if kind == "simulation":
        raise DeclarationError(f"{where}: a simulation has none: scores.py scores it")
    own = {"alignment", "measures"}
    more = sorted(set(evaluation) - own) if kind == "learning_rule" else []
    if more:
        raise DeclarationError(
            f"{where}: a learning rule has {' and '.join(sorted(own))}, no {', '.join(more)}"
        )
    if kind == "model" and "alignment" in evaluation:
        raise DeclarationError(f"{where}: only a learning rule has an alignment")
    if "alignment" in evaluation and "gradient" not in definition_of(science).methods:
        raise DeclarationError(
            f"{where}.alignment: {science[1]} has no method gradient(batch) to compare updates with"
        )
    methods = samplers_of(science)
    chains = methods | set(definitions(f"{PACKAGE}.{paper}.{EVALUATED['chains']}"))
    decoded = set(evaluation.get("samplers", [])) if "decoder" in methods else set()
    measures = f"{PACKAGE}.{paper}.{EVALUATED['measures']}"
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
        check_arguments((measures, name), settings, {}, f"{where}.measures.{name}")
