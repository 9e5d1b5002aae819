#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""SIGKILL, and nobody notices: each daemon in turn, terminal agents among them, is killed under running
traffic and started again. No packet of anybody is lost, no terminal registers again (nor so much as
sends a discovery), and the next handover, ordered within a second, needs no full authentication: it is
made in the mode in which it would have been made. What takes less than a second does so on a machine
that is there all the time.

    t1 of core a moves     s1 (a), s2 (b), s3 (c);   t2 of core a visits b;   t3 of core b is at home
"""

import datetime
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from kernel_state import difference, kernel_state                           # noqa: E402
from machine import Machine                                                 # noqa: E402
from tap import SLOW, poll                                                  # noqa: E402
from world import World, main                                               # noqa: E402

STALE = 2
# On a busy machine a start takes seconds, and an answer does. So many that whoever is killed would be
# missed, or left without asking, are not what this is about (restart.t is).
CORE = f"drain=500ms leave=20s stale={STALE}s keepalive=500ms dead_peer=20s prepare_wait=5s"
PATIENT = "disconnect_wait=10s"
LAB = f"""
mode proactive
gap {100 * SLOW}ms
associations known
advertise 10s
log debug
core a {CORE}
core b {CORE}
core c {CORE}
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
terminal t1 home=a links=s1,s2,s3 {PATIENT}
terminal t2 home=a links=s2 addresses=ipv4,ipv6,prefix {PATIENT}
terminal t3 home=b links=s2 {PATIENT}
host h2 behind=t2
"""
STAMPED = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}) (.*)")
DOWN = 0.3 * SLOW       # s between SIGKILL and the next start
WAIT = 0.3 * SLOW       # s from there to the order of a handover
# Who is killed, and where t1 goes right afterwards.
CRASHES = (("a", "home core", "s2", "b"), ("b", "visited core", "s3", "c"),
           ("c", "serving core", "s1", "a"), ("a", "home core that serves", "s2", "b"),
           ("s2", "satellite", "s3", "c"), ("a", "home core of a visitor", "s2", "b"),
           ("t1", "visitor that is to move", "s3", "c"), ("t1", "the same once more", "s1", "a"),
           ("t1", "terminal at home that is to move", "s2", "b"), ("t2", "another terminal", "s3", "c"))


def discoveries(world, terminal):
    """How many a terminal's agent has sent since its start."""
    return sum(row["sent"] for row in world.rows(terminal, "counters")
               if row["message"] == "core discovery")


def authentications(world):
    """How many full authentications home cores have been asked for since they were started."""
    return sum(row["received"] for core in world.d.cores for row in world.rows(core, "counters")
               if row["message"] == "authentication")


def took(world, core, told):
    """Seconds from a core's first line behind an offset to the one by which it knows all its peers, by
    its own clock. None: it does not yet."""
    with open(os.path.join(world.lab.state.dir, f"{core}.log"), encoding="utf-8") as file:
        file.seek(told)
        lines = [(datetime.datetime.fromisoformat(m[1]).timestamp(), m[2])
                 for m in map(STAMPED.match, file) if m]
    up = [when for when, text in lines if re.search(r": peer \S+: up$", text)]
    return up[-1] - lines[0][0] if len(up) == len(world.d.cores) - 1 else None


def crash(world, node, name):
    """Killed and started; nobody notices. When, how often terminals have discovered by then, and where
    the log of the new one begins."""
    kernel = kernel_state(world.netns(node))
    discovered = {t: discoveries(world, t) for t in world.d.terminals}
    if node in discovered:
        discovered[node] = 0
    begin = time.monotonic()
    world.kill(node)
    told = world.log_end(node)
    time.sleep(DOWN)
    world.start(node)
    world.tap.same(f"{name}: everything is adopted", [],
                   [line for line in difference(kernel, kernel_state(world.netns(node)))
                    if line[0] == "-"])
    return begin, discovered, told


def unnoticed(world, begin, discovered, but, name):
    """Points: no packet lost, nobody has registered again."""
    world.tap.same(f"{name}: no packet is lost", {},
                   world.flows.lost(begin, time.monotonic(), but))
    world.tap.same(f"{name}: nobody has registered again", [],
                   [t for t, count in discovered.items() if t not in but
                    and discoveries(world, t) != count])


def at_rest(world):
    """Long enough to be sure that it is not noticed later either, and swept up what was adopted."""
    for node in ("a", "b", "c", "s2", "t1", "t2", "t3"):
        name = f"{node} killed at rest"
        begin, discovered, _ = crash(world, node, name)
        time.sleep(STALE + 1)
        unnoticed(world, begin, discovered, (), name)
        for terminal in world.d.terminals:
            world.tap.ok(world.one_binding(terminal, "a" if terminal == "t1" else "b"),
                         f"{name}: {terminal} has its binding")


def moving(world):
    """A handover right after the restart."""
    for node, what, satellite, core in CRASHES:
        name = f"{what} {node} killed"
        with Machine() as machine:
            begin, discovered, told = crash(world, node, name)
            world.tap.within(5 * SLOW, f"{name}: the cores know each other", world.peers_up)
        if node in world.d.cores:
            seconds = took(world, node, told)
            world.tap.ok(seconds is not None and seconds - machine.stood < 1,
                         f"{name}: which has taken it less than a second",
                         f"{seconds} s, {machine.stood} s of which the machine stood still")
        time.sleep(WAIT)
        full = authentications(world)
        unnoticed(world, begin, discovered, (), name)
        begin = time.monotonic()
        with Machine() as machine:
            world.handover("t1", satellite)
            ordered = machine.clock()
            there = poll(1 * SLOW, lambda c=core, s=satellite: world.served("t1", c, s))
            seconds = machine.clock() - ordered
        world.tap.ok(there and seconds < 1 * SLOW, f"{name}: t1 is served by {core} within a second",
                     f"{seconds} s\n{world.registration('t1')}")
        world.arrived("t1", core, satellite, name)
        world.tap.same(f"{name}: that handover is", "proactive", world.made("t1").get("mode"))
        world.tap.same(f"{name}: without an authentication", full, authentications(world))
        unnoticed(world, begin, discovered, ("t1",), name)


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        for terminal in world.d.terminals:
            world.traffic(terminal)
        world.passes("traffic passes")
        for part in (at_rest, moving):
            part(world)
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        time.sleep(STALE)
        world.leave()


main(test)
