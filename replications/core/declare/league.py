"""The league: every rule in the same fields, of the rows that folders declare for their rules.

The `league` of its paper.yaml is the protocol: fields (a network, a dataset, budgets), and a
search of equal size for every row. A folder enters its rules by a league.yaml beside its
paper.yaml; each of its rows becomes an experiment of the league in every field, <row>_<field>,
but in those that name their few `rules`: they answer one question by a figure, and have no table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from replications.core.declare.expansion import merge, place
from replications.core.declare.schema import DeclarationError, read_yaml

if TYPE_CHECKING:
    from replications.core.declare.experiments import Experiment
    from replications.core.declare.papers import Paper

LEAGUE = "league"  # its folder
TWIN = "backpropagation"  # the row that all others are compared with


@cache
def rows_of(root: Path) -> dict[str, dict]:
    """Every row that a folder below `root` declares, by its name, in the order of the folders.

    Raises DeclarationError for a name that two of them use.
    """
    found: dict[str, dict] = {}
    for path in sorted(root.glob("*/league.yaml")):
        for name, row in read_yaml(path, "league").items():
            if name in found:
                raise DeclarationError(f"{place(path, name)}: another folder has a row {name}")
            found[name] = row
    return found


def entered(league: Mapping, rows: Mapping[str, Mapping]) -> dict[str, dict]:
    """The experiments of the league by name: its rows in every field that has and can run them.

    Raises DeclarationError if a field names a rule that no row has.
    """
    found = {}
    for field, told in league["fields"].items():
        if unknown := [name for name in told.get("rules", []) if name not in rows]:
            raise DeclarationError(f"the league's field {field}: no row {', '.join(unknown)}")
        for name in told.get("rules", rows):
            if "absent" not in net_of(league, rows[name], field):
                found[f"{name}_{field}"] = experiment(league, rows[name], field)
    return found


def open_fields(league: Mapping) -> dict[str, Mapping]:
    """The fields that every row is entered in."""
    return {field: told for field, told in league["fields"].items() if "rules" not in told}


def entries(paper: Paper, names: Sequence[str], tier: str, dataset: str) -> list[Experiment]:
    """The experiments of some rows of the league, in the open fields of a dataset.

    Raises DeclarationError for a row or a dataset that there is not.
    """
    league, rows = paper.declared["league"], rows_of(paper.path.parents[1])
    places = open_fields(league)
    fields = [f for f, told in places.items() if told["data"] == dataset]
    known = list(dict.fromkeys(told["data"] for told in places.values()))
    if not fields:
        raise DeclarationError(f"the league has no {dataset!r}; it has {', '.join(known)}")
    if unknown := [name for name in names if name not in rows]:
        raise DeclarationError(f"the league has no {', '.join(unknown)}; it has {', '.join(rows)}")
    wanted = {f"{name}_{field}" for name in names for field in fields}
    return [e for e in paper.experiments(tier) if e.name in wanted]


def by_field(league: Mapping, experiments: Sequence[Experiment]) -> dict[str, list[Experiment]]:
    """The experiments of each field that has any, in the order of the fields."""
    found = {f: [e for e in experiments if e.name.endswith(f"_{f}")] for f in league["fields"]}
    return {field: entered for field, entered in found.items() if entered}


def by_net(league: Mapping, experiments: Sequence[Experiment]) -> dict[str, dict[str, Experiment]]:
    """Of each net the experiments by row, in the first of its fields that they are in."""
    found: dict[str, dict[str, Experiment]] = {}
    for field, entered in by_field(league, experiments).items():
        of_net = found.setdefault(league["fields"][field]["net"], {})
        for e in entered:
            of_net.setdefault(e.name.removesuffix(f"_{field}"), e)
    return found


def net_of(league: Mapping, row: Mapping, field: str) -> Mapping:
    """What a row declares for the network of a field alone."""
    return row.get("nets", {}).get(league["fields"][field]["net"], {})


def experiment(league: Mapping, row: Mapping, field: str) -> dict:
    """The declaration of a row in a field, as a paper.yaml would have it."""
    place_of, own = league["fields"][field], net_of(league, row, field)
    network = merge(row.get("network", league["network"]), own.get("network", {}))
    (kind,) = network
    given, changes = row.get("training", {}), own.get("training", {})
    training = {**league["training"], **given}  # an optimiser is replaced, not merged with
    return {
        "label": f"{row['label']}, {place_of['label']}",
        "minutes": row["minutes"],
        "learning_rule": row["learning_rule"],
        "network": merge(network, {kind: {"layers": place_of["layers"]}}),
        "data": place_of["data"],
        "settings": merge(row["settings"], own.get("settings", {})),
        "training": merge(training, changes),
        "evaluation": league["evaluation"],
        "unsaid": {**league["unsaid"], **row.get("unsaid", {})},
        "tiers": {tier: of_tier(kind, told) for tier, told in place_of["tiers"].items()},
    }


def of_tier(kind: str, told: Mapping) -> dict:
    """A tier of a field for a network of that kind."""
    rest = {key: value for key, value in told.items() if key != "layers"}
    layers = {"network": {kind: {"layers": told["layers"]}}} if "layers" in told else {}
    return rest | layers


def searches_of(league: Mapping, rows: Mapping[str, Mapping]) -> Iterator[tuple[str, dict]]:
    """Name and declaration of the search for each row and net, as a search.yaml would have them."""
    told = league["search"]
    for field in told["fields"]:
        for name, row in rows.items():
            if "absent" in net_of(league, row, field):
                continue
            yield f"{name}_{field}", {
                "says": f"settings of {row['label']}, {league['fields'][field]['label']}",
                "experiment": f"{name}_{field}",
                "seed": told["seed"],
                "stages": told["stages"],
                "spaces": [{"name": "about the usual", "draws": told["stages"][0]["trials"],
                            "fixed": {}, "drawn": row["drawn"]}],
            }  # fmt: skip
