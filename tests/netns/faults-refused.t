#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""A kernel that refuses, and somebody who takes away what the daemons have made. A terminal that
cannot be served is told why and leaves no trace where it was refused; once the cause is gone it is
served without anybody's help. (The unit tests refuse every single call to the kernel in turn.)

    t1 of core a:  s1 (a), s2 (b)
"""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from world import SLOW, World, main                                         # noqa: E402

PATIENCE = 15           # a core tries every 10 s to put its devices in place again
CORE = "drain=200ms leave=30s keepalive=500ms dead_peer=5s"
LAB = f"""
gap 10ms
advertise 200ms
log debug
core a {CORE}
core b {CORE}
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2 addresses=ipv4,ipv6,prefix
host h1 behind=t1
"""


def impatient(world):
    """A terminal that asks again soon."""
    world.change("t1", ("log =", "timers = { retry_max = 0.5; };\nlog ="))


def run(world, node, *commands):
    """ip commands inside a node."""
    for command in commands:
        subprocess.run(["ip", "-n", world.netns(node), *command.split()], check=True)


def sysctl(world, node, setting):
    """A setting inside a node."""
    subprocess.run(["ip", "netns", "exec", world.netns(node), "sysctl", "-q", "-w", setting],
                   check=True)


def without_noticing(world, node, *commands):
    """ip commands while the daemon of a node stands still, so that it cannot come in between."""
    process = world.lab.daemons.processes[node].popen
    os.kill(process.pid, signal.SIGSTOP)
    try:
        run(world, node, *commands)
    finally:
        os.kill(process.pid, signal.SIGCONT)


def tunnel_device(world):
    """The device that carries the terminals of core b."""
    kind = next(r["tunnel"] for r in world.rows("b", "peers"))
    return "sno-gre" if kind.startswith("gre") else "sno-gpe"


def refused(world, name, reason, hinder, allow):
    """Points: t1 on its way to b is refused, is told, and served once the cause is gone."""
    end = world.log_end("t1")
    hinder()
    world.handover("t1", "s2")
    world.told("t1", reason, name, end)
    world.tap.same(f"{name}: it is not registered", "discovering",
                   world.registration("t1").get("state"))
    world.tap.within(3 * SLOW, f"{name}: nothing of it is left at b",
                     lambda: [s for s in world.sessions("t1") if s[0] == "b"] == []
                     and pool_used(world) == 0, lambda: world.sessions("t1"))
    allow()
    world.arrived("t1", "b", "s2", f"{name} no longer", PATIENCE)
    world.handover("t1", "s1")
    world.arrived("t1", "a", "s1", f"{name} no longer, and home")


def pool_used(world):
    """Care-of addresses that b has given out."""
    return sum(r["used"] for r in world.rows("b", "pools") if r["pool"].startswith("care_of"))


def refusals(world):
    """What can keep a kernel from doing its part."""
    tunnel = tunnel_device(world)
    refused(world, "no IPv6 on the bridge of b", "kernel-refused",
            lambda: sysctl(world, "b", "net.ipv6.conf.sno-acc.disable_ipv6=1"),
            lambda: sysctl(world, "b", "net.ipv6.conf.sno-acc.disable_ipv6=0"))
    refused(world, "another device with the name of a's tunnel", "kernel-refused",
            lambda: without_noticing(world, "a", f"link del {tunnel}",
                                     f"link add {tunnel} type bridge"),
            lambda: run(world, "a", f"link del {tunnel}"))
    prefixes = '"100.64.2.0/24"', '"100.64.99.0/24"'

    def allow(*replacement):
        world.change("a", replacement)
        world.ask("a", "reload")
    refused(world, "care-of addresses that a does not permit", "not-permitted",
            lambda: allow(*prefixes), lambda: allow(*reversed(prefixes)))


def taken_away(world):
    """What somebody removes is put back, and packets pass again."""
    world.handover("t1", "s2")
    world.arrived("t1", "b", "s2", "t1 visits b")
    tunnel = tunnel_device(world)
    for name, node, commands in (
            ("the tunnel device of a", "a", [f"link del {tunnel}"]),
            ("the tunnel device of b", "b", [f"link del {tunnel}"]),
            ("the bridge of b", "b", ["link del sno-acc"]),
            ("a port of the bridge of b", "b", ["link set feed-s2 nomaster"]),
            ("the carrier of a satellite", "s2", ["link set feed-b down", "link set feed-b up"])):
        run(world, node, *commands)
        world.passes(f"{name} taken away: traffic comes back", 6)
        world.tap.within(5 * SLOW, f"{name} taken away: t1 is registered, once",
                         lambda: world.served("t1", "b", "s2") and world.one_binding("t1", "b"),
                         lambda: f"{world.registration('t1')}\n{world.binding('t1')}")


def test(tap):
    """All of it."""
    with World(tap, LAB, impatient) as world:
        world.traffic("t1")
        world.passes("traffic passes")
        refusals(world)
        taken_away(world)
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        world.leave()


main(test)
