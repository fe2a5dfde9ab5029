"""Figures of Bengio et al. 2017: rules side by side, on rates and on spikes."""

from matplotlib.figure import Figure

from replications.core.report.plots import Drawn, rules_by_epoch


def rules(drawn: Drawn) -> Figure:
    """The contrast and what its synapses' integrals make of it, on MNIST."""
    return rules_by_epoch(drawn)


def spikes(drawn: Drawn) -> Figure:
    """Rates and Poisson spikes, on digits."""
    return rules_by_epoch(drawn)
