# SPDX-License-Identifier: GPL-2.0-or-later
"""The traffic of a lab: probe streams and proven TCP transfers between the server and terminals."""

import json
import os
import signal
import sys

from daemons import program
from measure import Series
from system import LabError, wait_until

SERVER = {4: "203.0.113.2", 6: "2001:db8:f1::2"}
PORT_DOWN, PORT_UP, PORT_TCP = 6000, 7000, 8000
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


class StreamRun:
    """A stream while it runs: up to two senders and two receivers."""

    def __init__(self, lab, stream, number):
        self.lab = lab
        self.stream = stream
        self.number = number
        self.senders = {}
        self.receivers = {}

    def file(self, way, what):
        """A file of this stream."""
        return os.path.join(self.lab.state.dir, f"stream{self.number}-{way}.{what}")

    def ways(self):
        """(way, sending node, receiving node, destination address, port) of each direction."""
        node, family = self.stream.node, self.stream.family
        address = self.lab.d.addresses(node)[family]
        if self.stream.down:
            yield "down", self.lab.d.server, node, address, PORT_DOWN + self.number
        if self.stream.up:
            yield "up", node, self.lab.d.server, SERVER[family], PORT_UP + self.number

    def start(self):
        """Receivers first, then senders."""
        tool = program("tests/bench/stream")
        for way, _, receiver, _, port in self.ways():
            self.receivers[way] = self.lab.process(
                receiver, [tool, "receive", "-o", self.file(way, "log"), str(port)],
                f"stream{self.number}", self.file(way, "received"))
        for way, _, _, _, _ in self.ways():
            wait_until(lambda w=way: os.path.exists(self.file(w, "log")), 10, "stream receiver")
        for way, sender, _, address, port in self.ways():
            command = [tool, "send", "-i", str(self.stream.interval), "-s", str(self.stream.size),
                       address, str(port)]
            self.senders[way] = self.lab.process(sender, command, f"stream{self.number}",
                                                 self.file(way, "sent"))

    def stop_sending(self):
        """Ends the senders; what is on its way may still arrive."""
        for process in self.senders.values():
            process.stop(signal.SIGTERM)

    def stop(self):
        """Ends the receivers."""
        for process in self.receivers.values():
            process.stop(signal.SIGTERM)

    def series(self):
        """Way -> Series, read from the logs."""
        found = {}
        for way, _, _, _, _ in self.ways():
            with open(self.file(way, "sent"), encoding="utf-8") as file:
                text = file.read()
            if not text:
                raise LabError(f"stream of {self.stream.node} {way}: the sender failed:\n"
                               f"{self.senders[way].tail()}")
            found[way] = Series.read(self.file(way, "log"), json.loads(text))
        return found


class TransferRun:
    """A TCP transfer while it runs."""

    def __init__(self, lab, transfer, number):
        self.lab = lab
        self.transfer = transfer
        self.number = number
        self.ends = {}

    def file(self, verb):
        """Where an end prints its report."""
        return os.path.join(self.lab.state.dir, f"transfer{self.number}-{verb}.json")

    def start(self):
        """The server's end, then the terminal's."""
        family, port = self.transfer.family, PORT_TCP + self.number
        script = os.path.join(os.path.dirname(os.path.realpath(__file__)), "transfer.py")
        for verb, node in (("serve", self.lab.d.server), ("connect", self.transfer.node)):
            self.ends[verb] = self.lab.process(
                node, [PYTHON, "-B", script, verb, SERVER[family], str(port),
                       str(self.transfer.rate)], f"transfer{self.number}", self.file(verb))
            if verb == "serve":
                wait_until(lambda: self.listening(port), 10, "transfer server")

    def listening(self, port):
        """True once the server's end accepts connections."""
        if not self.ends["serve"].running():
            raise LabError(f"transfer server:\n{self.ends['serve'].tail()}")
        text = self.lab.exec(self.lab.d.server, ["ss", "-Hltn", f"sport = :{port}"])
        return str(port) in text

    def stop(self):
        """Lets both ends finish and report."""
        self.ends["connect"].stop(signal.SIGTERM, 20)
        self.ends["serve"].stop(signal.SIGCONT, 20)

    def result(self):
        """What was transferred, and whether every byte arrived as it was sent."""
        reports = {}
        for verb in ("serve", "connect"):
            with open(self.file(verb), encoding="utf-8") as file:
                text = file.read()
            reports[verb] = json.loads(text) if text else {
                "error": self.ends[verb].tail(1).strip() or "no report"}
        client, server = reports["connect"], reports["serve"]
        error = client["error"] or server["error"]
        intact = not error and all(
            a[f"sent{x}"] == b[f"received{x}"] for x in ("", "_sha256")
            for a, b in ((client, server), (server, client)))
        return {"node": self.transfer.node, "family": self.transfer.family,
                "bytes": 0 if error else client["sent"] + client["received"],
                "intact": intact, "error": error, "client": client, "server": server}


class Traffic:
    """All of a lab's traffic."""

    def __init__(self, lab):
        self.streams = [StreamRun(lab, s, i) for i, s in enumerate(lab.d.streams)]
        self.transfers = [TransferRun(lab, t, i) for i, t in enumerate(lab.d.transfers)]

    def start(self):
        """Everything at once; Process objects are kept for the end."""
        for item in [*self.transfers, *self.streams]:
            item.start()

    def stop(self, settle):
        """Senders, then (after `settle()`) receivers."""
        for stream in self.streams:
            stream.stop_sending()
        for transfer in self.transfers:
            transfer.stop()
        settle()
        for stream in self.streams:
            stream.stop()

    def failed(self):
        """Messages about traffic that ended early."""
        return [f"{p.what}:\n{p.tail()}" for s in self.streams
                for p in [*s.senders.values(), *s.receivers.values()]
                if p.popen.poll() not in (None, 0)]
