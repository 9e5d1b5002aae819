#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""Daemons are killed with SIGKILL and started again: while nothing moves, which no terminal may
notice, not by one packet; cores also for so long that terminals miss them; while an old core drains;
and in the middle of a handover. Terminals that do not move never lose a packet, the next handover
works, and in the end no kernel holds anything that nobody uses.

    t1 of core a moves    s1 (a), s2 (b), s3 (c); its link gap is long enough to kill things in it
    t2 of core a visits b over s2;  t3 of core b is at home on s2;  both rest
"""

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from kernel_state import difference, kernel_state                           # noqa: E402
from world import SLOW, World, main                                         # noqa: E402

STALE = 2
CORE = f"drain=1s leave=2s stale={STALE}s keepalive=500ms dead_peer=2s"
# A terminal whose discoveries nobody answers, while the core that it needs is slow to start, asks again
# soon enough for the points below.
LAB = f"""
gap {400 * SLOW}ms
advertise 200ms
log debug
core a {CORE}
core b {CORE}
core c {CORE}
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
terminal t1 home=a links=s1,s2,s3 retry_max=2s
terminal t2 home=a links=s2 addresses=ipv4,ipv6,prefix retry_max=2s
terminal t3 home=b links=s2 retry_max=2s
host h2 behind=t2
"""
RESTING = {"t2": ("s2", "b"), "t3": ("s2", "b")}
CARE_OF = re.compile(r"\b(100\.64\.\d+\.\d+|2001:db8:c0:\d+:[0-9a-f:]+)(?![\d/])")


def state(world, core):
    """A core's kernel, whatever care-of addresses are in it."""
    return sorted(CARE_OF.sub("COA", line) for line in kernel_state(world.netns(core)))


class Watch:
    """Points: what rests has lost nothing since the beginning."""

    def __init__(self, world, name, moving=()):
        self.world, self.name, self.moving = world, name, moving
        self.begin = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            lost = self.world.flows.lost(self.begin, time.monotonic(), self.moving)
            self.world.tap.same(f"{self.name}: no packet of a terminal at rest is lost", {}, lost)


def restart(world, node, seconds=0.3):
    """SIGKILL, a while without it, and a new one."""
    world.kill(node)
    time.sleep(seconds * SLOW)
    world.start(node)


def settled(world, where, name):
    """Points: everybody is where he was, once, and passes traffic."""
    for terminal, (satellite, core) in where.items():
        world.tap.within(6 * SLOW, f"{name}: {terminal} is registered, once",
                         lambda t=terminal, c=core, s=satellite:
                         world.served(t, c, s) and world.one_binding(t, c),
                         lambda t=terminal: f"{world.registration(t)}\n{world.binding(t)}\n"
                         f"{world.sessions(t)}")
    world.passes(f"{name}: traffic goes on")


def missing(world, core, before):
    """What was in a core's kernel and is not."""
    return [line for line in difference(before[core], state(world, core)) if line[0] == "-"]


def as_before(world, name, before, cores):
    """Points: what nobody uses any more goes, at the latest when timers.stale have passed."""
    for core in cores:
        world.tap.within((STALE + 4) * SLOW, f"{name}: the kernel of {core} is as before",
                         lambda c=core: state(world, c) == before[c],
                         lambda c=core: "\n".join(difference(before[c], state(world, c))))


def at_rest(world, before):
    """Each daemon in turn, while nothing moves."""
    where = {"t1": ("s1", "a"), **RESTING}
    for node, what in (("a", "home core"), ("b", "visited core"), ("c", "idle core"),
                       ("t1", "agent at home"), ("t2", "agent of a visitor"),
                       ("s1", "satellite"), ("s2", "satellite with visitors")):
        name = f"{what} {node} killed"
        with Watch(world, name):
            told = world.log_end(node)
            restart(world, node)
            if node in before:
                world.tap.same(f"{name}: everything is adopted", [], missing(world, node, before))
            if node in world.d.terminals:
                world.tap.ok(world.logged(node, "going on after a restart: registered with", told),
                             f"{name}: it goes on with its registration")
            settled(world, where, name)
    time.sleep(STALE)
    as_before(world, "after all that", before, world.d.cores)


def missed(world, before):
    """Cores are away until their terminals miss them, and register anew where they are. Packets find
    them by the way by which they did: whoever named another one would lose what comes in between."""
    for core, terminals in (("a", ["t1"]), ("b", ["t2", "t3"])):
        name = f"{core} away until it is missed"
        with Watch(world, name):
            told = {t: world.log_end(t) for t in terminals}
            ways = {t: world.binding(t)["path"] for t in terminals}
            world.kill(core)
            for t in terminals:
                world.tap.within(5 * SLOW, f"{name}: {t} misses it", lambda t=t: world.logged(
                    t, "registered -> discovering, no advertisement", told[t]))
            world.start(core)
            for t in terminals:
                world.tap.within(6 * SLOW, f"{name}: {t} registers anew", lambda t=t: world.logged(
                    t, "for 300 s: no advertisement", told[t]))
            settled(world, {"t1": ("s1", "a"), **RESTING}, name)
            world.tap.same(f"{name}: the way to them is the same", ways,
                           {t: world.binding(t)["path"] for t in terminals})
    time.sleep(STALE)
    as_before(world, "after they were missed", before, world.d.cores)


def draining(world, before):
    """The core that was left, and the home core, while the former drains."""
    for satellite, core, victim in (("s2", "b", None), ("s3", "c", "b"), ("s2", "b", "a")):
        name = f"{victim or 'nobody'} killed when t1 has gone to {core}"
        with Watch(world, name, "t1"):
            world.handover("t1", satellite)
            world.tap.within(5 * SLOW, f"{name}: registered",
                             lambda c=core, s=satellite: world.served("t1", c, s))
            moved = time.monotonic()
            if victim:
                restart(world, victim, 0.1)
            settled(world, {"t1": (satellite, core), **RESTING}, name)
            world.tap.same(f"{name}: nor one of t1 since", {},
                           world.flows.lost(moved, time.monotonic()))
        as_before(world, name, before, {"b", "c"} - {core})


def moving(world, before):
    """Everybody who takes part in a handover, in its link gap."""
    for satellite, core, victim, what in (
            ("s1", "a", "a", "target and home core"), ("s2", "b", "b", "target core"),
            ("s3", "c", "a", "home core"), ("s2", "b", "c", "core that was left"),
            ("s3", "c", "t1", "agent"), ("s2", "b", "s2", "target satellite"),
            ("s1", "a", "s2", "satellite that was left")):
        name = f"{what} {victim} killed while t1 goes to {core}"
        with Watch(world, name, "t1"):
            world.handover("t1", satellite)
            time.sleep(0.2 * SLOW)
            restart(world, victim, 0.1)
            settled(world, {"t1": (satellite, core), **RESTING}, name)
        as_before(world, name, before, {"b", "c"} - {core})


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        for terminal in world.d.terminals:
            world.traffic(terminal)
        world.passes("traffic passes")
        before = {core: state(world, core) for core in world.d.cores}
        for part in (at_rest, missed, draining, moving):
            part(world, before)
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        time.sleep(STALE)
        world.leave()


main(test)
