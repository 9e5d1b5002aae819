#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""Each signalling datagram of each kind of handover is lost, one after the other; then every one
is doubled, and every one is delayed at random, so that they overtake each other. The handover always
completes, with exactly one binding and one session, and in the end nothing is left anywhere.

    t1, of core a:  s1 (a) -> s2 (b) -> s3 (c) -> s1 (a)
"""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from interceptor import Interceptor, is_signalling                          # noqa: E402
from tap import note                                                        # noqa: E402
from world import SLOW, World, main                                         # noqa: E402

# Keepalives would disturb the count.
CORE = "drain=100ms leave=3s keepalive=60s dead_peer=180s"
LAB = f"""
gap 5ms
advertise 5s
log debug
core a {CORE}
core b {CORE}
core c {CORE}
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
terminal t1 home=a links=s1,s2,s3
"""
ROUND = (("home -> visited", "s2", "b"), ("visited -> visited", "s3", "c"),
         ("visited -> home", "s1", "a"))
QUIET = 0.15 * SLOW


class Losing:
    """A hook that loses the datagram of one number and counts on."""

    def __init__(self, number):
        self.number = number
        self.count = 0
        self.victim = None

    def __call__(self, datagram):
        if not is_signalling(datagram):
            return [datagram.frame]
        self.count += 1
        if self.count != self.number:
            return [datagram.frame]
        self.victim = f"{datagram.type} {datagram.way}"
        return []


def doubled(datagram):
    """A hook: everything twice."""
    return [datagram.frame] * 2


def quiet(interceptor):
    """Waits until no signalling has been under way for a while."""
    while True:
        last = max((d.time for d in interceptor.seen[-50:] if is_signalling(d)), default=0)
        if time.monotonic() - last > QUIET:
            return
        time.sleep(0.02)


def hand_over(world, interceptor, name, satellite, core):
    """Points: one handover under the present hook."""
    world.handover("t1", satellite)
    world.arrived("t1", core, satellite, name, 8)
    quiet(interceptor)


def each_lost(world, interceptor):
    """Rounds until no handover has so many datagrams any more."""
    numbers = {name: 1 for name, _, _ in ROUND}
    while numbers:
        for name, satellite, core in ROUND:
            losing = Losing(numbers.get(name, 0))
            interceptor.hook = losing
            hand_over(world, interceptor, f"{name} without datagram {losing.number}", satellite,
                      core)
            if losing.victim:
                note(f"lost: {losing.victim}; {losing.count} datagrams in all")
                numbers[name] += 1
            elif name in numbers:
                # A handover takes at least disconnect, discovery, done, and their answers.
                world.tap.ok(losing.count >= 6, f"{name}: all {losing.count} were lost in turn")
                del numbers[name]


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        interceptor = Interceptor(world)
        world.traffic("t1")
        world.passes("traffic passes")
        each_lost(world, interceptor)
        interceptor.hook = doubled
        for name, satellite, core in ROUND:
            hand_over(world, interceptor, f"{name} with everything doubled", satellite, core)
        chance = random.Random(7)

        def late(datagram):
            interceptor.delay(datagram, chance.uniform(0, 0.15))
            return []
        interceptor.hook = late
        for name, satellite, core in ROUND * 2:
            hand_over(world, interceptor, f"{name} with everything late", satellite, core)
        interceptor.close()
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        world.leave()


main(test)
