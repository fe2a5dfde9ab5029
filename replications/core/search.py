"""Searches for the hyperparameters that a paper leaves unsaid, as a paper's `search.yaml` declares.

Random draws, thinned by stages (successive halving): every draw is trained at the first stage's
budget, the best of a stage go on to the next, which spends more. What is compared is the Parzen
log-likelihood of the validation images; no test image is ever read.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from replications.core.hashes import code_hash, digest
from replications.core.papers import Experiment, Suite, merge, read
from replications.core.provenance import PACKAGE, ROOT
from replications.core.runs import Run, write_atomically, write_json

STEP = f"{PACKAGE}.core.search"


@dataclass(frozen=True)
class Search:
    """One search: the experiment whose settings it draws, and what `search.yaml` declares."""

    paper: str
    name: str
    declared: dict

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
            value = one(variable, source) if index else variable["start"]
            values |= dict.fromkeys(variable["set"], value)
        return values

    def resolve(self, stage: int, values: Mapping[str, object]) -> Experiment:
        """The experiment with drawn values and a stage's budget; rates times its rate_scale."""
        experiment = Suite().experiment(self.paper, self.declared["experiment"], "paper")
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
        experiment = Suite().experiment(self.paper, self.declared["experiment"], "paper")
        code = [experiment.hashes("train")["code"], code_hash(STEP)]
        fixed = {k: v for k, v in experiment.resolved.items() if k not in ("evaluation", "budget")}
        return {"code": digest(code), "config": digest([self.declared, fixed, stage])}


def one(variable: Mapping, source: Random) -> object:
    """A value of one drawn variable: one of `choices`, or uniform, in the logarithm if `log`."""
    if "choices" in variable:
        return source.choice(variable["choices"])
    low, high = variable["low"], variable["high"]
    if variable["log"]:
        return float(f"{math.exp(source.uniform(math.log(low), math.log(high))):.3g}")
    return float(f"{source.uniform(low, high):.3g}")


def nested(keys: list[str], value: object) -> dict:
    """["a", "b"], 1 -> {"a": {"b": 1}}."""
    for key in reversed(keys):
        value = {key: value}
    return value


def searches(root: Path = ROOT / PACKAGE) -> list[Search]:
    """Every search that a paper declares. Raises DeclarationError if a file is not as it should."""
    return [
        Search(path.parent.name, name, declared)
        for path in sorted(root.glob("*/search.yaml"))
        for name, declared in read(path, "search").items()
    ]


def find(paper: str, name: str) -> Search:
    """One search by its names. Raises ValueError if there is none."""
    for search in searches():
        if (search.paper, search.name) == (paper, name):
            return search
    known = ", ".join(f"{s.paper} {s.name}" for s in searches())
    raise ValueError(f"{paper} declares no search {name!r}; there are {known}")


def ranked(folder: Path, stage: int) -> list[dict]:
    """The trials of a stage, best first; what diverged comes last."""
    trials = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{stage}/*/trial.json"))]
    worst = -math.inf
    return sorted(trials, key=lambda t: (-(worst if t["value"] is None else t["value"]), t["draw"]))


def trial(search: Search, stage: int, rank: int, folder: Path, data: Path, device: str) -> None:
    """Train and score the draw that stands at `rank` after the stage before, into trial.json."""
    import torch

    from replications.core.train.loop import Diverged
    from replications.core.train.model import train

    index = ranked(folder, stage - 1)[rank]["draw"] if stage else rank
    values = search.draw(index)
    experiment = search.resolve(stage, values)
    run = Run(experiment, "paper", 0, folder / str(stage) / str(rank), data, device,
              torch.get_num_threads(), search.hashes(stage))  # fmt: skip
    with run.writing():
        try:
            train(run)
            scores = validation(run, search.declared)
        except Diverged:
            scores = dict.fromkeys(search.declared["samplers"])
    for name, nats in scores.items():
        if nats is not None and not math.isfinite(nats):
            scores[name] = None
    row = {"stage": stage, "draw": index, "value": scores[search.declared["maximise"]]}
    write_json(run.directory / "trial.json", row | {"scores": scores, "values": values})


def validation(run: Run, declared: Mapping) -> dict[str, float]:
    """Parzen log-likelihood of the validation images at sigma = 0.2 (nats), by sampler."""
    from replications.core.datasets import images_of
    from replications.core.score.parzen import log_likelihoods
    from replications.core.score.rows import assign, snapshots
    from replications.core.train.minibatch import generator
    from replications.core.train.model import build

    images = images_of(run).validation.inputs
    model = build(run)
    *_, last = snapshots(run).values()
    assign(model.parameters | model.buffers, last)
    found = {}
    for sampler in declared["samplers"]:
        drawn = getattr(model, sampler)(declared["samples"], generator(run, "evaluation"))
        found[sampler] = round(float(log_likelihoods(images, drawn, [0.2]).mean()), 2)
    return found


def write_table(search: Search, folder: Path, into: Path) -> None:
    """One CSV of every trial: stage, draw, each sampler's score (nats), the drawn values."""
    trials = [t for stage in range(len(search.stages)) for t in ranked(folder, stage)]
    names = list(dict.fromkeys(path for t in trials for path in t["values"]))
    out = io.StringIO()
    writer = csv.DictWriter(out, ["stage", "draw", *search.declared["samplers"], *names],
                            lineterminator="\n")  # fmt: skip
    writer.writeheader()
    for t in trials:
        writer.writerow({"stage": t["stage"], "draw": t["draw"]} | t["scores"] | t["values"])
    write_atomically(into, out.getvalue())
