"""Declared searches: every paper's `search.yaml`, what its draws are, and whether it can be run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from replications.core.base.hashes import code_hash, digest
from replications.core.base.provenance import PACKAGE, ROOT
from replications.core.declare.expansion import merge, samplers_of
from replications.core.declare.experiments import Experiment
from replications.core.declare.league import LEAGUE, rows_of, searches_of
from replications.core.declare.papers import Suite, suite
from replications.core.declare.schema import DeclarationError, read_yaml

STEP = f"{PACKAGE}.core.steps.search:trial"
DRAWN = ("settings", "training", "network")  # what of an experiment a search may draw
ERROR = "validation_error"  # by which the search for a learning rule's settings decides
OF_SAMPLERS = ("samplers", "maximise", "samples")  # what the search for a model's declares


@dataclass(frozen=True)
class Search:
    """One search: the experiment whose settings it draws, and what `search.yaml` declares."""

    paper: str
    name: str
    declared: dict

    @property
    def scores(self) -> list[str]:
        """What a trial measures: of a model by sampler, of a learning rule its error."""
        return self.declared.get("samplers", [ERROR])

    def value(self, scores: Mapping[str, float | None]) -> float | None:
        """What decides, the larger the better; None for a trial that diverged."""
        if "maximise" in self.declared:
            return scores[self.declared["maximise"]]
        error = scores[ERROR]
        return None if error is None else -error

    @property
    def stages(self) -> list[dict]:
        """By stage: how many draws it trains, and at what budget."""
        return self.declared["stages"]

    def draw(self, index: int) -> dict[str, object]:
        """The values of draw `index` by path; the first draw of a space is its starting point."""
        for space in self.declared["spaces"]:
            if index < space["draws"]:
                break
            index -= space["draws"]
        source = Random(f"{self.declared['seed']}/{space['name']}/{index}")
        values: dict[str, object] = dict(space["fixed"])
        for variable in space["drawn"]:
            value = draw_value(variable, source) if index else variable["start"]
            values |= dict.fromkeys(variable["set"], value)
        return values

    def resolve(self, stage: int, values: Mapping[str, object]) -> Experiment:
        """The experiment with drawn values and a stage's budget; rates times its rate_scale."""
        experiment = suite().experiment(self.paper, self.declared["experiment"], "paper")
        resolved = experiment.resolved
        optimiser = {k: v for k, v in values.items() if k.startswith("training/optimiser")}
        if optimiser:  # one optimiser only: the paper.yaml's is replaced, not merged with
            training = {k: v for k, v in resolved["training"].items() if k != "optimiser"}
            resolved = resolved | {"training": training}
        for path, value in values.items():
            resolved = merge(resolved, nested(path.split("/"), value))
        scale = self.stages[stage]["rate_scale"]
        rates = {k: scale * v for k, v in resolved["training"]["learning_rates"].items()}
        over = {"training": {"learning_rates": rates}, "budget": self.stages[stage]["budget"]}
        return replace(experiment, resolved=merge(resolved, over))

    def hashes(self, stage: int) -> dict[str, str]:
        """Hashes of the code that a trial uses, and of what declares it."""
        experiment = suite().experiment(self.paper, self.declared["experiment"], "paper")
        code = [experiment.hashes("train")["code"], code_hash(STEP)]
        fixed = {k: v for k, v in experiment.resolved.items() if k not in ("evaluation", "budget")}
        return {"code": digest(code), "config": digest([self.declared, fixed, stage])}


def draw_value(variable: Mapping, source: Random) -> object:
    """A value of one drawn variable: one of `choices`, or uniform, in the logarithm if `log`."""
    if "choices" in variable:
        return source.choice(variable["choices"])
    low, high = variable["low"], variable["high"]
    if variable["log"]:
        return float(f"{math.exp(source.uniform(math.log(low), math.log(high))):.3g}")
    return float(f"{source.uniform(low, high):.3g}")


def nested(keys: list[str], value: object) -> Any:
    """["a", "b"], 1 -> {"a": {"b": 1}}."""
    for key in reversed(keys):
        value = {key: value}
    return value


def searches(root: Path = ROOT / PACKAGE) -> list[Search]:
    """Every search that a paper declares, and a league for each of its rows and nets.

    Raises DeclarationError if a file is not as it should.
    """
    found = [
        Search(path.parent.name, name, declared)
        for path in sorted(root.glob("*/search.yaml"))
        for name, declared in read_yaml(path, "search").items()
    ]
    path = root / LEAGUE / "paper.yaml"
    if path.exists():
        searched = searches_of(read_yaml(path, "paper")["league"], rows_of(root))
        found += [Search(LEAGUE, name, declared) for name, declared in searched]
    return found


def find_search(paper: str, name: str) -> Search:
    """One search by its names. Raises ValueError if there is none."""
    for search in searches():
        if (search.paper, search.name) == (paper, name):
            return search
    known = ", ".join(f"{s.paper} {s.name}" for s in searches())
    raise ValueError(f"{paper} declares no search {name!r}; there are {known}")


def checked_searches(papers: Suite) -> list[Search]:
    """Every search that one of the papers declares.

    Raises DeclarationError, with file and key, for one that could not be run as it is declared.
    """
    root = papers.root
    found = searches(root)
    for search in found:
        declared = search.declared
        path = root / search.paper / "search.yaml"
        where = f"{path.relative_to(root.parent)}: {search.name}"
        experiments = papers.paper(search.paper).experiments("paper")
        trained = {e.name: e for e in experiments if e.kind != "simulation"}
        if declared["experiment"] not in trained:
            raise DeclarationError(
                f"{where}.experiment: nothing is trained as {declared['experiment']!r}; "
                f"known are {', '.join(trained)}"
            )
        experiment = trained[declared["experiment"]]
        check_samplers(declared, experiment, where)
        check_trials(declared, where)
        for number, space in enumerate(declared["spaces"]):
            check_paths(space, experiment, f"{where}.spaces.{number}")
            check_values(space, f"{where}.spaces.{number}")
    return found


def check_samplers(declared: Mapping, experiment: Experiment, where: str) -> None:
    """The model has the samplers, and one of them decides; a learning rule has none."""
    given = [key for key in OF_SAMPLERS if key in declared]
    wanted = [*OF_SAMPLERS] if experiment.kind == "model" else []
    if given != wanted:
        raise DeclarationError(
            f"{where}: the search for a {experiment.kind.replace('_', ' ')}'s settings has "
            f"{', '.join(wanted) or 'no ' + ', no '.join(given)}"
        )
    if not wanted:
        return
    known = samplers_of(experiment.science)
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
    settings = {key: experiment.resolved[key] for key in DRAWN if key in experiment.resolved}
    for path in space["fixed"]:
        check_path(settings, path, f"{where}.fixed")
    if any(path.startswith("training/optimiser") for path in space["fixed"]):
        training = {k: v for k, v in settings["training"].items() if k != "optimiser"}
        settings = settings | {"training": training}  # replaced, as `Search.resolve` does
    for path, value in space["fixed"].items():
        settings = merge(settings, nested(path.split("/"), value))
    for number, variable in enumerate(space["drawn"]):
        for path in variable["set"]:
            check_path(settings, path, f"{where}.drawn.{number}.set")


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


def check_path(settings: object, path: str, where: str) -> None:
    """Go down `path`. Raises DeclarationError, with the names that there are, where it ends."""
    for key in path.split("/"):
        names = settings if isinstance(settings, Mapping) else {}
        if key not in names:
            known = ", ".join(names) or "none"
            raise DeclarationError(f"{where}: {path}: there is no {key!r}; there are {known}")
        settings = names[key]
