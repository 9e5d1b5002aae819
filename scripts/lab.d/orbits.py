# SPDX-License-Identifier: GPL-2.0-or-later
"""What sno-plan(1) says about a constellation: who sees whom when, which satellite serves which
core when, and which satellites a terminal would use; and out of it what a lab has to build.

All instants are of the plan's time: seconds since its start, or ISO 8601 where sno-plan is asked.
The plan begins some time before the lab's script does, since terminals register before.
"""

import csv
import json
import os
import re
import time
from dataclasses import dataclass

from system import LabError, program, run

PLAN_SECONDS = 300          # a program that computes a small plan has gone astray after that


@dataclass
class Span:
    """A stretch of time, in seconds since the start of the plan."""
    begin: float
    end: float

    def cut(self, other):
        """What both have in common, or None."""
        begin, end = max(self.begin, other.begin), min(self.end, other.end)
        return Span(begin, end) if begin < end else None


@dataclass
class Service:
    """A satellite that serves a core over a station, perhaps by way of another satellite."""
    satellite: str
    core: str
    station: str
    via: str
    span: Span


@dataclass
class Step:
    """A terminal on a satellite that serves a core."""
    satellite: str
    core: str
    span: Span


def iso(seconds):
    """A moment (seconds since 1970) as sno-plan reads it."""
    whole = int(seconds // 1)
    return (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
            + f".{round((seconds - whole) * 1000):03}Z")


def seconds_of(text):
    """ISO 8601 in UTC to seconds since 1970."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return (time.mktime(time.strptime(whole + " UTC", "%Y-%m-%dT%H:%M:%S %Z")) - time.timezone
            + float("0." + (fraction or "0")))


def epoch_of(line):
    """The epoch of line 1 of a two-line element set, seconds since 1970."""
    year, day = int(line[18:20]), float(line[20:32])
    year += 1900 if year >= 57 else 2000
    return seconds_of(f"{year}-01-01T00:00:00Z") + (day - 1) * 86400


def wire_name(name):
    """A satellite's name as messages may carry it: daemons refuse others ('IRIDIUM 7 [-]')."""
    return re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-")[:63]


class Elements:
    """The element sets of all operators, as text."""

    def __init__(self, files):
        """`files` are (core, path)."""
        self.sets = {}          # satellite -> (core, lines)
        self.epochs = []
        for core, path in files:
            self.read(core, path)
        if not self.sets:
            raise LabError("no satellites: elements CORE FILE")

    def read(self, core, path):
        """One file; sno-plan, which reads them too, is who checks."""
        with open(path, encoding="ascii", errors="replace") as file:
            lines = [line.rstrip() for line in file if line.strip() and line[0] != "#"]
        name = ""
        for i, line in enumerate(lines):
            if line.startswith("1 ") and len(line) >= 68 and lines[i + 1:i + 2]:
                own = wire_name(name.removeprefix("0 ")) or line[2:7].strip()
                if own in self.sets:
                    raise LabError(f"{path}: satellite {own} is there twice")
                self.sets[own] = (core, (own, line, lines[i + 1]))
                self.epochs.append(epoch_of(line))
            name = "" if line[:2] in ("1 ", "2 ") and len(line) >= 68 else line

    def write(self, path, satellites):
        """The sets of these satellites as a file."""
        with open(path, "w", encoding="ascii") as file:
            for name in satellites:
                file.write("\n".join(self.sets[name][1]) + "\n")


class Orbits:
    """A constellation over a span of time, seen through sno-plan."""

    def __init__(self, constellation, terminals, directory, start, duration):
        """`start` is the moment the plan begins at, `duration` how long it goes on, seconds."""
        self.c = constellation
        self.terminals = terminals
        self.dir = directory
        self.start = start
        self.duration = duration
        self.elements = Elements(constellation.elements)
        self.tle = []
        for core in dict.fromkeys(core for core, _ in constellation.elements):
            path = self.path(f"{core}.tle")
            self.elements.write(path, [n for n, s in self.elements.sets.items() if s[0] == core])
            self.tle += ["--tle", f"{self.c.realms[core]}={path}"]

    def path(self, name):
        """A file of the plan."""
        return os.path.join(self.dir, name)

    def ask(self, command, *arguments):
        """Output of sno-plan."""
        return run([program("sno-plan"), command, *arguments], timeout=PLAN_SECONDS)

    def table(self, text):
        """Rows of a table with a heading as dictionaries."""
        return list(csv.DictReader(text.splitlines()))

    def moment(self, text):
        """ISO 8601 to seconds since the start."""
        return seconds_of(text) - self.start

    def span(self, row):
        """from and until of a row."""
        return Span(self.moment(row["from"]), self.moment(row["until"]))

    def where(self, place):
        """Options that name a place. A longitude may look like an option."""
        return [f"--lat={place[0]}", f"--lon={place[1]}"]

    def when(self):
        """Options that name the span."""
        return ["--start", iso(self.start), "--hours", f"{self.duration / 3600:.6f}"]

    def visible(self, place, elevation):
        """Satellite -> spans in which it stands above an elevation."""
        text = self.ask("visible", *self.tle, *self.where(place), *self.when(),
                        "--min-elevation", f"{elevation:g}")
        found = {}
        for row in self.table(text):
            found.setdefault(row["satellite"], []).append(self.span(row))
        return found

    def write_tables(self):
        """Stations and users as sno-plan reads them."""
        with open(self.path("stations.csv"), "w", encoding="ascii") as file:
            file.write("sno,name,lat,lon\n")
            for s in self.c.stations.values():
                file.write(f"{self.c.realms[s.core]},{s.name},{s.place[0]},{s.place[1]}\n")
        with open(self.path("users.csv"), "w", encoding="ascii") as file:
            file.write("sno,lat,lon,weight\n")
            for t in self.terminals.values():
                file.write(f"{self.c.realms[t.home]},{t.place[0]},{t.place[1]},1\n")

    def associate(self):
        """Computes the plan: (services, report)."""
        self.write_tables()
        self.ask("associate", *self.tle, "--stations", self.path("stations.csv"),
                 "--users", self.path("users.csv"), *self.when(), "--step", f"{self.c.step:g}",
                 "--min-elevation", f"{self.c.terminal_elevation:g}",
                 "--station-elevation", f"{self.c.station_elevation:g}", *self.c.plan_options,
                 "--out", self.path("plan.csv"), "--report", self.path("plan.json"))
        with open(self.path("plan.json"), encoding="utf-8") as file:
            return self.read_plan(self.path("plan.csv")), json.load(file)

    def read_plan(self, path):
        """An association file."""
        names = {realm: core for core, realm in self.c.realms.items()}
        with open(path, encoding="ascii") as file:
            rows = [line for line in file if not line.startswith("#")]
        return [Service(r["satellite"], names[r["core"]], r.get("station") or "",
                        r.get("via") or "", self.span(r)) for r in csv.DictReader(rows)]

    def write_plan(self, path, services):
        """An association file."""
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write("from,until,satellite,core,station,via\n")
            for s in services:
                file.write(",".join((iso(self.start + s.span.begin), iso(self.start + s.span.end),
                                     s.satellite, self.c.realms[s.core], s.station, s.via)) + "\n")
        os.replace(path + ".new", path)

    def figure2(self):
        """The associations of the draft's figure 2: a satellite serves its owner's core, as long as
        a station of its owner sees it."""
        seen = {}
        for station in self.c.stations.values():
            windows = self.visible(station.place, self.c.station_elevation)
            for satellite, spans in windows.items():
                if self.elements.sets[satellite][0] == station.core:
                    seen.setdefault(satellite, []).extend((span, station) for span in spans)
        services = []
        for satellite, windows in sorted(seen.items()):
            until = 0
            for span, station in sorted(windows, key=lambda w: (w[0].begin, -w[0].end)):
                if span.end > until:
                    services.append(Service(satellite, station.core, station.name, "",
                                            Span(max(span.begin, until), span.end)))
                    until = span.end
        return services

    def sequence(self, terminal, associations, policy):
        """The satellites that a terminal would use under a policy: Steps."""
        text = self.ask("terminal", *self.tle, *self.where(terminal.place),
                        "--sno", self.c.realms[terminal.home], *self.when(),
                        "--associations", associations, "--policy", policy,
                        "--min-elevation", f"{self.c.terminal_elevation:g}")
        names = {realm: core for core, realm in self.c.realms.items()}
        return [Step(r["satellite"], names.get(r["core"], ""), self.span(r))
                for r in self.table(text)]
