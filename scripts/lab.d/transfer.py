#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One TCP connection that carries random bytes both ways at a steady rate and proves them.

    transfer.py serve ADDRESS PORT RATE
    transfer.py connect ADDRESS PORT RATE

Each end sends RATE bits per second and digests what it sends and what it receives. SIGTERM at the
connecting end ends the transfer: both directions are finished and closed in order, and each end
prints one JSON object. The connection is never reopened, so equal digests at both ends prove that
one TCP session has lived through whatever happened in between. `arrived` in the report counts the
bytes that came in each hundredth of a second since `start_us` of CLOCK_MONOTONIC.
"""

import hashlib
import json
import os
import select
import signal
import socket
import sys
import time

TICK = 0.04
BUCKET = 0.01           # seconds in which arrivals are counted together
FINISH_SECONDS = 15


class End:
    """One end of the connection."""

    def __init__(self, connection, rate):
        self.connection = connection
        self.chunk = max(1, round(rate / 8 * TICK))
        self.pending = b""
        self.sent = hashlib.sha256()
        self.received = hashlib.sha256()
        self.bytes_sent = self.bytes_received = 0
        self.start = self.quiet_since = time.monotonic()
        self.arrived = []
        self.longest_pause = 0.0
        self.peer_done = self.shut = False

    def fill(self):
        """The next portion of random bytes, once the one before has left."""
        if not self.pending:
            self.pending = os.urandom(self.chunk)

    def write(self):
        """Sends what the connection takes."""
        try:
            done = self.connection.send(self.pending)
        except BlockingIOError:
            return
        self.sent.update(self.pending[:done])
        self.bytes_sent += done
        self.pending = self.pending[done:]

    def read(self):
        """Takes what has arrived and notes how long nothing did."""
        data = self.connection.recv(1 << 16)
        now = time.monotonic()
        if not data:
            self.peer_done = True
            return
        self.longest_pause = max(self.longest_pause, now - self.quiet_since)
        self.quiet_since = now
        self.received.update(data)
        self.bytes_received += len(data)
        bucket = int((now - self.start) / BUCKET)
        self.arrived += [0] * (bucket + 1 - len(self.arrived))
        self.arrived[bucket] += len(data)

    def serve(self, ending):
        """Sends and receives until ending() (or the peer's end), then finishes both directions."""
        self.connection.setblocking(False)
        due = time.monotonic()
        deadline = None
        while not (self.peer_done and self.shut):
            finishing = ending() or self.peer_done
            now = time.monotonic()
            if finishing:
                deadline = deadline or now + FINISH_SECONDS
                if now > deadline:
                    raise TimeoutError(f"the peer did not finish within {FINISH_SECONDS} s")
                if not self.pending and not self.shut:
                    self.connection.shutdown(socket.SHUT_WR)
                    self.shut = True
            elif now >= due:
                self.fill()
                due += TICK
            writing = [self.connection] if self.pending else []
            reading = [] if self.peer_done else [self.connection]
            wait = TICK if finishing else max(0, min(TICK, due - now))
            ready, writable, _ = select.select(reading, writing, [], wait)
            if ready:
                self.read()
            if writable:
                self.write()

    def report(self, error=None):
        """What happened at this end."""
        local = self.connection.getsockname()
        retransmitted = self.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[100:104]
        return {"local": f"{local[0]} port {local[1]}", "sent": self.bytes_sent,
                "sent_sha256": self.sent.hexdigest(), "received": self.bytes_received,
                "received_sha256": self.received.hexdigest(),
                "longest_pause_ms": round(self.longest_pause * 1000, 1),
                "start_us": round(self.start * 1000000), "bucket_us": round(BUCKET * 1000000),
                "arrived": self.arrived,
                "retransmitted": int.from_bytes(retransmitted, sys.byteorder),
                "error": str(error) if error else None}


def main(verb, address, port, rate):
    """Runs one end."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    signal.signal(signal.SIGINT, lambda *_: stopping.append(True))
    if verb == "serve":
        with socket.create_server((address, int(port)), family=family) as listener:
            connection, _ = listener.accept()
    else:
        connection = socket.create_connection((address, int(port)), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end = End(connection, int(rate))
    error = None
    try:
        end.serve(lambda: bool(stopping) and verb == "connect")
    except OSError as problem:
        error = problem
    print(json.dumps(end.report(error)), flush=True)
    return 1 if error else 0


if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[1] not in ("serve", "connect"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
