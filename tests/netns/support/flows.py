# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic that has to live through a test: echo requests at a steady pace, and TCP connections
whose every byte is compared. One thread serves all of them."""

import os
import socket
import struct
import threading
import time

from tap import KERNEL, PATIENCE, SLOW    # first: it shows the way to modules of the lab
from netns import inside

TICK = 0.01 if KERNEL == "host" else 0.025      # a virtual CPU has enough to do
OVERTAKEN = 2
PATTERN = os.urandom(1 << 16) * 2
ICMP_FILTER, ICMP6_FILTER = 1, 1
SOL_RAW = 255
ECHO = {4: (8, 0), 6: (128, 129)}


def family_of(address):
    """4 or 6."""
    return 6 if ":" in address else 4


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Ping:
    """Echo requests from an address inside a namespace, one each tick."""

    def __init__(self, name, netns, source, target):
        self.name = name
        self.family = family_of(target)
        self.target = (target, 0)
        self.sent = []          # when each was sent
        self.answered = {}      # number -> when its answer came
        self.ident = struct.unpack("!H", os.urandom(2))[0]
        self.socket = inside(netns, lambda: self.open(source))

    def open(self, source):
        """A raw socket that sees answers only."""
        kind, protocol = ((socket.AF_INET, socket.IPPROTO_ICMP) if self.family == 4
                          else (socket.AF_INET6, socket.IPPROTO_ICMPV6))
        sock = socket.socket(kind, socket.SOCK_RAW, protocol)
        if self.family == 4:
            sock.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", 0xffffffff ^ 1))
        else:
            passes = [0xffffffff] * 8
            passes[129 >> 5] ^= 1 << (129 & 31)
            sock.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("8I", *passes))
        sock.bind((source, 0))
        sock.setblocking(False)
        return sock

    def tick(self, now):
        """One request; whatever has been answered."""
        head = struct.pack("!BBHHH", ECHO[self.family][0], 0, 0, self.ident, 0)
        body = struct.pack("!I", len(self.sent)) + b"sno test"
        if self.family == 4:
            head = head[:2] + struct.pack("!H", checksum(head + body)) + head[4:]
        self.sent.append(now)
        try:
            self.socket.sendto(head + body, self.target)
        except OSError:
            pass                # no route or no carrier: a lost packet
        self.read(now)

    def read(self, now):
        """Takes the answers."""
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            except OSError:
                continue        # an ICMP error on its way to this socket
            data = data[20:] if self.family == 4 else data
            if len(data) >= 12 and struct.unpack_from("!H", data, 4)[0] == self.ident:
                self.answered.setdefault(struct.unpack_from("!I", data, 8)[0], now)

    def lost(self, begin, end):
        """How many requests sent in [begin, end) were not answered."""
        return sum(begin <= when < end and n not in self.answered
                   for n, when in enumerate(self.sent))

    def alive(self, since):
        """True when a request that was sent after a moment has been answered."""
        for n in range(len(self.sent) - 1, -1, -1):
            if self.sent[n] < since:
                return False
            if n in self.answered:
                return True
        return False

    def close(self):
        """Ends it."""
        self.socket.close()


class Tcp:
    """One TCP connection that carries a known pattern both ways."""

    def __init__(self, name, netns, source, server_netns, target, port):
        self.name = name
        kind = socket.AF_INET if family_of(target) == 4 else socket.AF_INET6
        listener = inside(server_netns,
                          lambda: socket.create_server((target, port), family=kind))
        client = inside(netns, lambda: socket.socket(kind, socket.SOCK_STREAM))
        client.bind((source, 0))
        client.settimeout(5)
        client.connect((target, port))
        server, _ = listener.accept()
        listener.close()
        self.ends = [client, server]
        self.sent, self.received = [0, 0], [0, 0]
        self.error = None
        for end in self.ends:
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def tick(self, _now):
        """Some more bytes each way; what has arrived must be what was sent."""
        if self.error:
            return
        for i, end in enumerate(self.ends):
            try:
                offset = self.sent[i] % (1 << 16)
                self.sent[i] += end.send(PATTERN[offset:offset + 100])
            except BlockingIOError:
                pass
            except OSError as error:
                self.error = f"end {i}: {error}"
            self.read(i, end)

    def read(self, i, end):
        """Compares what has arrived at an end."""
        while not self.error:
            try:
                data = end.recv(1 << 15)
            except BlockingIOError:
                return
            except OSError as error:
                self.error = f"end {i}: {error}"
                return
            offset = self.received[i] % (1 << 16)
            if not data:
                self.error = f"end {i}: closed"
            elif data != PATTERN[offset:offset + len(data)]:
                self.error = f"end {i}: other bytes than were sent, at {self.received[i]}"
            self.received[i] += len(data)

    def caught_up(self, marks):
        """True when all that was sent up to these offsets has arrived."""
        return self.received[1] >= marks[0] and self.received[0] >= marks[1]

    def close(self):
        """Ends it."""
        for end in self.ends:
            end.close()


class Flows:
    """All traffic of a test."""

    def __init__(self):
        self.flows = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def add(self, flow):
        """One more flow."""
        with self.lock:
            self.flows.append(flow)
        return flow

    def remove(self, flow):
        """Ends one."""
        with self.lock:
            self.flows.remove(flow)
        flow.close()

    def serve(self):
        """The thread: every flow once a tick; late ticks are not made up for."""
        due = time.monotonic()
        while not self.stopping.is_set():
            with self.lock:
                for flow in self.flows:
                    flow.tick(time.monotonic())
            due = max(due + TICK, time.monotonic() - TICK)
            time.sleep(max(0.001, due - time.monotonic()))

    def pings(self):
        """The echo flows."""
        return [flow for flow in self.flows if isinstance(flow, Ping)]

    def tcps(self):
        """The TCP flows."""
        return [flow for flow in self.flows if isinstance(flow, Tcp)]

    def dead(self, seconds, but=None):
        """Names of flows through which nothing sent from now on passes, though PATIENCE times some seconds
        go by; those of a node may be left out. When a connection tries again is decided by its own
        timer, which doubles with each attempt that was in vain before."""
        since = time.monotonic()
        pings = [f for f in self.pings() if f.name.split()[0] != but]
        marks = {f: list(f.sent) for f in self.tcps() if f.name.split()[0] != but}
        while True:
            waited = time.monotonic() - since
            silent = [f.name for f in pings if not f.alive(since)]
            still = [f"{f.name} {f.error or 'stands still'}" for f, sent in marks.items()
                     if f.error or not f.caught_up(sent)]
            if not silent + still or waited > PATIENCE * seconds:
                return silent + still
            time.sleep(TICK)

    def lost(self, begin, end, but=()):
        """{name: number of lost requests} between two moments, of those flows that lost any, but for those
        whose names begin so.

        An answer is lost when that to a later request has come and it does not follow in OVERTAKEN seconds: on
        a busy machine it may come late, later still may our thread get to read it, and the processor in
        whose queue a packet is may stand still while others go on.
        """
        flows = [f for f in self.pings() if not f.name.startswith(but)]
        deadline = end + PATIENCE * 5 * SLOW
        while not all(f.alive(end) for f in flows) and time.monotonic() < deadline:
            time.sleep(TICK)
        time.sleep(max(0, end + 0.3 - time.monotonic()))
        deadline = time.monotonic() + OVERTAKEN
        while any(f.lost(begin, end) for f in flows) and time.monotonic() < deadline:
            time.sleep(TICK)
        return {f.name: f.lost(begin, end) for f in flows if f.lost(begin, end)}

    def close(self):
        """Ends all."""
        self.stopping.set()
        self.thread.join(5)
        for flow in self.flows:
            flow.close()
        self.flows.clear()
