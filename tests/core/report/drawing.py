"""What is wrong with how a figure is drawn, in words."""

from matplotlib.text import Text

from replications.core.report.plots import COLUMN, PAGE

TALLEST = 23 / 2.54  # inches: the text of a page
SMALLEST = 6  # pt


def flaws(figure):
    """Of a figure at the size of print: its width, letters that are too small or cut off."""
    figure.canvas.draw()
    width, height = figure.get_size_inches()
    found = [] if any(abs(width - w) < 1e-6 for w in (COLUMN, PAGE)) else [f"{width} in wide"]
    found += [f"{height} in tall"] if height > TALLEST else []
    hidden = beyond(figure)
    for text in figure.findobj(Text):
        if not text.get_visible() or not text.get_text().strip() or text in hidden:
            continue
        if text.get_fontsize() < SMALLEST:
            found.append(f"{text.get_text()!r} at {text.get_fontsize()} pt")
        box, whole = text.get_window_extent(), figure.bbox.padded(1)
        if not (whole.contains(*box.min) and whole.contains(*box.max)):
            found.append(f"{text.get_text()!r} is cut off")
    return found


def beyond(figure):
    """The labels of ticks that lie beyond their axis: they are not drawn."""
    labels = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low <= tick.get_loc() <= high:
                    labels |= {tick.label1, tick.label2}
    return labels
