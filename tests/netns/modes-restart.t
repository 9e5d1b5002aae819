#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""Each daemon is killed with SIGKILL in the middle of a prepared handover: when the target has been
prepared and the terminal is still where it was; in the link gap, when packets are held for it; at the
moment of a soft move; and when the core that was left is away. The handover completes, terminals at rest lose nothing, and in the end
no kernel holds anything that nobody uses.

    t1 of core a moves    s1 (a), s2 (b), s3 (c);   t2 of core a visits b over s2 and rests
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import SLOW                                                        # noqa: E402
from world import World, main                                               # noqa: E402

STALE = 2
CORE = (f"drain=500ms leave=2s stale={STALE}s keepalive=500ms dead_peer=2s prepared_for=1500ms")
# A terminal whose discoveries nobody answers, while the core that it needs is slow to start, asks again
# soon enough for the points below.
LAB = f"""
gap {500 * SLOW}ms
associations known
advertise 200ms
log debug
core a {CORE}
core b {CORE}
core c {CORE}
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
terminal t1 home=a links=s1,s2,s3 mode=predictive retry_max=2s
terminal t2 home=a links=s2 addresses=ipv4,ipv6,prefix retry_max=2s
terminal t3 home=b links=s2,s3 mode=soft retry_max=2s
host h2 behind=t2
"""
AHEAD = 1.2 * SLOW      # s in which a target is prepared before the terminal goes


def restart(world, node, seconds=0.1):
    """SIGKILL, a while without it, and a new one."""
    world.kill(node)
    time.sleep(seconds * SLOW)
    world.start(node)


def settled(world, terminal, satellite, core, name, begin):
    """Points: the terminal is there, once, traffic passes, and t2 has lost nothing."""
    world.arrived(terminal, core, satellite, name, 8)
    world.tap.same(f"{name}: no packet of a terminal at rest is lost", {},
                   world.flows.lost(begin, time.monotonic(), ("t1", "t3")))


def prepared(world):
    """While the target is prepared and the terminal has not left."""
    for satellite, core, victim, what in (
            ("s2", "b", "b", "target"), ("s3", "c", "a", "home core"),
            ("s2", "b", "c", "core that serves"), ("s3", "c", "t1", "agent"),
            ("s1", "a", "a", "target and home core")):
        name = f"{what} {victim} killed when {core} has been prepared"
        begin = time.monotonic()
        world.handover("t1", satellite, ahead=AHEAD)
        time.sleep(AHEAD / 2)
        restart(world, victim)
        if victim == "t1":      # it has forgotten what it was told
            world.handover("t1", satellite)
        settled(world, "t1", satellite, core, name, begin)


def held(world):
    """In the link gap, when packets are held for the terminal."""
    for satellite, core, victim, what in (
            ("s2", "b", "b", "target"), ("s3", "c", "a", "home core"),
            ("s2", "b", "c", "core that was left"), ("s3", "c", "t1", "agent"),
            ("s1", "a", "a", "target and home core")):
        name = f"{what} {victim} killed while packets are held for t1 at {core}"
        begin = time.monotonic()
        world.handover("t1", satellite)
        world.tap.within(3 * SLOW, f"{name}: t1 has left",
                         lambda: world.registration("t1").get("state") == "switching")
        time.sleep(0.1 * SLOW)
        restart(world, victim)
        settled(world, "t1", satellite, core, name, begin)


def softly(world):
    """At the moment at which a terminal with two links is told to go."""
    places = [("s3", "c"), ("s2", "b")]
    for victim, what in (("b", "home core"), ("c", "visited core"), ("t3", "agent")):
        satellite, core = places[0]
        name = f"{what} {victim} killed while t3 goes softly to {core}"
        begin = time.monotonic()
        old = world.handover_softly("t3", satellite)
        restart(world, victim)
        if not world.served("t3", core, satellite) and victim == "t3":
            world.lab.links.set("t3", old, False)
        elif world.registration("t3").get("link") == old:
            world.tap.within(5 * SLOW, f"{name}: it goes on, or can be told again",
                             lambda s=satellite: world.registration("t3").get("link") == s)
        settled(world, "t3", satellite, core, name, begin)
        world.lab.links.set("t3", old, False)
        world.passes(f"{name}: without the old link too")
        places.reverse()


def peer_state(world, core, peer):
    """What a core says of another one."""
    return next(r["state"] for r in world.rows(core, "peers") if r["peer"] == world.realm(peer))


def away(world):
    """A core is away for longer than others wait for it, and what it must know is told by a home core
    that was killed since."""
    name = "visited core c away while t3 goes from there to b, and b killed then"
    begin = time.monotonic()
    world.tap.ok(world.served("t3", "c", "s3"), f"{name}: t3 is at c")
    world.kill("c")
    world.tap.within(5 * SLOW, f"{name}: c is down for b", lambda: peer_state(world, "b", "c") == "down")
    world.handover("t3", "s2")
    world.tap.within(8 * SLOW, f"{name}: t3 is at b", lambda: world.served("t3", "b", "s2"),
                     lambda: world.registration("t3"))
    restart(world, "b")
    world.start("c")
    settled(world, "t3", "s2", "b", name, begin)


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        for terminal in world.d.terminals:
            world.traffic(terminal)
        world.passes("traffic passes")
        for part in (prepared, held, softly, away):
            part(world)
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        time.sleep(STALE)
        world.leave()


main(test)
