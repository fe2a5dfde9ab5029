"""Figures of the league."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from replications.core.report.plots import PAGE, Drawn


def errors(drawn: Drawn) -> Figure:
    """Test error of every rule, a panel for each field."""
    figure, axis = plt.subplots(figsize=(PAGE, 3))
    for y, name in enumerate(drawn.arrays):
        values = drawn.of(name, "test_error")["value"]
        axis.plot(values, [y] * len(values), "o")
    return figure
