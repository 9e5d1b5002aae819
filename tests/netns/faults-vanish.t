#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""Who goes without a word: cores (a home core, a visited core) and terminals. Others are not
disturbed, a terminal that cannot be served is told why, and what nobody claims any more is undone
on every core: after LEAVE_WAIT, at the end of a lifetime, or when the core is back. Before that,
two terminals change places as fast as they can.

    t1 of core a, t2 of core a visiting b over s2, t3 of core c visiting b over s2, t4 of b over s2
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import poll                                                        # noqa: E402
from world import SLOW, World, main                                         # noqa: E402

LONG, SHORT = 300, 10   # lifetimes, s: what is left of the long one is longer than a core is away
CORE = f"drain=300ms leave=1s stale=2s keepalive=300ms dead_peer=3s lifetime={LONG}s"
LAB = f"""
gap {300 * SLOW}ms
advertise 200ms
log debug
core a {CORE}
core b {CORE}
core c {CORE}
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
satellite s4 core=b
terminal t1 home=a links=s1,s2 gap=10ms
terminal t2 home=a links=s2,s1 gap=10ms addresses=ipv4,ipv6,prefix
terminal t3 home=c links=s2,s4
terminal t4 home=b links=s2,s1 gap=5s
host h2 behind=t2
"""


def impatient(world):
    """Terminals that ask again soon."""
    for terminal in world.d.terminals:
        world.change(terminal, ("log =", "timers = { retry_max = 1.0; };\nlog ="))


def undisturbed(world, name, begin, moved=()):
    """A point: terminals have lost nothing since a moment, but for those that moved."""
    world.tap.same(f"{name}: the others lose no packet", {},
                   world.flows.lost(begin, time.monotonic(), moved))


def here(world, terminal, satellite, core, name, seconds=6):
    """A point: registered there, once."""
    world.tap.within(seconds * SLOW, f"{name}: {terminal} is registered at {core}, once",
                     lambda: world.served(terminal, core, satellite)
                     and world.one_binding(terminal, core),
                     lambda: f"{world.registration(terminal)}\n{world.binding(terminal)}\n"
                     f"{world.sessions(terminal)}")


def forgotten(world, terminal, name, seconds):
    """A point: no core knows of it."""
    world.tap.within(seconds, f"{name}: no core keeps a session or binding of {terminal}",
                     lambda: world.sessions(terminal) == []
                     and world.binding(terminal)["state"] == "none",
                     lambda: f"{world.binding(terminal)}\n{world.sessions(terminal)}")


def crossing(world):
    """Two terminals change places; each order is given as soon as the one before is carried out."""
    begin = time.monotonic()
    places = [("s2", "b"), ("s1", "a")]
    for _ in range(5):
        world.handover("t1", places[0][0])
        world.handover("t2", places[1][0])
        for terminal, (satellite, _) in zip(("t1", "t2"), places):
            world.tap.within(5 * SLOW, f"crossing: {terminal} goes to {satellite}",
                             lambda t=terminal, s=satellite:
                             world.registration(t).get("link") == s)
        places.reverse()
    here(world, "t1", *places[1], "crossing")
    here(world, "t2", *places[0], "crossing")
    world.passes("crossing: traffic goes on")
    undisturbed(world, "crossing", begin, ("t1", "t2", "h2"))
    for terminal, satellite, core in (("t1", "s1", "a"), ("t2", "s2", "b")):
        if not world.served(terminal, core, satellite):
            world.handover(terminal, satellite)
        here(world, terminal, satellite, core, "and back")


def home_core_vanishes(world):
    """Core c, at home of t3."""
    name = "a home core vanishes"
    begin = time.monotonic()
    world.kill("c")
    world.tap.within(4 * SLOW, f"{name}: it is noticed", lambda: "down" in [
        row["state"] for row in world.rows("b", "peers") if row["peer"] == "c.example"])
    world.passes(f"{name}: packets of its terminals go on too")
    undisturbed(world, name, begin)
    end = world.log_end("t3")
    world.handover("t3", "s4")
    world.told("t3", "home-unreachable", name, end)
    undisturbed(world, name, begin, ("t3",))
    world.start("c")
    here(world, "t3", "s4", "b", "the home core is back", 8)
    world.passes("the home core is back: traffic goes on")


def visited_core_vanishes(world):
    """Core b, with t2 and t3; its satellite is given to a."""
    name = "a visited core vanishes"
    begin = time.monotonic()
    world.kill("b")
    world.tap.within(4 * SLOW, f"{name}: it is noticed", lambda: "down" in [
        row["state"] for row in world.rows("a", "peers") if row["peer"] == "b.example"])
    undisturbed(world, name, begin)
    end = world.log_end("t4")
    world.associate("s2", "a")
    here(world, "t2", "s2", "a", f"{name}, its satellite serves another core")
    world.passes(f"{name}: traffic of the others goes on", but="t4")
    world.told("t4", "home-unreachable", name, end)
    world.start("b")
    world.associate("s2", "b")
    here(world, "t2", "s2", "b", "the visited core is back")
    here(world, "t4", "s2", "b", "the visited core is back")
    world.passes("the visited core is back: traffic goes on")


def live_shortly(world):
    """Those of core a that register from now on do so for a short time."""
    world.change("a", (f"lifetime = {LONG:.6f}", f"lifetime = {SHORT:.6f}"))
    world.ask("a", "reload")
    places = ("s1", "a"), ("s2", "b")
    for satellite, core in places:
        world.handover("t2", satellite)
        here(world, "t2", satellite, core, "for a short time")
    for satellite, core in reversed(places):
        world.handover("t1", satellite)
        here(world, "t1", satellite, core, "for a short time")


def terminals_vanish(world):
    """One after it has said that it leaves, one at home and one visiting without a word."""
    for flow in list(world.flows.flows):
        if not flow.name.startswith("t3"):
            world.flows.remove(flow)
    live_shortly(world)
    begin = time.monotonic()
    world.handover("t4", "s1")
    world.tap.ok(poll(5, lambda: ("b", "registered") not in world.sessions("t4")), "t4 says that it leaves",
                 lambda: world.sessions("t4"))
    world.kill("t4")
    for terminal in ("t1", "t2"):
        world.kill(terminal)
    forgotten(world, "t4", "it left and did not come back", 5 * SLOW)
    forgotten(world, "t1", "its lifetime ends at home", SHORT + 3)
    forgotten(world, "t2", "its lifetime ends as a visitor", SHORT + 3)
    world.tap.ok(time.monotonic() - begin > 3, "and not before")
    undisturbed(world, "terminals vanish", begin, ("t1", "t2", "t4"))
    world.ask("t3", "disconnect")
    world.clean("when all have gone", nodes=world.d.cores)


def test(tap):
    """All of it."""
    with World(tap, LAB, impatient) as world:
        for terminal in world.d.terminals:
            world.traffic(terminal)
        world.passes("traffic passes")
        crossing(world)
        home_core_vanishes(world)
        visited_core_vanishes(world)
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        terminals_vanish(world)


main(test)
