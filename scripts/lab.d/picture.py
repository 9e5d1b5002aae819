# SPDX-License-Identifier: GPL-2.0-or-later
"""The packet timeline as an SVG picture.

Above, for each terminal, the whole run on bands that say which core served. Every packet is a dot at
the time at which the terminal received it (downlink, growing upwards from the middle line with its
latency) or sent it (uplink, growing downwards). Below, one panel for each handover, some hundred
milliseconds wide, in which the link gap and the time that the network layer added can be measured
with a ruler.
"""

from html import escape

WIDTH = 1440
LEFT, RIGHT = 76, 28
LANE_HEIGHT = 84
ZOOM_COLUMNS = 3
ZOOM_SPACE = 62
ZOOM_LANE_HEIGHT = 92
ZOOM_HEIGHT = 62 + 2 * ZOOM_LANE_HEIGHT + 62
BEFORE_US = 100000
AFTER_US = 300000
WAYS = ("down", "up")
COLOURS = {"down": "#1d5fa6", "up": "#bd4b06"}
LOST, GAP = "#b3122b", "#5b6470"
BANDS = ("#dcebf9", "#fdebd3", "#e0f2dc", "#efe2f7", "#fbe3e6", "#e2f3f2")
STYLE = """
text { font-family: 'DejaVu Sans', 'Helvetica Neue', Arial, sans-serif; font-size: 12px; fill: #20262e }
.title { font-size: 22px; font-weight: bold }
.sub { font-size: 13px; fill: #4a5460 }
.head { font-size: 15px; font-weight: bold }
.small { font-size: 11px; fill: #4a5460 }
.band { font-size: 12px; font-weight: bold; fill: #39424d }
.axis { stroke: #39424d; stroke-width: 1; fill: none }
.grid { stroke: #ffffff; stroke-width: 1; fill: none; opacity: .9 }
.dots { fill: none; stroke-linecap: round }
"""
HATCH = """<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"
patternTransform="rotate(45)"><rect width="6" height="6" fill="#c9ced6"/>
<path d="M0 0V6" stroke="#8b94a1" stroke-width="2"/></pattern></defs>
"""


def nice_step(span, most):
    """A round step that divides a span into at most so many parts."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if span / (step * factor) <= most:
                return step * factor
        step *= 10


class Canvas:
    """Collects SVG elements."""

    def __init__(self):
        self.parts = []

    def add(self, element):
        """Any element."""
        self.parts.append(element)

    def text(self, x, y, content, style="", anchor="start", colour=None):
        """A line of text."""
        fill = f' style="fill:{colour}"' if colour else ""
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}"{fill}>'
                 f"{escape(content)}</text>")

    def rectangle(self, x, y, width, height, fill, opacity=1.0):
        """A filled rectangle."""
        if width > 0 and height > 0:
            self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
                     f'fill="{fill}" fill-opacity="{opacity}"/>')

    def line(self, x1, y1, x2, y2, style="axis", own=""):
        """A straight line."""
        self.add(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="{style}" style="{own}"/>')

    def dots(self, points, colour, size):
        """Many dots as one path; those that fall on the same place are drawn once."""
        places = sorted({(round(x, 1), round(y, 1)) for x, y in points})
        path = "".join(f"M{x:g} {y:g}h0" for x, y in places)
        if path:
            self.add(f'<path d="{path}" class="dots" stroke="{colour}" stroke-width="{size}"/>')

    def finish(self, height):
        """The whole document."""
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                f'viewBox="0 0 {WIDTH} {height}">\n<style>{STYLE}</style>\n{HATCH}'
                f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


class Plot:
    """Two lanes that share a middle line and a time axis (us): down grows upwards, up downwards."""

    def __init__(self, canvas, place, lane, span, top):
        self.c = canvas
        self.x, self.y, self.width = place
        self.lane = lane
        self.begin, self.end = span
        self.top = top
        self.middle = self.y + lane

    def at(self, time):
        """Where a moment lies across; moments outside are moved to the edge."""
        time = min(max(time, self.begin), self.end)
        return self.x + (time - self.begin) / (self.end - self.begin) * self.width

    def level(self, way, latency):
        """Where a latency lies."""
        height = min(latency, self.top) / self.top * self.lane
        return self.middle - height if way == "down" else self.middle + height

    def band(self, begin, end, fill, opacity=1.0, ways=WAYS):
        """The whole height of one or both lanes between two moments."""
        left, right = self.at(begin), self.at(end)
        for way in ways:
            self.c.rectangle(left, self.y if way == "down" else self.middle, right - left,
                             self.lane, fill, opacity)

    def packets(self, terminal, size):
        """Received packets as dots, lost ones as marks beside the middle line."""
        for way in WAYS:
            self.c.dots([(self.at(t), self.level(way, latency)) for t, latency in terminal[way]
                         if self.begin <= t <= self.end], COLOURS[way], size)
            foot = self.middle + (-4 if way == "down" else 4)
            self.c.dots([(self.at(t), foot) for t in terminal["lost_" + way]
                         if self.begin <= t <= self.end], LOST, 2.6)

    def shade(self, item):
        """Link gap and added time of a handover."""
        gap_end = item["break_us"] + item["gap_us"]
        for way in WAYS:
            if item[way] and item[way]["to_us"]:
                self.band(gap_end, item[way]["to_us"], LOST, 0.17, (way,))
        self.band(item["break_us"], gap_end, "url(#hatch)")

    def latency_axis(self):
        """Lines and numbers on the left."""
        step = nice_step(self.top / 1000, 3) * 1000
        for way in WAYS:
            for value in range(0, int(self.top) + 1, int(step)):
                y = self.level(way, value)
                self.c.line(self.x, y, self.x + self.width, y, "grid")
                if value or way == "down":
                    self.c.text(self.x - 6, y + 4, f"{value / 1000:g}", "small", "end")
            x, y = self.x - 42, self.level(way, self.top / 2)
            self.c.add(f'<text x="{x}" y="{y}" class="small" text-anchor="middle" style="fill:'
                       f'{COLOURS[way]}" transform="rotate(-90 {x} {y})">{way} (ms)</text>')

    def time_axis(self, origin, unit, label, drop=31):
        """Edges, and numbers below; `unit` is microseconds per unit of the numbers."""
        foot = self.middle + self.lane
        self.c.line(self.x, self.y, self.x, foot)
        self.c.line(self.x, self.middle, self.x + self.width, self.middle)
        self.c.line(self.x, foot, self.x + self.width, foot)
        step = nice_step((self.end - self.begin) / unit, 30 if self.width > 800 else 6)
        value = -(-(self.begin - origin) // (step * unit)) * step
        while origin + value * unit <= self.end:
            x = self.at(origin + value * unit)
            self.c.line(x, foot, x, foot + 4)
            self.c.text(x, foot + 17, f"{value:g}", "small", "middle")
            value += step
        self.c.text(self.x + self.width, foot + drop, label, "small", "end")


def latency_top(terminals):
    """A round latency above nearly all packets."""
    values = sorted(latency for t in terminals for way in WAYS for _, latency in t[way])
    if not values:
        return 100000
    typical = values[int(len(values) * 0.998)] * 1.15
    return -(-max(typical, 1000) // 10000) * 10000


def legend(canvas, y):
    """What the colours mean."""
    x = LEFT
    for kind, colour, text in (("dot", COLOURS["down"], "downlink packet, when received"),
                               ("dot", COLOURS["up"], "uplink packet, when sent"),
                               ("dot", LOST, "packet that was lost"),
                               ("area", "url(#hatch)", "link gap"),
                               ("pale", LOST, "added by the network layer")):
        if kind == "dot":
            canvas.dots([(x + 3, y - 4), (x + 9, y - 4), (x + 15, y - 4)], colour, 4)
        else:
            canvas.rectangle(x, y - 10, 18, 12, colour, 0.2 if kind == "pale" else 1)
        canvas.text(x + 24, y, text, "sub")
        x += 56 + 7.3 * len(text)


def overview(canvas, y, timeline, terminal, bands, top):
    """The whole run of one terminal."""
    plot = Plot(canvas, (LEFT, y + 46, WIDTH - LEFT - RIGHT), LANE_HEIGHT,
                (timeline["begin_us"], timeline["end_us"]), top)
    title = f"Terminal {terminal['name']}"
    canvas.text(LEFT, y + 18, title, "head")
    canvas.text(LEFT + 26 + 9.5 * len(title), y + 18, terminal["note"], "sub")
    plot.band(plot.begin, plot.end, "#f4f6f8")
    for period in terminal["periods"]:
        plot.band(period["begin_us"], period["end_us"], bands[period["core"]])
        left, right = plot.at(period["begin_us"]), plot.at(period["end_us"])
        words = [f"core {period['core']}, satellite {period['satellite']}",
                 f"core {period['core']}, {period['satellite']}", period["core"], ""]
        canvas.text(left + 5, plot.y - 6,
                    next(w for w in words if 7.6 * len(w) + 8 <= right - left or not w), "band")
    plot.latency_axis()
    for item in terminal["handovers"]:
        plot.shade(item)
        x = plot.at(item["break_us"])
        canvas.line(x, plot.y - 4, x, plot.middle + plot.lane,
                    own=f"stroke:{GAP};stroke-dasharray:3 3")
        canvas.text(x + 4, plot.y + 13, item["label"], "small")
    plot.packets(terminal, 2)
    plot.time_axis(timeline["begin_us"], 1000000, "time (s)")


def figures(way, measured):
    """One line about one direction."""
    if not measured or measured["added_ms"] is None:
        return f"{way}: nothing measured"
    text = f"{way}: added {measured['added_ms']:.1f} ms, {measured['lost']} lost"
    if measured["reordered"]:
        text += f", {measured['reordered']} late"
    if measured["duplicated"]:
        text += f", {measured['duplicated']} twice"
    return text


def measure_line(plot, way, measured, y):
    """The outage as a measure below the panel."""
    left, right = plot.at(measured["from_us"]), plot.at(measured["to_us"])
    own = f"stroke:{COLOURS[way]};stroke-width:1.6"
    plot.c.line(left, y, right, y, own=own)
    for x in (left, right):
        plot.c.line(x, y - 4, x, y + 4, own=own)
    plot.c.text(left - 6, y + 4, way, "small", "end", COLOURS[way])
    plot.c.text(right + 6, y + 4, f"{measured['outage_ms']:.1f} ms", "small",
                colour=COLOURS[way])


def zoom(canvas, place, terminal, item, bands, top):
    """One handover close up."""
    x, y, width = place
    ends = [item[way]["to_us"] for way in WAYS if item[way] and item[way]["to_us"]]
    end = max([item["break_us"] + AFTER_US] + [e + 100000 for e in ends])
    plot = Plot(canvas, (x, y + 58, width), ZOOM_LANE_HEIGHT,
                (item["break_us"] - BEFORE_US, end), top)
    canvas.text(x, y + 14, f"{item['label']}  {item['title']}", "head")
    canvas.text(x, y + 31, figures("down", item["down"]), colour=COLOURS["down"])
    canvas.text(x + width * 0.52, y + 31, figures("up", item["up"]), colour=COLOURS["up"])
    canvas.text(x, y + 48, item["subtitle"], "small")
    plot.band(plot.begin, item["break_us"], bands[item["from_core"]])
    plot.band(item["break_us"], plot.end, bands[item["to_core"]])
    plot.latency_axis()
    plot.shade(item)
    plot.packets(terminal, 2.4)
    plot.time_axis(item["break_us"], 1000, "ms after the break", 58)
    for row, way in enumerate(WAYS):
        if item[way] and item[way]["to_us"]:
            measure_line(plot, way, item[way], plot.middle + plot.lane + 30 + 14 * row)


def draw(timeline):
    """The picture of a run as SVG text. See report.py for what a timeline holds."""
    canvas = Canvas()
    terminals = timeline["terminals"]
    bands = {core: BANDS[i % len(BANDS)] for i, core in enumerate(timeline["cores"])}
    top = latency_top(terminals)
    canvas.text(LEFT, 36, timeline["title"], "title")
    canvas.text(LEFT, 58, timeline["subtitle"], "sub")
    legend(canvas, 84)
    y = 104
    for terminal in terminals:
        overview(canvas, y, timeline, terminal, bands, top)
        y += 2 * LANE_HEIGHT + 46 + 48
    width = (WIDTH - LEFT - RIGHT - ZOOM_SPACE * (ZOOM_COLUMNS - 1)) / ZOOM_COLUMNS
    for terminal in terminals:
        if not terminal["handovers"]:
            continue
        canvas.text(LEFT, y + 12, f"Terminal {terminal['name']}, each handover close up", "head")
        y += 30
        for number, item in enumerate(terminal["handovers"]):
            row, column = divmod(number, ZOOM_COLUMNS)
            zoom(canvas, (LEFT + column * (width + ZOOM_SPACE), y + row * (ZOOM_HEIGHT + 16),
                          width), terminal, item, bands, top)
        y += -(-len(terminal["handovers"]) // ZOOM_COLUMNS) * (ZOOM_HEIGHT + 16) + 14
    return canvas.finish(int(y + 10))
