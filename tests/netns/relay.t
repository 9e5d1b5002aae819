#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""A satellite that sees no station of a core serves it over a neighbour that does: its terminals are
handed to that core and back, as planned, without a lost packet; the neighbour's own are not
concerned; and the death of both forwarders concerns nobody.

    t1 .. s1 -- a          by plan s1 serves a, then b over s2, then a again
           s1 ~~ s2 -- b   s1 has no feeder to b
    t2 .. s2 -- a, b       s2 serves a all the time
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import SLOW                                                        # noqa: E402
from streams import WAYS, Streams                                           # noqa: E402
from system import now_us                                                   # noqa: E402
from world import World, main                                               # noqa: E402

THERE = 2.5 * SLOW      # s from the schedule to its change
LATER = 600             # s: longer than what is looked at before it is over
LAB = f"""
delay access=5ms core=10ms
advertise 200ms
log debug
core a drain=500ms
core b drain=500ms
satellite s1 core=a feeders=a via=s2
satellite s2 core=a
terminal t1 home=a links=s1
terminal t2 home=a links=s2
stream t1 interval={4 * SLOW}ms
stream t2 interval={4 * SLOW}ms
at {THERE}s schedule s1 b
at {LATER}s schedule s1 a
"""


def relayed(world):
    """The neighbour's row of s1: core and what becomes of frames."""
    row = world.rows("s2", "relays")[0]
    return row["satellite"], row["core"] or "", row["forwarding"]


def one_processor():
    """All of it on one: of several that stand still each for itself, the one before which a packet lies
    lets it be overtaken, as no link does."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processors[os.getpid() % len(processors)]})


def test(tap):
    """All of it."""
    one_processor()
    with World(tap, LAB) as world:
        for terminal in world.d.terminals:
            world.traffic(terminal)
        world.passes("s1 serves a by itself: traffic passes")
        tap.same("s2 lets nothing of it pass", ("s1", "", False), relayed(world))
        streams = Streams(world)
        world.lab.begin_us = begin = now_us()
        world.lab.publish_schedule()
        world.arrived("t1", "b", "s1", "s1 serves b over s2")
        tap.same("s2 lets it pass to b", ("s1", "b.example", True), relayed(world))
        tap.ok(world.served("t2", "a", "s2"), "s2's own terminal stays with a")
        for satellite in ("s1", "s2"):
            world.kill(satellite)
        time.sleep(0.3 * SLOW)
        world.passes("both forwarders are dead: traffic goes on")
        for satellite in ("s1", "s2"):
            world.start(satellite)
        world.passes("both are there again: traffic goes on")
        tap.same("... and s2 lets s1's pass, as before", ("s1", "b.example", True), relayed(world))
        back = now_us()
        world.d.actions[1].time = round(back - begin + THERE * 1000000)
        world.lab.publish_schedule()
        world.arrived("t1", "a", "s1", "s1 serves a by itself again")
        tap.same("s2 lets nothing of it pass any more", ("s1", "", False), relayed(world))
        end = now_us()
        streams.stop()
        for terminal in world.d.terminals:
            for way in WAYS:
                there, again = (streams.damage(terminal, *span)[way]
                                for span in ((begin, back), (back, end)))
                tap.same(f"{terminal} {way}: no packet lost, overtaken or doubled", (0, 0, 0), there)
                # The way over the neighbour is the longer one. What a terminal sends when its satellite
                # has left it, and nobody has told the terminal, overtakes what is on its way there.
                if (terminal, way) == ("t1", "up"):
                    again = (again[0], 0, again[2])
                tap.same(f"{terminal} {way}, back: no packet lost, overtaken or doubled", (0, 0, 0),
                         again)
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        world.leave()


main(test)
