"""Metrics: label, unit, direction and meaning. Those that are shared stand in metrics.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from replications.core.declare.schema import read_yaml

BETTER = {"higher": True, "lower": False, "neither": None}


@dataclass(frozen=True)
class Metric:
    """One metric: the `label` that people read, `unit` ("" for a pure number), and its direction.

    `higher_is_better` is None where neither is better. `counts`: of what moves in steps, what is
    counted, by a name that all metrics have which count the same; "" of all others.
    """

    label: str
    unit: str
    higher_is_better: bool | None
    meaning: str
    counts: str = ""

    @property
    def titled(self) -> str:
        """The label with the unit, if there is one: "test error (%)"."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


def metrics_of(declared: Mapping[str, Mapping[str, str]]) -> dict[str, Metric]:
    """Metrics as a YAML file declares them, by name."""
    return {
        name: Metric(m["label"], m["unit"], BETTER[m["better"]], m["meaning"], m.get("counts", ""))
        for name, m in declared.items()
    }


# Parts of the long table that are no model's images; core/score/estimators/parzen.py makes them.
ANCHORS = ("real images", "k-means", "mean image", "gaussian")

SHARED = metrics_of(read_yaml(Path(__file__).with_suffix(".yaml"), "metrics"))
