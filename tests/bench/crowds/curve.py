# SPDX-License-Identifier: GPL-2.0-or-later
"""When the last terminal of a crowd is served, over the size of the crowd: both axes in powers of
ten, a line for each mode."""

from math import ceil, floor, log10

from picture import LEFT, RIGHT, WIDTH, Canvas

TOP, HEIGHT = 110, 460
COLOURS = ("#1d5fa6", "#bd4b06", "#5b6470")


def powers(values):
    """The powers of ten around values: the lowest and the highest exponent."""
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


class Axes:
    """Where values lie."""

    def __init__(self, sizes, times):
        self.sizes, self.times = powers(sizes), powers(times)

    def x(self, size):
        """A number of terminals."""
        low, high = self.sizes
        return LEFT + (WIDTH - LEFT - RIGHT) * (log10(size) - low) / (high - low)

    def y(self, time):
        """Milliseconds."""
        low, high = self.times
        return TOP + HEIGHT * (1 - (log10(max(time, 10 ** low)) - low) / (high - low))

    def draw(self, canvas):
        """The grid and its numbers."""
        canvas.rectangle(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT, "#f4f6f8")
        for exponent in range(self.times[0], self.times[1] + 1):
            y = self.y(10 ** exponent)
            canvas.line(LEFT, y, WIDTH - RIGHT, y, "grid")
            canvas.text(LEFT - 8, y + 4, f"{10 ** exponent:g} ms", "small", "end")
        for exponent in range(self.sizes[0], self.sizes[1] + 1):
            x = self.x(10 ** exponent)
            canvas.line(x, TOP, x, TOP + HEIGHT, "grid")
            canvas.text(x, TOP + HEIGHT + 20, f"{10 ** exponent:,}", "small", "middle")
        canvas.text((LEFT + WIDTH - RIGHT) / 2, TOP + HEIGHT + 44, "terminals", "sub", "middle")


def figures(canvas, axes, curves):
    """The times at their points, from the least up; where points are close, above each other."""
    above = {}
    points = [(size, time, colour) for curve, colour in zip(curves.values(), COLOURS)
              for size, time in curve]
    for size, time, colour in sorted(points):
        y = min(axes.y(time) - 10, above.get(size, TOP + HEIGHT) - 13)
        above[size] = y
        canvas.text(axes.x(size), y, f"{time:.0f}", "small", "middle", colour)


def draw(curves, bound):
    """The picture as SVG text. `curves` has (terminals, ms) for each mode; `bound` is in ms."""
    canvas = Canvas()
    canvas.text(LEFT, 36, "A satellite's crowd at its next core", "title")
    canvas.text(LEFT, 58, "from the re-association until the last terminal is served", "sub")
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return canvas.finish(TOP)
    axes = Axes([size for size, _ in points], [time for _, time in points] + [bound])
    axes.draw(canvas)
    y = axes.y(bound)
    canvas.line(LEFT, y, WIDTH - RIGHT, y, own="stroke:#20262e;stroke-dasharray:3 2")
    canvas.text(LEFT + 8, y - 6, f"{bound:g} ms", "small")
    for number, ((mode, curve), colour) in enumerate(zip(curves.items(), COLOURS)):
        own = f"stroke:{colour};stroke-width:2"
        for (size, time), (next_size, next_time) in zip(curve, curve[1:]):
            canvas.line(axes.x(size), axes.y(time), axes.x(next_size), axes.y(next_time), own=own)
        canvas.dots([(axes.x(size), axes.y(time)) for size, time in curve], colour, 8)
        canvas.line(LEFT + 150 * number, 82, LEFT + 150 * number + 24, 82, own=own)
        canvas.text(LEFT + 150 * number + 32, 86, mode, "sub")
    figures(canvas, axes, curves)
    return canvas.finish(TOP + HEIGHT + 64)
