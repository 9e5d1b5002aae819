# SPDX-License-Identifier: GPL-2.0-or-later
"""The sky of a lab with a constellation: all satellites live in one namespace, and the program
tests/bench/sky turns them about the terminals.

              core a                          feed-SATELLITE (ports of the agent's bridge)
             /      \\                         netem at each end: to the station of the association
      sky:  f1-a    f2-a
              |      |                        the forwarders of s1, s2, ...
            acc1    acc2                      bridges
              |                               an antenna is a port of the bridge of the satellite
           t1-ant0      t1-ant1 (turning)     at which it points, with a carrier above the horizon
              |            |                  netem at each end: to the satellite
             ant0        ant1                 terminal t1
"""

import json
import os

from system import in_time, program, user_mode_linux, wait_until

PERIOD, PERIOD_SLOW = 50000, 200000     # us between two looks of the program at the sky


def index(satellite):
    """The number of a satellite, by which its things in the sky are called."""
    return int(satellite.name[1:])


def bridge(satellite):
    """Its access side."""
    return f"acc{index(satellite)}"


def feeder(satellite, core):
    """Its end of the way to a core."""
    return f"f{index(satellite)}-{core}"


def plan(topology):
    """Plans the namespaces' contents."""
    d = topology.d
    for satellite in d.satellites.values():
        topology.plan_access("sky", bridge(satellite), index(satellite))
        for core in satellite.feeders:
            topology.pair("sky", feeder(satellite, core), core, f"feed-{satellite.name}")
            for node, device in (("sky", feeder(satellite, core)),
                                 (core, f"feed-{satellite.name}")):
                topology.ip(node, f"link set {device} addrgenmode none")
                topology.ip(node, f"link set {device} up")
    for terminal in d.terminals.values():
        for aerial in terminal.aerials():
            topology.pair("sky", f"{terminal.name}-{aerial}", terminal.name, aerial)
            topology.ip("sky", f"link set {terminal.name}-{aerial} addrgenmode none")
            topology.ip(terminal.name, f"link set {aerial} up")


def orders(directory):
    """The socket of the program."""
    return os.path.join(directory, "sky.sock")


def modem(directory, terminal):
    """The command by which a terminal turns its antennas."""
    return [program("tests/bench/sky/sky"), "point", orders(directory), terminal.name]


class Sky:
    """The program while it runs."""

    def __init__(self, lab):
        self.lab = lab
        self.process = None
        self.socket = orders(lab.state.dir)
        self.record = os.path.join(lab.state.dir, "sky.record")
        self.output = os.path.join(lab.state.dir, "sky.json")

    def lines(self):
        """What the program is told; tests/bench/sky/sky.h has the format."""
        d, planning = self.lab.d, self.lab.planning
        c, topology = d.constellation, self.lab.topology
        start = round(planning.orbits.start * 1000000)
        yield "time", start, self.lab.configurations.epoch, c.rate
        yield "period", PERIOD_SLOW if user_mode_linux() else PERIOD
        if topology.netem:
            yield "late", topology.lateness
        yield "elements", planning.path("elements.tle")
        yield "associations", planning.path("associations.csv")
        for satellite in d.satellites.values():
            yield "satellite", satellite.title, bridge(satellite)
        for station in c.stations.values():
            yield "ground", station.name, *station.place, c.station_elevation - c.slack
        for terminal in d.terminals.values():
            yield "ground", terminal.name, *terminal.place, c.terminal_elevation - c.slack
        for terminal in d.terminals.values():
            for aerial in terminal.aerials():
                yield ("antenna", terminal.name, aerial, terminal.gap, f"{terminal.name}-{aerial}",
                       f"{topology.netns(terminal.name)}/{aerial}")
        for satellite in d.satellites.values():
            for core in satellite.feeders:
                yield ("feeder", satellite.title, d.cores[core].realm, feeder(satellite, core),
                       f"{topology.netns(core)}/feed-{satellite.name}")

    def start(self):
        """Starts the program; every line is there."""
        path = os.path.join(self.lab.state.dir, "sky")
        with open(path, "w", encoding="utf-8") as file:
            for words in self.lines():
                file.write("\t".join(str(word) for word in words) + "\n")
        self.process = self.lab.process(
            "sky", [*in_time(20), program("tests/bench/sky/sky"), "run", "-o", self.record,
                    self.socket, path], "sky", self.output)
        wait_until(lambda: os.path.exists(self.socket) or not self.process.running(), 60,
                   "the sky")

    def stop(self):
        """Ends it; its summary is there then."""
        if self.process and self.process.running():
            self.process.stop()

    def figures(self):
        """What it has done, and how late."""
        with open(self.output, encoding="utf-8") as file:
            text = file.read()
        return json.loads(text) if text else {}

    def turns(self):
        """[(us, what, terminal, antenna, satellite, late us)] as it happened."""
        with open(self.record, encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
        return [(int(r[0]), *r[1:5], int(r[5])) for r in rows if len(r) == 6]
