"""Figures of Bartunov et al. 2018."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.compare import value_range
from replications.core.report.plots import PAGE, Drawn, alignment_by_layer, panels

CHOSEN = {  # metric -> marker, and which epoch is taken
    "best_test_error": ("v", "smallest test error"),
    "test_error_chosen": ("o", "smallest validation error"),
    "test_error": ("D", "the last"),
}


def selection(drawn: Drawn) -> Figure:
    """Test errors by which epoch is taken."""
    names = list(drawn.arrays)
    figure, axis = plt.subplots(figsize=(PAGE, 0.9 + 0.28 * len(names)))
    paper = {c.scores[0]["experiment"]: value_range(c)[0] for c in drawn.paper.claims
             if "value" in c.declared}  # fmt: skip
    for y, name in enumerate(names):
        color = drawn.color(name)
        for k, (metric, (marker, _)) in enumerate(CHOSEN.items()):
            values = drawn.of(name, metric)["value"]
            height = y + 0.22 * (k - 1)
            axis.plot(values, [height] * len(values), marker, color=color, ms=2.5, alpha=0.5)
            axis.plot(values.mean(), height, marker, color=color, ms=5)
        if drawn.on_the_papers_data and name in paper:
            axis.plot([paper[name]] * 2, [y - 0.4, y + 0.4], color="0.4", lw=1.2)
    for marker, epoch in CHOSEN.values():
        axis.plot([], [], marker, color="0.4", ms=5, label=epoch)
    if drawn.on_the_papers_data:
        axis.plot([], [], color="0.4", lw=1.2, label="the paper")
    axis.set_yticks(range(len(names)), [drawn.label(name) for name in names])
    axis.set(xlabel="test error (%)", ylim=(len(names) - 0.5, -0.5))
    axis.legend(title="epoch with", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


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
