"""Plots as plain SVG: bars with their spread, and lines over an axis. Written from what a results file holds, so that the
same file always gives the same picture; no library, nothing but shapes and text."""

from math import ceil, floor, log10
from xml.sax.saxutils import escape

WIDTH, MARGIN, ROW = 720, 16, 26
LABEL_WIDTH, VALUE_WIDTH = 150, 70
LINES_HEIGHT, AXIS_LEFT, AXIS_BOTTOM, LEGEND = 340, 80, 44, 170
COLOURS = ["#1f6f8b", "#c8553d", "#588157", "#8e6c8a", "#d19c1d", "#4a4e69", "#2a9d8f", "#7f5539", "#6c757d"]
STYLE = "font-family:system-ui,sans-serif;font-size:12px;fill:#222"


def document(width, height, title, parts):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" style="{STYLE};background:#fff">')
    return "\n".join([head, f"<title>{escape(title)}</title>", f'<rect width="{width}" height="{height}" fill="#fff"/>',
                      text(MARGIN, 22, title, weight="bold"), *parts, "</svg>"]) + "\n"


def text(x, y, words, anchor="start", weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'


def line(x1, y1, x2, y2, colour="#999", width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def bars(plot):
    """One row a bar: the median as its length, least and most as a whisker. The axis is logarithmic where the longest is
    more than 20 times the shortest: it then begins a decade below the shortest."""
    entries = plot["bars"]
    values = [entry["median"] for entry in entries]
    most = max([entry["most"] for entry in entries] + [1e-9])
    positive = [value for value in values if value > 0]
    is_log = bool(positive) and most > 20 * min(positive)
    lowest = 10 ** (floor(log10(min(positive))) - 1) if is_log else 0
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH - 2 * MARGIN

    def place(value):
        if is_log:
            return room * max(0.0, log10(max(value, lowest) / lowest) / log10(most / lowest))
        return room * value / most

    parts = []
    left = MARGIN + LABEL_WIDTH
    for index, entry in enumerate(entries):
        top = 40 + index * ROW
        middle = top + ROW / 2
        parts.append(text(left - 8, middle + 4, entry["label"], "end"))
        parts.append(f'<rect x="{left}" y="{top + 4}" width="{place(entry["median"]):.1f}" height="{ROW - 8}" '
                     f'fill="{COLOURS[0] if entry["label"] == "varved" else "#a9b4bd"}"/>')
        parts.append(line(left + place(entry["least"]), middle, left + place(entry["most"]), middle, "#222", 1.5))
        parts.append(text(left + place(entry["most"]) + 8, middle + 4, f"{entry['median']:.3g}"))
    height = 48 + len(entries) * ROW
    if is_log:
        parts.append(text(WIDTH - MARGIN, 22, "logarithmic", "end"))
    return document(WIDTH, height, plot["title"], parts)


def lines(plot):
    """Series of points; both axes logarithmic where the plot says so."""
    series = [one for one in plot["series"] if one["points"]]
    right, bottom = WIDTH - LEGEND, LINES_HEIGHT - AXIS_BOTTOM
    axes = [Axis([point[place] for one in series for point in one["points"]], plot.get(f"log_{name}", False), start, end)
            for place, name, start, end in ((0, "x", AXIS_LEFT, right), (1, "y", bottom, 40))]
    parts = []
    for value in axes[0].ticks:
        parts += [line(axes[0].at(value), 40, axes[0].at(value), bottom, "#e4e4e4"),
                  text(axes[0].at(value), bottom + 16, f"{value:g}", "middle")]
    for value in axes[1].ticks:
        parts += [line(AXIS_LEFT, axes[1].at(value), right, axes[1].at(value), "#e4e4e4"),
                  text(AXIS_LEFT - 6, axes[1].at(value) + 4, f"{value:g}", "end")]
    parts += [line(AXIS_LEFT, bottom, right, bottom), line(AXIS_LEFT, 40, AXIS_LEFT, bottom),
              text((AXIS_LEFT + right) / 2, LINES_HEIGHT - 8, plot["x"], "middle"), text(right + 10, 22, plot["y"])]
    for index, one in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        points = [(axes[0].at(x), axes[1].at(y)) for x, y in sorted(one["points"])]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
                     + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"/>')
        if len(points) <= 20:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts += [line(right + 10, 48 + 18 * index, right + 26, 48 + 18 * index, colour, 3),
                  text(right + 32, 52 + 18 * index, one["label"])]
    return document(WIDTH, LINES_HEIGHT, plot["title"], parts)


class Axis:
    """From values to places on the picture, with the values at which the axis is marked."""

    def __init__(self, values, is_log, start, end):
        self.is_log, self.start, self.end = is_log, start, end
        if is_log:
            values = [value for value in values if value > 0] or [1]
            self.low, self.high = floor(log10(min(values))), ceil(log10(max(values)))
            self.high += self.high == self.low
            self.ticks = [10.0 ** power for power in range(self.low, self.high + 1)]
        else:
            self.low, self.high = 0, max([*values, 0]) or 1
            step = 10 ** floor(log10(self.high))
            step = step / 2 if self.high / step < 3 else step
            self.ticks = [step * number for number in range(floor(self.high / step) + 1)]

    def at(self, value):
        value = max(log10(max(value, 1e-12)), self.low) if self.is_log else value
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


DRAWERS = {"bars": bars, "lines": lines}
