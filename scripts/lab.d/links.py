# SPDX-License-Identifier: GPL-2.0-or-later
"""The carriers of the terminals' links, given and taken by the lab itself: what no modem does, such
as a second link beside the first one, or the loss of the one in use.

A link is up or down at the satellite's end, a port of its bridge, as tests/bench/radio does it. Each
port's control socket is opened before it is needed, so that nothing is started when a link changes.
"""

import fcntl
import os
import socket
import struct
import time

from netns import inside
from system import now_us

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
REQUEST = struct.Struct("16sH14x")


class Links:
    """All links of a lab. `record` is the file in which a terminal's modem notes its switches."""

    def __init__(self, lab):
        self.lab = lab
        self.sockets = {}       # satellite -> a socket in its namespace

    def port(self, terminal, satellite):
        """(control socket, name) of the satellite's port towards a terminal."""
        if satellite not in self.sockets:
            self.sockets[satellite] = inside(
                self.lab.topology.netns(satellite),
                lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        return self.sockets[satellite], f"t-{terminal}".encode()

    def set(self, terminal, satellite, up):
        """Gives a link a carrier or takes it away."""
        sock, name = self.port(terminal, satellite)
        _, flags = REQUEST.unpack(fcntl.ioctl(sock, SIOCGIFFLAGS, REQUEST.pack(name, 0)))
        flags = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(sock, SIOCSIFFLAGS, REQUEST.pack(name, flags))

    def switch(self, terminal, old, new, gap):
        """Takes one link away and gives the other one a gap later; microseconds."""
        down = now_us()
        self.set(terminal, old, False)
        time.sleep(max(0, down + gap - now_us()) / 1000000)
        self.set(terminal, new, True)
        self.record(terminal, old, new, down, now_us())

    def record(self, terminal, old, new, down, up):
        """Notes a switch where the terminal's modem notes its own."""
        path = os.path.join(self.lab.state.dir, f"{terminal}.links")
        with open(path, "a", encoding="ascii") as file:
            file.write(f"{old} {new} {down} {up}\n")

    def close(self):
        """Lets go of the namespaces."""
        for sock in self.sockets.values():
            sock.close()
        self.sockets.clear()
