"""What people read of scores: the labels of experiments and metrics, and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from replications.core.declare.experiments import Experiment
from replications.core.declare.metrics import Metric
from replications.core.declare.papers import Claim

Named = tuple[str, str, str]  # metric with its unit, experiment, part ("" for the whole)


def measured(claim: Claim, experiments: Sequence[Experiment], metrics: Mapping[str, Metric]) -> str:
    """What a claim measures: one score, the difference of two, or a correlation over rules.

    What both have in common is said once: "test error (%): A − B", "recall: A, top − bottom".
    """
    if "correlates" in claim.declared:
        told = claim.declared["correlates"]
        before, after = metrics[told["metric"]].label, metrics[told["with"]].label
        of = f"{len(experiments)} rules, {spaced(told['field'])}"
        return f"−rank correlation, {of}: {before} halfway, {after}"
    named = [
        (metrics[score["metric"]].titled, experiment.label, spaced(score.get("part", "")))
        for score, experiment in zip(claim.scores, experiments, strict=True)
    ]
    facets = list(zip(*named, strict=True))
    differing = [facet for facet in facets if len(set(facet)) > 1]
    if len(differing) == 1 and all(differing[0]):
        metric, experiment, part = (" − ".join(dict.fromkeys(facet)) for facet in facets)
        return titled((metric, experiment, part))
    return " − ".join(map(titled, named))


def titled(named: Named) -> str:
    """ "test error (%): difference target propagation, top layer"."""
    metric, *of = named
    return f"{metric}: {', '.join(filter(None, of))}"


def spaced(part: str) -> str:
    """A part as people read it: identifiers of samplers have underscores."""
    return part.replace("_", " ")
