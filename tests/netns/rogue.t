#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""A rogue core on the radio link of a terminal: it advertises itself, in the names of others too, and
answers all that the terminal says, with what looks right. It has no key. The terminal stays where it
is, loses no packet, asks no oftener than once a second, and goes where it wants to.
"""

import hashlib
import os
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from interceptor import Datagram                                            # noqa: E402
from netns import inside                                                    # noqa: E402
from world import SLOW, World, main                                         # noqa: E402

LAB = """
gap 10ms
associations known
advertise 200ms
core a drain=100ms leave=2s
core b drain=100ms leave=2s
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2
"""
ETH_P_ALL, OUTGOING = 3, 4
NAMES = ("b.example", "evil.example", "a.example")
SECONDS = 6


def head(kind, ident):
    """The head of a message."""
    return struct.pack("!BBHI", kind, 1, 0, ident)


def attribute(code, value):
    """An attribute of it."""
    return struct.pack("!BH", code, len(value)) + value


def advertisement(name, chance):
    """Of a core of this name, whose life is a new one."""
    return head(0x20, 0) + attribute(0x01, name.encode()) + attribute(0x04, chance.randbytes(8)) \
        + attribute(0x0d, struct.pack("!H", chance.choice((1, 50, 65535))))


def answers(discovery, chance):
    """All that an answer to a discovery may be."""
    ident = struct.unpack_from("!I", discovery, 4)[0]
    handshake = attribute(0x08, chance.randbytes(160))
    sealed = attribute(0x09, bytes(8) + chance.randbytes(70))
    return [
        head(0x04, ident) + hashlib.sha256(discovery).digest()[:16] + chance.randbytes(16),
        head(0x22, ident) + handshake + sealed,
        head(0x22, ident) + sealed,
        head(0x23, ident) + attribute(0x0e, b"\0\x03"),
        head(0x23, ident) + handshake + attribute(0x0e, b"\0\x04"),
        head(0x03, ident) + bytes(8) + chance.randbytes(40),
    ]


class Rogue(threading.Thread):
    """On the satellite's side of the radio link."""

    def __init__(self, world, satellite, terminal):
        super().__init__(daemon=True)
        self.chance = random.Random(5)
        self.socket = inside(world.netns(satellite),
                             lambda: self.raw_socket(f"t-{terminal}"))
        self.template, self.ended = None, False
        self.discoveries, self.said = [], 0

    @staticmethod
    def raw_socket(interface):
        """All frames of an interface."""
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        raw.bind((interface, ETH_P_ALL))
        raw.settimeout(0.02)
        return raw

    def say(self, payload):
        """In a frame like those of the core."""
        try:
            self.socket.send(self.template.altered(payload))
            self.said += 1
        except OSError:         # the radio link is down
            pass

    def hear(self):
        """One frame, if there is one."""
        try:
            frame, where = self.socket.recvfrom(2048)
        except socket.timeout:
            return
        except OSError:         # the radio link is down
            time.sleep(0.01)
            return
        if frame[12:14] != b"\x86\xdd" or frame[20] != 17 or frame[56:58] != struct.pack("!H", 6276):
            return
        datagram = Datagram("", frame, 14)
        if where[2] == OUTGOING:
            if datagram.type == "core advertisement" and not self.template:
                self.template = datagram
        elif frame[62] in (0x05, 0x21):
            inner = datagram.payload[24:] if frame[62] == 0x05 else datagram.payload
            self.discoveries.append((time.monotonic(), frame[62], inner[4:8]))
            for payload in answers(inner, self.chance):
                self.say(payload)

    def run(self):
        spoken = 0
        while not self.ended:
            self.hear()
            if self.template and time.monotonic() - spoken > 0.05:
                spoken = time.monotonic()
                for name in NAMES:
                    self.say(advertisement(name, self.chance))

    def end(self):
        """No more."""
        self.ended = True
        self.join()
        self.socket.close()


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        world.traffic("t1")
        world.passes("before: traffic passes")
        rogue = Rogue(world, "s1", "t1")
        begin = time.monotonic()
        rogue.start()
        for second in range(SECONDS):
            time.sleep(1)
            tap.ok(world.registration("t1").get("core") == "a.example"
                   and world.one_binding("t1", "a"),
                   f"after {second + 1} s the terminal is a's", world.registration("t1"))
        tap.within(SECONDS, "the rogue core has had its say", lambda: rogue.said > 100, lambda: rogue.said)
        end = time.monotonic()
        made = {ident for _, _, ident in rogue.discoveries}
        tap.ok(0 < len(made) <= end - begin + 3, "it made it ask, once a second at the most",
               rogue.discoveries)
        tap.ok(len(rogue.discoveries) <= 9 * (len(made) + 1), "and each time not too often",
               rogue.discoveries)
        tap.same("no packet was lost", {}, world.flows.lost(begin, end))
        world.handover("t1", "s2")
        world.arrived("t1", "b", "s2", "with the rogue core there it leaves", 25)
        world.handover("t1", "s1")
        world.arrived("t1", "a", "s1", "and comes back to it", 25)
        tap.same("nobody but the two has served it", [],
                 [row for row in world.rows("t1", "handovers")
                  if row["to core"] not in ("a.example", "b.example")])
        rogue.end()
        tap.within(10 * SLOW, "afterwards all is as before", lambda: world.served("t1", "a", "s1"),
                   lambda: world.registration("t1"))
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        world.leave()


main(test)
