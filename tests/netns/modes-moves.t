#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""Every kind of move between cores in every handover mode, with a packet stream each way, echo
requests and TCP: each move is made in the mode that was asked for, TCP lives, nothing is overtaken or
doubled, and in the modes predictive and soft not one packet is lost. In the end nothing is left.

    t1 .. t5 of core a, one for each mode:  s1 (a) -> s2 (b) -> s3 (c) -> s1 (a)
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import SLOW                                                        # noqa: E402
from streams import Streams                                                 # noqa: E402
from system import now_us                                                   # noqa: E402
from world import World, main                                               # noqa: E402

MODES = ("baseline", "combined", "proactive", "predictive", "soft")
LOSSLESS = ("predictive", "soft")
# Cores and terminals wait for others, and hold packets, as long as it takes, on any machine.
LAB = f"""
delay access=5ms core=10ms
gap 40ms
associations known
advertise 200ms
log debug
core a drain=500ms prepare_wait=5s hold_time=30s
core b drain=500ms prepare_wait=5s hold_time=30s
core c drain=500ms prepare_wait=5s hold_time=30s
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
""" + "".join(f"""
terminal t{n} home=a links=s1,s2,s3 mode={mode} disconnect_wait=10s hold_time=30s addresses=ipv4,ipv6
stream t{n} interval={4 * SLOW}ms
""" for n, mode in enumerate(MODES, 1))
ROUND = (("home -> visited", "s2", "b"), ("visited -> visited", "s3", "c"),
         ("visited -> home", "s1", "a"))


def move(world, terminal, mode, way):
    """One move with its points; when it began."""
    name, satellite, core = way
    name = f"{mode}, {name}"
    begin = now_us()
    old = None
    if mode == "soft":
        old = world.handover_softly(terminal, satellite)
    else:
        world.handover(terminal, satellite)
    world.arrived(terminal, core, satellite, name)
    made = world.made(terminal).get("mode")
    # At home there is no exchange between cores that could be combined.
    world.tap.ok(made == mode or (core, mode, made) == ("a", "combined", "baseline"),
                 f"{name}: made so", f"made as {made}")
    if old:
        world.lab.links.set(terminal, old, False)
        world.passes(f"{name}: without the old link too")
    return name, begin


def heaps(world):
    """{node: octets that its daemon has for variables}."""
    sizes = {}
    for node, process in world.lab.daemons.processes.items():
        with open(f"/proc/{process.pid}/maps", encoding="ascii") as file:
            begin, end = next(line for line in file if "[heap]" in line).split()[0].split("-")
        sizes[node] = int(end, 16) - int(begin, 16)
    return sizes


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        for terminal in world.d.terminals:
            world.traffic(terminal)
        world.passes("at home: traffic passes")
        streams = Streams(world)
        before = heaps(world)
        moves = []
        for terminal, mode in zip(world.d.terminals, MODES):
            for way in ROUND:
                moves.append((terminal, mode, *move(world, terminal, mode, way), now_us()))
        # All of it is locked, and takes its time to become memory.
        tap.same("no daemon's heap had to grow for it", before, heaps(world))
        streams.stop()
        for terminal, mode, name, begin, end in moves:
            for way, (lost, reordered, doubled) in streams.damage(terminal, begin, end).items():
                tap.same(f"{name}: {way}, none doubled", 0, doubled)
                # In combined too, where the home core leads packets to the visited core while that
                # still waits for the answer: the guard drops what would go round once, and be late.
                tap.same(f"{name}: {way}, none overtaken", 0, reordered)
                if mode in LOSSLESS:
                    tap.same(f"{name}: {way}, none lost", 0, lost)
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        world.leave()


main(test)
