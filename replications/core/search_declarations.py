"""What a `search.yaml` may say beyond its schema: checked when the workflow starts.

Not imported by `search`, whose hash would change with it and rerun every trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from replications.core.papers import DeclarationError, Experiment, Paper, merge, methods_of
from replications.core.provenance import PACKAGE, ROOT
from replications.core.search import Search, nested, searches

DRAWN = ("settings", "training")  # what of an experiment a search may draw


def checked_searches(root: Path = ROOT / PACKAGE) -> list[Search]:
    """Every search that a paper declares.

    Raises DeclarationError, with file and key, for one that could not be run as it is declared.
    """
    found = searches(root)
    for search in found:
        declared = search.declared
        path = root / search.paper / "search.yaml"
        where = f"{path.relative_to(root.parent)}: {search.name}"
        paper = Paper(path.with_name("paper.yaml"))
        models = {e.name: e for e in paper.experiments("paper") if e.kind == "model"}
        if declared["experiment"] not in models:
            raise DeclarationError(
                f"{where}.experiment: no model {declared['experiment']!r}; "
                f"known are {', '.join(models)}"
            )
        experiment = models[declared["experiment"]]
        check_samplers(declared, experiment, where)
        check_trials(declared, where)
        for number, space in enumerate(declared["spaces"]):
            check_paths(space, experiment, f"{where}.spaces.{number}")
            check_values(space, f"{where}.spaces.{number}")
    return found


def check_samplers(declared: Mapping, experiment: Experiment, where: str) -> None:
    """The model has the samplers, and one of them decides."""
    known = methods_of(*experiment.science)
    for sampler in declared["samplers"]:
        if sampler not in known:
            raise DeclarationError(
                f"{where}.samplers: {experiment.science[1]} has no {sampler!r}; it has "
                f"{', '.join(sorted(known))}"
            )
    if declared["maximise"] not in declared["samplers"]:
        raise DeclarationError(
            f"{where}.maximise: {declared['maximise']!r} is none of the samplers "
            f"{', '.join(declared['samplers'])}"
        )


def check_trials(declared: Mapping, where: str) -> None:
    """The first stage trains every draw, and no stage more than the one before leaves it."""
    trials = [stage["trials"] for stage in declared["stages"]]
    draws = [space["draws"] for space in declared["spaces"]]
    if trials[0] != sum(draws):
        raise DeclarationError(
            f"{where}.stages.0.trials: {trials[0]}, but the spaces have {sum(draws)} draws"
        )
    for stage in range(1, len(trials)):
        if trials[stage] > trials[stage - 1]:
            raise DeclarationError(
                f"{where}.stages.{stage}.trials: {trials[stage]}, but the stage before leaves "
                f"only {trials[stage - 1]}"
            )


def check_paths(space: Mapping, experiment: Experiment, where: str) -> None:
    """Every path leads to what the experiment declares; a drawn one may lead to what is fixed."""
    settings = {key: experiment.resolved[key] for key in DRAWN}
    for path in space["fixed"]:
        follow(settings, path, f"{where}.fixed")
    if any(path.startswith("training/optimiser") for path in space["fixed"]):
        training = {k: v for k, v in settings["training"].items() if k != "optimiser"}
        settings = settings | {"training": training}  # replaced, as `Search.resolve` does
    for path, value in space["fixed"].items():
        settings = merge(settings, nested(path.split("/"), value))
    for number, variable in enumerate(space["drawn"]):
        for path in variable["set"]:
            follow(settings, path, f"{where}.drawn.{number}.set")


def check_values(space: Mapping, where: str) -> None:
    """Every variable starts where it may be drawn; what is even in the logarithm is above zero."""
    for number, variable in enumerate(space["drawn"]):
        start, within = variable["start"], f"{where}.drawn.{number}"
        if "choices" in variable:
            if start not in variable["choices"]:
                raise DeclarationError(f"{within}.start: {start!r} is none of the choices")
            continue
        low, high = variable["low"], variable["high"]
        if not low <= start <= high or low == high:
            raise DeclarationError(f"{within}: has to be low <= start <= high, low < high")
        if variable["log"] and low <= 0:
            raise DeclarationError(f"{within}.low: {low} has no logarithm")


def follow(settings: object, path: str, where: str) -> None:
    """Go down `path`. Raises DeclarationError, with the names that there are, where it ends."""
    for key in path.split("/"):
        names = settings if isinstance(settings, Mapping) else {}
        if key not in names:
            known = ", ".join(names) or "none"
            raise DeclarationError(f"{where}: {path}: there is no {key!r}; there are {known}")
        settings = names[key]
