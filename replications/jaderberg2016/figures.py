"""Figures of Jaderberg et al. 2016."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from replications.core.report.plots import (
    COLUMN,
    Drawn,
    alignment_by_layer,
    panels,
    plain_log_ticks,
)

RULES = {
    "backpropagation": "back-propagation",
    "cdni": "cDNI",
    "dni": "DNI",
    "output_layer": "no feedback",
}


def depth(drawn: Drawn) -> Figure:
    """Test error by the number of hidden layers."""
    figure, axis = plt.subplots(figsize=(COLUMN, 3.4))
    for color, (rule, label) in enumerate(RULES.items()):
        names = [f"{rule}_{n}" for n in range(2, 7) if f"{rule}_{n}" in drawn.arrays]
        errors = {int(n[-1]): drawn.of(n, "test_error")["value"].to_numpy() for n in names}
        for hidden, values in errors.items():
            axis.plot([hidden] * len(values), values, "o", color=f"C{color}", ms=3, alpha=0.5)
        axis.plot([*errors], [v.mean() for v in errors.values()], color=f"C{color}", label=label)
        printed = {int(e[-1]): value for e, value in papers(drawn) if e[:-2] == rule}
        axis.plot([*printed], [*printed.values()], "x", color=f"C{color}", ms=5)
    axis.set(xlabel="hidden layers", ylabel="test error (%)", yscale="log")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    plain_log_ticks(axis.yaxis)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return figure


def papers(drawn: Drawn) -> list[tuple[str, float]]:
    """(experiment, the paper's test error, %), where its layers are counted with the output."""
    if not drawn.on_the_papers_data:
        return []
    return [(c.scores[0]["experiment"], c.declared["value"]["mean"])
            for c in drawn.paper.claims if c.name.endswith("_with_output")]  # fmt: skip


def learning_curves(drawn: Drawn) -> Figure:
    """Errors of two hidden layers (left) and of five (right)."""
    ends = {"two hidden layers": ("_2", "_whole"), "five hidden layers": ("_5",)}
    found = {t: tuple(n for n in drawn.arrays if n.endswith(e)) for t, e in ends.items()}
    return panels(drawn, found)


def alignment(drawn: Drawn) -> Figure:
    """The updates against the gradient of the same cost, per layer."""
    return alignment_by_layer(drawn)
