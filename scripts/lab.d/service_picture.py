# SPDX-License-Identifier: GPL-2.0-or-later
"""Which core serves which terminal over a run, as an SVG picture.

Each terminal has two bars over the same time: how it would have been served in the draft's figure 2,
and how it was. A colour is an operator; grey is nobody. Where two colours meet, a handover between
operators has happened, marked below the bar with its mode's letter; small edges inside a colour are
changes of satellite. Red marks on the lower bar are lost packets.
"""

from picture import GAP, LEFT, LOST, RIGHT, WIDTH, Canvas, nice_step

STRONG = ("#2f7fc4", "#e08a1e", "#3f9b46", "#8f5bb5", "#d0495f", "#2aa198")
BAR, BETWEEN, ROW = 17, 3, 62
LABEL = 168
LETTERS = {"baseline": "b", "combined": "c", "proactive": "p", "predictive": "P", "soft": "s"}


def legend(canvas, y, cores, colours):
    """What the marks mean."""
    x = LEFT
    for core in cores:
        canvas.rectangle(x, y - 11, 18, 13, colours[core])
        canvas.text(x + 24, y, f"served by core {core}", "sub")
        x += 150
    canvas.text(LEFT, y + 20, "grey: by nobody; thin edges: change of satellite; red dots: packets lost; letters: "
                "handover in mode b(aseline) c(ombined) p(roactive) P(redictive) s(oft)", "sub")


def bar(canvas, place, spans, colours, scale):
    """One bar."""
    x, y = place
    canvas.rectangle(x, y, WIDTH - RIGHT - x, BAR, "#f2f3f5")
    for begin, end, core, _ in spans:
        canvas.rectangle(x + begin * scale, y, (end - begin) * scale, BAR, colours[core])
    for (_, end, core, _), (begin, _, after, _) in zip(spans, spans[1:]):
        if core == after and begin - end < 1:
            canvas.line(x + begin * scale, y + 3, x + begin * scale, y + BAR - 3, "grid")


def terminal(canvas, y, item, colours, length):
    """Both bars of one terminal."""
    x = LEFT + LABEL
    scale = (WIDTH - RIGHT - x) / length
    canvas.text(LEFT - 48, y + 15, item["name"], "head")
    canvas.text(LEFT - 48, y + 32, f"home: core {item['home']}", "small",
                colour=colours[item["home"]])
    for row, (name, spans, count, moves, lost) in enumerate(item["lines"]):
        top = y + row * (BAR + BETWEEN)
        canvas.text(x - 8, top + 13, f"{name}: {count}", "small", "end")
        bar(canvas, (x, top), spans, colours, scale)
        for time, mode in moves:
            canvas.text(x + time * scale, top + BAR + 11, LETTERS.get(mode, "?"), "small", "middle",
                        GAP)
        canvas.dots([(x + t * scale, top + BAR - 2) for t in lost if 0 <= t <= length], LOST, 3)


def axis(canvas, y, length):
    """Minutes of the orbits."""
    x = LEFT + LABEL
    scale = (WIDTH - RIGHT - x) / length
    canvas.line(x, y, WIDTH - RIGHT, y)
    step = nice_step(length / 60, 16)
    minute = 0
    while minute * 60 <= length + 1e-6:
        at = x + minute * 60 * scale
        canvas.line(at, y, at, y + 4)
        canvas.text(at, y + 17, f"{minute:g}", "small", "middle")
        minute += step
    canvas.text(WIDTH - RIGHT, y + 32, "time (minutes of the orbits)", "small", "end")


def draw(run):
    """The picture as SVG text. `run` has title, subtitle, length (s), cores, and terminals: {"name",
    "home", "lines": [(name, [(begin, end, core, satellite)], handovers, [(time, mode)], [lost])]}."""
    canvas = Canvas()
    colours = dict(zip(run["cores"], STRONG * (1 + len(run["cores"]) // len(STRONG))))
    canvas.text(LEFT - 48, 36, run["title"], "title")
    canvas.text(LEFT - 48, 58, run["subtitle"], "sub")
    legend(canvas, 84, run["cores"], colours)
    y = 132
    for item in run["terminals"]:
        terminal(canvas, y, item, colours, run["length"])
        y += ROW
    axis(canvas, y, run["length"])
    return canvas.finish(y + 48)
