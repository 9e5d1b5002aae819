#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""What is under way when a terminal moves between cores. Packets are stopped on the line between the
cores, inside their tunnels, and go on when the core that served the terminal has been released: those
for the terminal are sent back to the home core, which knows where it is now, and those of the terminal
are taken for what they are (PROTOCOL, section 8, "draining"). When the drain is over nothing is led
into the old path any more, and what still comes is dropped.

    t1, of core a:  s1 (a), s2 (b), s3 (c)
"""

import ipaddress
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from flows import Ping                                                      # noqa: E402
from interceptor import CORE_PORT, IFF_TUN, device                          # noqa: E402
from netns import inside                                                    # noqa: E402
from traffic import SERVER                                                  # noqa: E402
from world import SLOW, World, main                                         # noqa: E402

DRAIN = 3 * SLOW        # s; short, but so long that packets get home in time on any machine
LAB = f"""
mode {{mode}}
gap 10ms
advertise 200ms
log debug
core a drain={DRAIN}s
core b drain={DRAIN}s
core c drain={DRAIN}s
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
terminal t1 home=a links=s1,s2,s3
"""
COUNT = 20              # requests of each family that are stopped
TABLE = "78"


class Detour:
    """Stops packets in the router between the cores until they are let go; signalling passes."""

    def __init__(self, world):
        self.netns = world.netns("inet")
        self.held = []
        self.undo = []
        self.addresses = []
        self.descriptor = inside(self.netns, lambda: device("detour", IFF_TUN))
        self.ip("link set detour txqueuelen 10000 up")

    def ip(self, command):
        """One command of ip(8)."""
        subprocess.run(["ip", "-n", self.netns, *command.split()], check=True, capture_output=True)

    def stop(self, core, address):
        """From now on, what comes from a core for an address."""
        family = "-6" if ":" in address else "-4"
        self.addresses.append(ipaddress.ip_address(address).packed)
        self.ip(f"{family} route replace default dev detour table {TABLE}")
        for rule in (f"priority 90 to {address} ipproto udp dport {CORE_PORT} lookup main",
                     f"priority 91 to {address} iif to-{core} lookup {TABLE}"):
            self.ip(f"{family} rule add {rule}")
            self.undo.append(f"{family} rule del {rule}")

    def stopped(self):
        """How many there are by now."""
        while True:
            try:
                packet = os.read(self.descriptor, 4096)
            except BlockingIOError:
                return len(self.held)
            # The kernel tells the device's group memberships too.
            if (packet[24:40] if packet[0] >> 4 == 6 else packet[16:20]) in self.addresses:
                self.held.append(packet)

    def let_go(self):
        """What was stopped goes on, and nothing is stopped any more."""
        for rule in self.undo:
            self.ip(rule)
        self.stopped()
        for packet in self.held:
            os.write(self.descriptor, packet)
        os.close(self.descriptor)


class Requests:
    """Echo requests of both families, sent when the test says so."""

    def __init__(self, world):
        t1 = world.d.terminals["t1"]
        self.pings = [Ping(source, world.netns("t1"), source, SERVER[6 if ":" in source else 4])
                      for source in (t1.home4, t1.home6)]

    def send(self):
        """COUNT of each."""
        for _ in range(COUNT):
            for ping in self.pings:
                ping.tick(time.monotonic())
            time.sleep(0.001)

    def answered(self):
        """How many have been answered, of each family."""
        for ping in self.pings:
            ping.read(time.monotonic())
        return [len(ping.answered) for ping in self.pings]

    def close(self):
        """Ends them."""
        for ping in self.pings:
            ping.close()


def stop_some(world, name, old):
    """Points: COUNT packets of each family are stopped on their way to t1 at a core, and as many of t1's.
    Returns the detour and the requests."""
    detour, requests = Detour(world), Requests(world)
    coa = next(r["coa"] for r in world.rows(old, "visitors"))
    requests.send()
    world.tap.within(2, f"{name}: packets pass at {old}",
                     lambda: requests.answered() == [COUNT, COUNT], requests.answered)
    home, visited = (world.d.cores[core].underlay4 for core in ("a", old))
    # Protected packets are for the core, not for the care-of address (PROTOCOL, section 16).
    for count, core, addresses, what in ((2 * COUNT, "a", (coa, visited), "packets for t1"),
                                         (4 * COUNT, old, (home,), "its own")):
        for address in addresses:
            detour.stop(core, address)
        requests.send()
        world.tap.within(2, f"{name}: {what} are under way",
                         lambda n=count: detour.stopped() == n, detour.stopped)
    world.tap.same(f"{name}: none has arrived", [COUNT, COUNT], requests.answered())
    return detour, requests


def move(world, name, old, order):
    """Points: t1 leaves a core, which drains it. A soft one leaves the link to it up."""
    satellite, core = order
    if world.d.mode == "soft":
        world.handover_softly("t1", satellite)
    else:
        world.handover("t1", satellite)
    world.tap.within(5 * SLOW, f"{name}: registered, and {old} drains",
                     lambda: world.served("t1", core, satellite)
                     and set(world.sessions("t1")) == {(core, "registered"), (old, "draining")},
                     lambda: world.sessions("t1"))


def over(world, name, core):
    """A point: the drain ends."""
    world.tap.within(2 * DRAIN, f"{name}: the drain ends",
                     lambda: world.sessions("t1") == [(core, "registered")],
                     lambda: world.sessions("t1"))


def in_time(world, name, old, order):
    """Points: what comes while the old core drains arrives, all of it, once."""
    detour, requests = stop_some(world, name, old)
    move(world, name, old, order)
    detour.let_go()
    world.tap.within(2, f"{name}: everything that was under way arrives",
                     lambda: requests.answered() == [3 * COUNT, 3 * COUNT], requests.answered)
    requests.close()
    over(world, name, order[1])


def too_late(world, name, old, order):
    """Points: what comes when the drain is over is dropped, and what is new passes."""
    detour, requests = stop_some(world, name, old)
    move(world, name, old, order)
    over(world, name, order[1])
    detour.let_go()
    new = Requests(world)
    new.send()
    world.tap.within(2, f"{name}: what is sent behind it arrives",
                     lambda: new.answered() == [COUNT, COUNT], new.answered)
    world.tap.same(f"{name}: what was under way is dropped", [COUNT, COUNT], requests.answered())
    requests.close()
    new.close()


def begin(world, satellite, core):
    """Points: t1 is at a visited core."""
    world.handover("t1", satellite)
    world.arrived("t1", core, satellite, "from home to a visited core")


def test(tap):
    """Moves over a link gap, then one with both links up."""
    with World(tap, LAB.format(mode="baseline")) as world:
        begin(world, "s2", "b")
        in_time(world, "to another visited core", "b", ("s3", "c"))
        in_time(world, "home", "c", ("s1", "a"))
        begin(world, "s2", "b")
        too_late(world, "too late", "b", ("s3", "c"))
        world.leave()
    with World(tap, LAB.format(mode="soft")) as world:
        begin(world, "s2", "b")
        in_time(world, "softly", "b", ("s3", "c"))
        world.leave()


main(test)
