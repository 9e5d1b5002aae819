#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
"""Floods at line rate from the access side and from the underlay, and registered terminals hand over
as ever; who comes new comes by a cookie. How long handovers take with and without is printed, not judged.

    t1 (predictive) and t2 (combined) of core a go to b and back; new registers in the middle of it
    the floods come from beside's place on s2 and on s1, and from the host of core c
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


def goes(world, terminal, satellite, core):
    """Hands a terminal over, announced or not; whether it is served there in time."""
    if terminal == "t1":
        world.handover(terminal, satellite, ahead=0.3 * SLOW)
    else:
        world.handover(terminal, satellite)
    end = time.monotonic() + 20 * SLOW
    while time.monotonic() < end:
        if world.served(terminal, core, satellite):
            return True
        time.sleep(0.05)
    return False


def rounds(world, tap, name, promised):
    """Each terminal goes and comes back some times; how long its discoveries were answered after.

    It is asked of those that are promised something; of others it is told.
    """
    times = []
    for turn in range(ROUNDS):
        for terminal in ("t1", "t2"):
            for satellite, core in (("s2", "b"), ("s1", "a")):
                good = goes(world, terminal, satellite, core)
                if terminal in promised:
                    tap.ok(good, f"{name}, {turn}: {terminal} goes to {core}",
                           world.registration(terminal))
                if good:
                    times.append((terminal, world.made(terminal)))
                else:
                    print(f"# {name}, {turn}: {terminal} does not get to {core} in time", flush=True)
                time.sleep(0.3 * SLOW)
    return times


def report(name, times):
    """Diagnostics."""
    for terminal in ("t1", "t2"):
        rows = [row for node, row in times if node == terminal]
        spent = sorted(row.get("registration", row.get("registration_time", 0)) for row in rows)
        modes = sorted({str(row.get("mode")) for row in rows})
        if not spent:
            print(f"# {name}: {terminal}: no handover in time", flush=True)
            continue
        print(f"# {name}: {terminal}: {len(rows)} handovers, {'/'.join(modes)}, "
              f"registration {spent[0]}..{spent[len(spent) // 2]}..{spent[-1]}", flush=True)


def test(tap):
    """All of it."""
    with World(tap, LAB, lambda world: setattr(world, "waited", ["t1", "t2", "beside"])) as world:
        world.lab.act_kill("new")
        quiet = rounds(world, tap, "quiet", ("t1", "t2"))
        flood = Flood(world)
        time.sleep(1)
        try:
            # Who is expected is read first, but what it says before, and who is not expected, stand
            # in one queue with the flood: most handovers are made at once, some wait for its end.
            busy = rounds(world, tap, "flood", ())
            tap.ok(sum(node == "t1" for node, _ in busy) >= ROUNDS,
                   "t1, which says where it goes, gets through most times", busy)
            world.start("new")
            drops = world.drops("b")
        finally:
            flood.stop()
        tap.within(30 * SLOW, "who came new in the flood registers behind it",
                   lambda: world.served("new", "b", "s2"), lambda: world.registration("new"))
        for terminal in ("t1", "t2"):
            tap.within(30 * SLOW, f"... and {terminal} is served, where it is",
                       lambda t=terminal: world.served(t, "a", "s1"),
                       lambda t=terminal: world.registration(t))
        report("quiet", quiet)
        report("flood", busy)
        print(f"# dropped at b: {drops}", flush=True)
        tap.ok(drops.get(("datagrams", "limit"), drops.get("limit", 0)) > 0,
               "b has rationed handshakes", drops)
        tap.within(10 * SLOW, "the cores go on serving each other", world.peers_up,
                   lambda: world.rows("b", "peers"))


main(test)
