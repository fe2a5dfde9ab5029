"""Figures of Bartunov et al. 2018."""

from matplotlib.figure import Figure

from replications.core.report.plots import Drawn, alignment_by_layer, by_epoch_taken, panels


def selection(drawn: Drawn) -> Figure:
    """Test errors by which epoch is taken."""
    return by_epoch_taken(drawn)


def learning_curves(drawn: Drawn) -> Figure:
    """Errors of target propagation in parallel and in turns, and of rules that feed errors back."""
    targets = ("dtp", "sdtp", "ao_sdtp")
    return panels(drawn, {
        "in parallel": tuple(f"{rule}_parallel" for rule in targets),
        "in turns": tuple(f"{rule}_alternating" for rule in targets),
        "errors fed back": ("feedback", "direct", "back"),
    })  # fmt: skip


def alignment(drawn: Drawn) -> Figure:
    """The updates against the gradient of the same cost, per layer."""
    return alignment_by_layer(drawn)
