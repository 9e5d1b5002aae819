# SPDX-License-Identifier: GPL-2.0-or-later
"""From the words about a constellation to what is built: the plan is computed, the satellites that
any terminal can use within the span are picked, and it is worked out what the draft's figure 2 would
have made of the same sky."""

import json
import os

from description import Netem, Satellite
from orbits import Orbits, Span, iso
from system import LabError, user_mode_linux

WARMUP, WARMUP_SLOW = 10, 30    # real seconds to start all daemons and to register
TAIL = 6                        # real seconds that the plan goes on after the end of the script
SATELLITES_MAX = 400            # a forwarder each


def windows_cut(windows, services):
    """True when a window and a service have a moment in common."""
    return any(window.cut(service.span) for window in windows for service in services)


class Planning:
    """The plan of a lab with a constellation. Times in seconds since the plan's start."""

    def __init__(self, description, directory):
        self.d = description
        self.c = description.constellation
        self.dir = directory
        self.services = []      # of the satellites that are built
        self.report = None      # of sno-plan, when it has computed the plan
        self.planned = {}       # terminal -> Steps under the plan
        self.figure2 = {}       # terminal -> Steps as in figure 2
        self.known = 0          # satellites there are elements of
        warmup = self.c.warmup or (WARMUP_SLOW if user_mode_linux() else WARMUP)
        self.lead = warmup * self.c.rate
        self.orbits = None

    def path(self, name):
        """A file of the lab."""
        return os.path.join(self.dir, name)

    def script(self):
        """When the script is played."""
        return Span(self.lead, self.lead + self.c.span)

    def compute(self):
        """Everything; sets the description's satellites."""
        # Whole tenths of an hour, which sno-plan is told, are whole numbers of its steps.
        duration = -(-(self.lead + self.c.span + TAIL * self.c.rate) // 360) * 360
        self.orbits = Orbits(self.c, self.d.terminals, self.dir, 0, duration)
        newest = -(-max(self.orbits.elements.epochs) // 60) * 60
        self.orbits.start = (self.c.start or newest) - self.lead
        self.known = len(self.orbits.elements.sets)
        two = self.orbits.figure2()
        services = self.plan(two)
        self.orbits.write_plan(self.path("figure2.csv"), two)
        self.orbits.write_plan(self.path("whole.csv"), services)
        self.pick(services)
        self.orbits.write_plan(self.path("associations.csv"), self.services)
        self.orbits.elements.write(self.path("elements.tle"),
                                   [s.title for s in self.d.satellites.values()])
        for name, terminal in self.d.terminals.items():
            self.planned[name] = self.orbits.sequence(terminal, self.path("associations.csv"),
                                                      terminal.policy)
            self.figure2[name] = self.orbits.sequence(terminal, self.path("figure2.csv"),
                                                      "home-first")
        self.save()

    def plan(self, figure2):
        """Which satellite serves which core when."""
        if self.c.plan == "figure2":
            return figure2
        if self.c.plan == "file":
            return self.orbits.read_plan(self.c.plan_file)
        services, self.report = self.orbits.associate()
        return services

    def pick(self, services):
        """The satellites that a terminal sees while they serve a core."""
        by_satellite = {}
        for service in services:
            by_satellite.setdefault(service.satellite, []).append(service)
        used = set()
        for terminal in self.d.terminals.values():
            seen = self.orbits.visible(terminal.place, self.c.terminal_elevation)
            used |= {s for s, windows in seen.items()
                     if windows_cut(windows, by_satellite.get(s, []))}
        relayed = next((s for name in used for s in by_satellite[name] if s.via), None)
        if relayed:
            raise LabError(f"the plan has {relayed.satellite} relayed over {relayed.via}, and the lab of "
                           "a constellation builds no links between satellites")
        if not used:
            raise LabError("no terminal sees a satellite that serves a core")
        if len(used) > SATELLITES_MAX:
            raise LabError(f"{len(used)} satellites are in use, more than {SATELLITES_MAX}: "
                           "shorten the span, or bring the terminals together")
        self.services = [s for s in services if s.satellite in used]
        for number, title in enumerate(sorted(used), 1):
            feeders = list(dict.fromkeys(s.core for s in by_satellite[title]))
            self.d.satellites[f"s{number}"] = Satellite(f"s{number}", feeders[0], feeders, Netem(),
                                                        title)

    def summary(self):
        """Lines for the reader."""
        yield (f"{len(self.d.satellites)} of {self.known} satellites are in use, with "
               f"{len(self.services)} associations; the orbits begin at "
               f"{iso(self.orbits.start + self.lead)} and run {self.c.rate} times as fast")

    def save(self):
        """For later commands on this lab."""
        with open(self.path("constellation.json"), "w", encoding="utf-8") as file:
            json.dump({s.name: [s.core, s.feeders, s.title] for s in self.d.satellites.values()},
                      file)


def recall(description, directory):
    """The satellites of a lab that is up."""
    with open(os.path.join(directory, "constellation.json"), encoding="utf-8") as file:
        for name, (core, feeders, title) in json.load(file).items():
            description.satellites[name] = Satellite(name, core, feeders, Netem(), title)
