# SPDX-License-Identifier: GPL-2.0-or-later
"""The handover modes beside each other as an SVG picture.

One panel for each circumstance (delays and link gap, or kind of move), in it a group for each mode:
what the network layer added downlink and uplink, as a bar up to the median with a whisker from the least
to the most, a tick where the mode's bound is, and below how many packets were lost.
"""

from picture import COLOURS, LEFT, LOST, RIGHT, WIDTH, Canvas, nice_step

PANEL_HEIGHT = 176
PANEL_SPACE_X, PANEL_SPACE_Y = 56, 96
BAR = 0.3               # of a group's width


class Panel:
    """One circumstance. `top` is the value in ms at its upper edge."""

    def __init__(self, canvas, place, top):
        self.c = canvas
        self.x, self.y, self.width = place
        self.top = top

    def level(self, value):
        """Where a value lies."""
        return self.y + PANEL_HEIGHT * (1 - min(max(value, 0), self.top) / self.top)

    def axis(self):
        """Values on the left and lines across."""
        self.c.rectangle(self.x, self.y, self.width, PANEL_HEIGHT, "#f4f6f8")
        step = nice_step(self.top, 5)
        value = 0
        while value <= self.top:
            y = self.level(value)
            self.c.line(self.x, y, self.x + self.width, y, "grid" if value else "axis")
            self.c.text(self.x - 6, y + 4, f"{value:g}", "small", "end")
            value += step
        for row, way in enumerate(("down", "up")):
            self.c.text(self.x - 6, self.y + PANEL_HEIGHT + 31 + 13 * row, f"lost {way}", "small",
                        "end")

    def bar(self, way, left, width, values):
        """A median with what lies around it; nothing where nothing was measured."""
        if not values["values"]:
            return
        ordered = sorted(values["values"])
        median = ordered[len(ordered) // 2]
        y = self.level(median)
        self.c.rectangle(left, y, width, max(1, self.y + PANEL_HEIGHT - y), COLOURS[way], 0.75)
        middle = left + width / 2
        own = f"stroke:{COLOURS[way]};stroke-width:1.4"
        self.c.line(middle, self.level(ordered[0]), middle, self.level(ordered[-1]), own=own)
        for value in (ordered[0], ordered[-1]):
            self.c.line(middle - 3, self.level(value), middle + 3, self.level(value), own=own)
        top = min(y, self.level(ordered[-1]))
        text = f"{round(median, 1) + 0:.1f}" if median < 10 else f"{median:.0f}"
        self.c.text(middle, top - 4, text, "small", "middle", COLOURS[way])

    def group(self, number, count, item):
        """One mode."""
        width = self.width / count
        left = self.x + number * width
        for side, way in ((0.5 - BAR, "down"), (0.5, "up")):
            self.bar(way, left + side * width + 1, BAR * width - 2, item[way])
        if item.get("bound_ms") is not None:
            y = self.level(item["bound_ms"])
            self.c.line(left + (0.46 - BAR) * width, y, left + (0.54 + BAR) * width, y,
                        own="stroke:#20262e;stroke-dasharray:3 2")
        foot = self.y + PANEL_HEIGHT
        self.c.text(left + width / 2, foot + 16, item["mode"], "", "middle")
        for row, way in enumerate(("down", "up")):
            lost = item[way]["lost"]
            self.c.text(left + width / 2, foot + 31 + 13 * row, f"{lost:,}", "small", "middle",
                        LOST if lost else None)


def legend(canvas, y, bounds):
    """What the marks mean; where no mode has a bound there is none to explain."""
    x = LEFT
    for way, text in (("down", "added to the link gap, downlink"), ("up", "uplink")):
        canvas.rectangle(x, y - 10, 18, 12, COLOURS[way], 0.75)
        canvas.text(x + 24, y, text, "sub")
        x += 56 + 7.3 * len(text)
    canvas.text(x, y, "bar: median; whisker: least to most; number: median in ms", "sub")
    if not bounds:
        return
    x += 30 + 7.3 * 53
    canvas.line(x, y - 4, x + 18, y - 4, own="stroke:#20262e;stroke-dasharray:3 2")
    canvas.text(x + 24, y, "bound", "sub")


def draw(title, subtitle, rows):
    """The picture as SVG text. `rows` are lists of panels {"title", "modes"}, and a mode is {"mode",
    "bound_ms" or None, "down" and "up": {"values" in ms, "lost"}}. Panels of a row share a scale."""
    canvas = Canvas()
    canvas.text(LEFT, 36, title, "title")
    canvas.text(LEFT, 58, subtitle, "sub")
    legend(canvas, 84, any(m.get("bound_ms") is not None for row in rows for panel in row for m in panel["modes"]))
    y = 132
    for row in rows:
        width = (WIDTH - LEFT - RIGHT - PANEL_SPACE_X * (len(row) - 1)) / len(row)
        top = max((v for panel in row for item in panel["modes"] for way in ("down", "up")
                   for v in [*item[way]["values"], item.get("bound_ms") or 0]), default=10)
        for number, panel in enumerate(row):
            plot = Panel(canvas, (LEFT + number * (width + PANEL_SPACE_X), y, width), top * 1.12 + 1)
            canvas.text(plot.x, y - 12, panel["title"], "head")
            plot.axis()
            for place, item in enumerate(panel["modes"]):
                plot.group(place, len(panel["modes"]), item)
        y += PANEL_HEIGHT + PANEL_SPACE_Y
    return canvas.finish(int(y))
