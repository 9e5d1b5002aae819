# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands on every line on which signalling travels, and decides what becomes of each datagram.

Between cores: policy routing in the router takes UDP 6275 out of its way into a TUN device; what is
written back there is forwarded as if nothing had happened. On the access side: a filter behind the
terminal's interfaces (uplink) and behind the satellites' ports towards it (downlink) redirects UDP
6276 into a TAP device, and a packet socket sends on, past all filters. None of it needs more than
what every kernel of the tests has (tun, clsact, u32, mirred).
"""

import fcntl
import os
import selectors
import socket
import struct
import subprocess
import threading
import time

from flows import checksum
from netns import inside

TUNSETIFF, IFF_TUN, IFF_TAP, IFF_NO_PI = 0x400454ca, 1, 2, 0x1000
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
CORE_PORT, ACCESS_PORT = 6275, 6276
TABLE = "77"
TYPES = {0x01: "handshake initiation", 0x02: "handshake response", 0x03: "sealed",
         0x20: "core advertisement", 0x21: "core discovery", 0x22: "registration done",
         0x23: "registration reject"}


class Datagram:
    """A datagram on its `way`: "a -> b" between cores, "t1 up" or "t1 down" on the access side."""

    def __init__(self, way, frame, link_header):
        self.way = way
        self.frame = frame
        self.at = link_header + (40 if frame[link_header] >> 4 == 6 else 20) + 8
        self.ip = link_header
        self.time = time.monotonic()

    @property
    def payload(self):
        """What UDP carries."""
        return self.frame[self.at:]

    @property
    def type(self):
        """The type in its head, as a word."""
        return TYPES.get(self.frame[self.at], "?")

    def altered(self, payload, mac=None):
        """The frame with another payload (and source Ethernet address), lengths and checksum put
        right."""
        head = bytearray(self.frame[:self.at])
        udp = self.at - 8
        struct.pack_into("!H", head, udp + 4, 8 + len(payload))
        struct.pack_into("!H", head, udp + 6, 0)
        if head[self.ip] >> 4 == 6:
            struct.pack_into("!H", head, self.ip + 4, 8 + len(payload))
            pseudo = head[self.ip + 8:self.ip + 40] + struct.pack("!IHH", 8 + len(payload), 0, 17)
            total = checksum(bytes(pseudo) + bytes(head[udp:]) + payload) or 0xffff
            struct.pack_into("!H", head, udp + 6, total)
        else:
            struct.pack_into("!H", head, self.ip + 2, 28 + len(payload))
            struct.pack_into("!H", head, self.ip + 10, 0)
            struct.pack_into("!H", head, self.ip + 10, checksum(bytes(head[self.ip:udp])))
        if mac:
            head[6:12] = mac
        return bytes(head) + payload


def device(name, flags):
    """A TUN or TAP device of this process."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags | IFF_NO_PI))
    return descriptor


class Line:
    """One place where datagrams are taken: `send` puts a frame back on its way."""

    def __init__(self, descriptor, send, way, link_header):
        self.descriptor = descriptor
        self.send = send
        self.way = way
        self.link_header = link_header


class Interceptor:
    """All lines of a world. `hook(datagram)` returns the frames that go on; it may also keep one
    for later and use `send`. Everything seen is in `seen`."""

    def __init__(self, world):
        self.world = world
        self.hook = lambda datagram: [datagram.frame]
        self.seen = []
        self.selector = selectors.DefaultSelector()
        self.lines = {}
        self.later = []         # [(when, line, frame)]
        self.undo = []          # [(netns, commands)]
        self.lock = threading.Lock()
        self.between_cores()
        for terminal in world.d.terminals.values():
            for satellite in terminal.links:
                self.on_link(terminal.name, satellite)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    # --- taking the places ------------------------------------------------------------------------

    def run(self, netns, *commands):
        """ip or tc commands."""
        for command in commands:
            program, *words = command.split()
            subprocess.run([program, "-n", netns, *words], check=True, capture_output=True)

    def add(self, line):
        """Listens there."""
        self.lines[line.descriptor] = line
        self.selector.register(line.descriptor, selectors.EVENT_READ, line)

    def between_cores(self):
        """The router in the middle."""
        netns = self.world.netns("inet")
        descriptor = inside(netns, lambda: device("tap-core", IFF_TUN))
        self.run(netns, "ip link set tap-core up")
        for family in ("", "-6 "):
            self.run(netns, f"ip {family}route add default dev tap-core table {TABLE}")
            for core in self.world.d.cores:
                self.run(netns, f"ip {family}rule add priority 100 iif to-{core} ipproto udp "
                                f"dport {CORE_PORT} lookup {TABLE}")
                self.undo.append((netns, [f"ip {family}rule del priority 100 iif to-{core}"]))
        self.add(Line(descriptor, lambda frame: os.write(descriptor, frame), None, 0))
        self.core_line = self.lines[descriptor]

    def on_link(self, terminal, satellite):
        """Both ends of a terminal's link."""
        for node, port, way in ((terminal, f"sat-{satellite}", "up"),
                                (satellite, f"t-{terminal}", "down")):
            netns, tap = self.world.netns(node), f"tap-{len(self.lines)}"
            descriptor = inside(netns, lambda name=tap: device(name, IFF_TAP))
            sender = inside(netns, lambda p=port: self.packet_socket(p))
            self.run(netns, f"ip link set {tap} addrgenmode none up",
                     f"tc qdisc replace dev {port} clsact",
                     f"tc filter add dev {port} egress protocol ipv6 prio 1 u32 "
                     f"match u8 17 0xff at 6 match u16 {ACCESS_PORT} 0xffff at 42 "
                     f"action mirred egress redirect dev {tap}")
            self.undo.append((netns, [f"tc filter del dev {port} egress prio 1"]))
            self.add(Line(descriptor, sender.send, f"{terminal} {way}", 14))

    @staticmethod
    def packet_socket(port):
        """Sends frames out of an interface, past its filters."""
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind((port, 0))
        sock.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        return sock

    # --- at work ----------------------------------------------------------------------------------

    def core_way(self, frame):
        """Which core sends to which."""
        names = {}
        for core in self.world.d.cores.values():
            names[socket.inet_pton(socket.AF_INET, core.underlay4)] = core.name
            names[socket.inet_pton(socket.AF_INET6, core.underlay6)] = core.name
        if frame[0] >> 4 == 6:
            ends = frame[8:24], frame[24:40]
        else:
            ends = frame[12:16], frame[16:20]
        return " -> ".join(names.get(end, "?") for end in ends)

    def pass_on(self, line, frame):
        """Back on its way; a link that is down loses it."""
        try:
            line.send(frame)
        except OSError:
            pass

    def serve(self):
        """The thread."""
        while not self.stopping.is_set():
            with self.lock:
                due = min((entry[0] for entry in self.later), default=time.monotonic() + 0.1)
            for key, _ in self.selector.select(max(0, due - time.monotonic())):
                self.take(key.data)
            with self.lock:
                ready = [e for e in self.later if e[0] <= time.monotonic()]
                self.later = [e for e in self.later if e not in ready]
            for _, line, frame in ready:
                self.pass_on(line, frame)

    def take(self, line):
        """One frame."""
        try:
            frame = os.read(line.descriptor, 4096)
        except OSError:
            return
        if len(frame) < line.link_header + 48:
            return
        way = line.way or (self.core_way(frame) if frame[0] >> 4 in (4, 6) else "?")
        if "?" in way:
            return
        datagram = Datagram(way, frame, line.link_header)
        datagram.line = line
        self.seen.append(datagram)
        for out in self.hook(datagram):
            self.pass_on(line, out)

    def delay(self, datagram, seconds):
        """Sends a datagram on later."""
        with self.lock:
            self.later.append((time.monotonic() + seconds, datagram.line, datagram.frame))

    def close(self):
        """Everything takes its own way again."""
        for netns, commands in self.undo:
            self.run(netns, *commands)
        self.stopping.set()
        self.thread.join(2)
        for descriptor in self.lines:
            os.close(descriptor)
        self.selector.close()


def is_signalling(datagram):
    """What belongs to a handover; not advertisements, and not the upkeep of channels."""
    return datagram.type not in ("core advertisement", "handshake initiation",
                                 "handshake response")
