"""An experiment as a tier resolves it: all that a run depends on, and the hashes of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from replications.core.base.hashes import code_hash, digest
from replications.core.base.provenance import PACKAGE
from replications.core.base.scores import FORMAT
from replications.core.declare.reflection import definitions, resolve

TIERS = ("smoke", "standard", "paper")
# An experiment's kind: the key that names its science, and the file of the paper that holds it.
KINDS = {"learning_rule": "rule", "model": "model", "simulation": "simulation"}
# Files of a paper that hold what an evaluation names: Markov chains, and measures of its own.
EVALUATED = {"chains": "samplers", "measures": "measures"}

hash_of = cache(code_hash)  # most experiments of a paper share their modules


def scores_of(module: str) -> str:
    """The module that scores a paper's simulations, by functions of their names."""
    return ".".join([*module.split(".")[:2], "scores"])


@dataclass(frozen=True)
class Experiment:
    """One model or simulation on one dataset, as one tier resolves it."""

    paper: str
    name: str
    label: str  # what people read
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

    @property
    def budget(self) -> str:
        """Tier and share, with what is reduced: "standard tier, 24%, smaller network"."""
        return f"{self.tier} tier, {self.share_text}{self.reduced_text}"

    def hashes(self, step: str) -> dict[str, str]:
        """Hashes of the code that `step` ("train" or "score") uses, and of the configuration.

        Beside them the format of run directories.
        """
        code, config = hash_of(*self.definitions(step)), digest(self.config(step))
        return {"code": code, "config": config, "format": str(FORMAT)}

    def config(self, step: str) -> dict:
        """What of the configuration `step` ("train" or "score") depends on.

        How a run is evaluated changes nothing of its training.
        """
        left_out = {"evaluation"} if step == "train" else set()
        return {key: value for key, value in self.resolved.items() if key not in left_out}

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
            found.append((scores_of(self.science[0]), self.science[1]))
        if "neighbours" in named:
            found.append((f"{PACKAGE}.core.score.estimators.classifier", "store_classifier"))
        return found
