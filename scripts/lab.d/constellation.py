# SPDX-License-Identifier: GPL-2.0-or-later
"""A constellation in the description of a lab: orbits instead of a script.

Satellites come out of element files, terminals and ground stations have places, and time passes
`rate` times as fast as on the wall. Which satellites are built is known once the plan is
(planning.py).
"""

import os
from dataclasses import dataclass, field

from orbits import seconds_of
from values import one_of, parse_number, parse_place, parse_time

POLICIES = ("plan", "home-first", "longest", "elevation", "load")
PLACE_OPTIONS = {"at": parse_place, "antennas": parse_number(1, 4), "policy": one_of(*POLICIES)}


@dataclass
class Station:
    """A ground station."""
    name: str
    core: str
    place: tuple


@dataclass
class Constellation:
    """What the directives say. Angles in degrees, times in seconds of the orbits unless they say
    real."""
    start: float = 0        # since 1970; 0: the newest epoch of the elements
    rate: int = 1
    span: float = 1800.0    # how long the script is
    warmup: float = 0       # real: from the beginning of the plan to that of the script; 0: by size
    terminal_elevation: float = 25.0
    station_elevation: float = 10.0
    slack: float = 1.0      # so much lower than planned the radio carries
    plan: str = "computed"
    plan_file: str = ""
    step: float = 15.0
    plan_options: list = field(default_factory=list)
    elements: list = field(default_factory=list)    # (core, path)
    stations: dict = field(default_factory=dict)
    realms: dict = field(default_factory=dict)      # core -> realm


def parse_moment(text):
    """ISO 8601 in UTC, or 'epoch', as seconds since 1970, or 0."""
    if text == "epoch":
        return 0
    try:
        return seconds_of(text)
    except ValueError:
        raise ValueError(f"'{text}' is not epoch or a time like 2026-07-29T12:00:00Z") from None


def parse_seconds(text):
    """A time in seconds."""
    return parse_time(text) / 1000000


def parse_degrees(text):
    """An elevation."""
    value = float(text)
    if not 0 <= value < 90:
        raise ValueError(f"{text} is not between 0 and 90")
    return value


TIME_OPTIONS = {"start": parse_moment, "rate": parse_number(1, 1000), "span": parse_seconds,
                "warmup": parse_seconds}
HORIZON_OPTIONS = {"terminal": parse_degrees, "station": parse_degrees, "slack": parse_degrees}
# What goes to sno-plan associate as it is.
PLAN_OPTIONS = {"tau": parse_seconds, "dwell": parse_seconds, "outage": parse_seconds,
                "gamma": float, "seed": parse_number(0, 10**9), "threads": parse_number(1, 64)}


class ConstellationWords:
    """Directives of a constellation, for description.Parser."""

    def sky(self):
        """The constellation, from the first directive on that speaks of one."""
        if not self.d.constellation:
            self.d.constellation = Constellation()
            self.later.append((self.line, self.finish_constellation))
        return self.d.constellation

    def set_all(self, words, known, names):
        """Options into fields of the constellation, by these names."""
        sky = self.sky()
        for key, value in self.options(words, known).items():
            setattr(sky, names.get(key, key), value)

    def do_time(self, words):
        self.set_all(words, TIME_OPTIONS, {})

    def do_horizon(self, words):
        self.set_all(words, HORIZON_OPTIONS, {"terminal": "terminal_elevation",
                                              "station": "station_elevation"})

    def do_elements(self, words):
        if len(words) != 2:
            self.fault("elements CORE FILE")
            return
        path = os.path.join(self.elements, words[1])
        self.sky().elements.append((words[0], path))
        self.later.append((self.line, lambda: self.finish_core(words[0])))

    def do_station(self, words):
        name = self.new_name(words, "station")
        options = self.options(words[1:], {"core": str, "at": parse_place})
        if "core" not in options or "at" not in options:
            self.fault("station needs core=CORE and at=LAT,LON")
        elif name:
            self.sky().stations[name] = Station(name, options["core"], options["at"])
            self.later.append((self.line, lambda: self.finish_core(options["core"])))

    def do_plan(self, words):
        sky = self.sky()
        sky.plan = words[0] if words else ""
        if sky.plan == "file" and len(words) == 2:
            sky.plan_file = os.path.join(self.elements, words[1])
        elif sky.plan not in ("computed", "figure2") or sky.plan == "figure2" and words[1:]:
            self.fault("plan computed [OPTION ...], plan figure2, or plan file FILE")
        else:
            options = self.options(words[1:], {"step": parse_seconds, **PLAN_OPTIONS})
            sky.step = options.pop("step", sky.step)
            for key, value in options.items():
                sky.plan_options += [f"--{key}", f"{value:g}"]

    def finish_core(self, name):
        """What belongs to an operator names one."""
        if name not in self.d.cores:
            yield f"there is no core {name}"

    def finish_constellation(self):
        """What makes sense only as a whole."""
        sky = self.d.constellation
        sky.realms = {core.name: core.realm for core in self.d.cores.values()}
        if not sky.elements:
            yield "a constellation needs elements CORE FILE"
        if not sky.stations:
            yield "a constellation needs a station"
        if self.d.satellites:
            yield "in a constellation satellites come from elements, not from the directive satellite"
        self.d.end = self.d.end or round(sky.span / sky.rate * 1000000)
