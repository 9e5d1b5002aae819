#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
"""Floods at line rate from the access side and from the underlay, and registered terminals hand over
as ever; who comes new comes by a cookie. How long handovers take with and without is printed, not judged.

    t1 (predictive) and t2 (combined) of core a go to b and back; new registers in the middle of it
    the floods come from beside's place on s2, and from the host of core c, whose address is a peer's
"""

import hashlib
import os
import re
import subprocess
import sys
import time
from base64 import b64decode

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from world import SLOW, World, main                                         # noqa: E402
from daemons import program                                                 # noqa: E402

CORE = "drain=100ms leave=2s"
LAB = f"""
gap 10ms
associations known
advertise 200ms
core a {CORE}
core b {CORE}
core c {CORE}
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2
terminal t2 home=a links=s1,s2 mode=combined
terminal beside home=b links=s2,s1
terminal new home=a links=s2
"""
TOOL = os.path.join(os.environ["BUILD"], "tests", "netns", "flood-tool")
ROUNDS = 3
FLOOD_SECONDS = 600     # ended by hand


class Flood:
    """All floods at once."""

    def __init__(self, world):
        self.world = world
        with open(os.path.join(world.lab.state.dir, "a.key"), "rb") as file:
            public = b64decode(subprocess.run([program("snoctl"), "pubkey"], stdin=file,
                                              check=True, capture_output=True).stdout)
        hint = hashlib.sha256(b"sno core" + public).digest()[:8].hex()
        beside = world.netns("beside")
        self.processes = [
            self.start(beside, "access", "sat-s2", "b.example"),
            self.start(world.netns("c"), "core", self.address("b"), hint),
        ]

    def address(self, core):
        """Where a core listens."""
        with open(os.path.join(self.world.lab.state.dir, f"{core}.conf"), encoding="utf-8") as file:
            return re.search(r'listen = \[ *"([^"]+)"', file.read()).group(1)

    @staticmethod
    def start(netns, kind, where, what):
        return subprocess.Popen(["ip", "netns", "exec", netns, TOOL, kind, where,
                                 str(FLOOD_SECONDS), what], stdout=subprocess.DEVNULL)

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()


def rounds(world, tap, name):
    """Each terminal goes and comes back some times; how long its discoveries were answered after."""
    times = []
    for turn in range(ROUNDS):
        for terminal in ("t1", "t2"):
            for satellite, core in (("s2", "b"), ("s1", "a")):
                if terminal == "t1":
                    world.handover(terminal, satellite, ahead=0.3 * SLOW)
                else:
                    world.handover(terminal, satellite)
                good = tap.within(20 * SLOW, f"{name}, {turn}: {terminal} goes to {core}",
                                  lambda t=terminal, c=core, s=satellite: world.served(t, c, s),
                                  lambda t=terminal: world.registration(t))
                if good:
                    times.append((terminal, world.made(terminal)))
                time.sleep(0.3 * SLOW)
    return times


def report(name, times):
    """Diagnostics."""
    for terminal in ("t1", "t2"):
        rows = [row for node, row in times if node == terminal]
        spent = sorted(row.get("registration", row.get("registration_time", 0)) for row in rows)
        modes = sorted({str(row.get("mode")) for row in rows})
        print(f"# {name}: {terminal}: {len(rows)} handovers, {'/'.join(modes)}, "
              f"registration {spent[0]}..{spent[len(spent) // 2]}..{spent[-1]}", flush=True)


def test(tap):
    """All of it."""
    with World(tap, LAB, lambda world: setattr(world, "waited", ["t1", "t2", "beside"])) as world:
        world.lab.act_kill("new")
        quiet = rounds(world, tap, "quiet")
        flood = Flood(world)
        time.sleep(1)
        try:
            busy = rounds(world, tap, "flood")
            world.start("new")
            tap.within(60 * SLOW, "who comes new registers", lambda: world.served("new", "b", "s2"),
                       lambda: world.registration("new"))
            drops = world.drops("b")
            world.lab.act_kill("a")
            world.start("a")
            tap.within(20 * SLOW, "the core in whose name it is restarts, and finds its peers", world.peers_up,
                       lambda: world.rows("b", "peers"))
        finally:
            flood.stop()
        report("quiet", quiet)
        report("flood", busy)
        print(f"# dropped at b: {drops}", flush=True)
        tap.ok(drops.get(("datagrams", "limit"), drops.get("limit", 0)) > 0,
               "b has rationed handshakes", drops)
        tap.within(10 * SLOW, "the cores go on serving each other", world.peers_up,
                   lambda: world.rows("b", "peers"))


main(test)
