# SPDX-License-Identifier: GPL-2.0-or-later
"""The traffic of a lab: probe streams and proven TCP transfers between the server and terminals."""

import json
import os
import signal
import sys

from measure import Series
from system import LabError, program, wait_until

SERVER = {4: "203.0.113.2", 6: "2001:db8:f1::2"}
DENSE_BEFORE, DENSE_AFTER = 300000, 1200000     # us around a move of the script
PORT_DOWN, PORT_UP, PORT_TCP = 6000, 7000, 8000
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


class StreamRun:
    """A stream while it runs: a receiver for each direction; the sender is shared."""

    def __init__(self, lab, stream, number):
        self.lab = lab
        self.stream = stream
        self.number = number
        self.sender = None
        self.receivers = {}

    def log(self, way):
        """Where arrivals are logged."""
        return os.path.join(self.lab.state.dir, f"stream{self.number}-{way}.arrivals")

    def ways(self):
        """(way, sending node, receiving node, destination address, port) of each direction."""
        node, family = self.stream.node, self.stream.family
        address = self.lab.d.addresses(node)[family]
        if self.stream.down:
            yield "down", self.lab.d.server, node, address, PORT_DOWN + self.number
        if self.stream.up:
            yield "up", node, self.lab.d.server, SERVER[family], PORT_UP + self.number

    def sparse(self):
        """Away from moves every how-many-th packet is sent."""
        return max(1, self.stream.quiet // self.stream.interval)

    def windows(self, begin):
        """Numbers of packets around the moves of the terminal: [(from, to)]; none: always."""
        if self.sparse() == 1:
            return []
        terminal = self.lab.d.terminal_of(self.stream.node)
        offset = self.lab.begin_us - begin
        return [(max(0, offset + first - DENSE_BEFORE) // self.stream.interval,
                 (offset + last + DENSE_AFTER) // self.stream.interval)
                for first, last in self.lab.d.moves(terminal)]

    def targets(self, begin):
        """What the sender is told."""
        windows = ",".join(f"{first}-{last}" for first, last in self.windows(begin))
        return [f"{self.lab.topology.netns(node)}/{address}/{port}"
                + (f"@{windows}" if windows else "")
                for _, node, _, address, port in self.ways()]

    def receive(self):
        """Starts the receivers."""
        tool = program("tests/bench/stream")
        for way, _, node, _, port in self.ways():
            self.receivers[way] = self.lab.process(
                node, [tool, "receive", "-o", self.log(way), str(port)],
                f"stream{self.number}-{way}")
        for way in self.receivers:
            wait_until(lambda w=way: os.path.exists(self.log(w)), 60, "stream receiver")

    def stop(self):
        """Ends the receivers."""
        for process in self.receivers.values():
            process.stop(signal.SIGTERM)

    def series(self):
        """Way -> Series, read from the logs."""
        summary = self.sender.summary()
        summary.update({"sparse": self.sparse(), "windows": self.windows(summary["start_us"])})
        return {way: Series.read(self.log(way), summary) for way in self.receivers}


class Sender:
    """One process that sends all streams of the same pace."""

    def __init__(self, lab, number, runs):
        self.lab = lab
        self.runs = runs
        self.path = os.path.join(lab.state.dir, f"sender{number}.json")
        self.name = f"sender{number}"
        self.process = None
        for run in runs:
            run.sender = self

    def start(self, begin):
        """Begins to send at a moment of the monotonic clock."""
        first = self.runs[0].stream
        command = [program("tests/bench/stream"), "send", "-i", str(first.interval),
                   "-s", str(first.size), "-q", str(self.runs[0].sparse()), "-b", str(begin),
                   *(t for run in self.runs for t in run.targets(begin))]
        self.process = self.lab.process(self.lab.d.server, command, self.name, self.path)

    def summary(self):
        """What the sender printed at its end."""
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        if not text:
            raise LabError(f"the sender of the streams failed:\n{self.process.tail()}")
        return json.loads(text)


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
                wait_until(lambda: self.listening(port), 60, "transfer server")

    def listening(self, port, state="listening"):
        """True once the server's end accepts connections, or has one that is `established`."""
        if not self.ends["serve"].running():
            raise LabError(f"transfer server:\n{self.ends['serve'].tail()}")
        text = self.lab.exec(self.lab.d.server,
                             ["ss", "-Htn", "state", state, f"sport = :{port}"])
        return str(port) in text

    def wait_connected(self):
        """Both ends have started, which takes a slow CPU a while."""
        wait_until(lambda: self.listening(PORT_TCP + self.number, "established"), 60,
                   f"TCP connection of {self.transfer.node}", 0.1)

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
        paces = {}
        for run in self.streams:
            pace = (run.stream.interval, run.stream.quiet, run.stream.size)
            paces.setdefault(pace, []).append(run)
        self.senders = [Sender(lab, i, runs) for i, runs in enumerate(paces.values())]

    def prepare(self):
        """Receivers and transfers."""
        for run in self.streams:
            run.receive()
        for item in self.transfers:
            item.start()
        for item in self.transfers:
            item.wait_connected()

    def start(self, begin):
        """Packets from a moment of the monotonic clock."""
        for sender in self.senders:
            sender.start(begin)

    def stop(self, settle):
        """Senders, then (after `settle()`) receivers."""
        for sender in self.senders:
            sender.process.stop(signal.SIGTERM)
        for transfer in self.transfers:
            transfer.stop()
        settle()
        for run in self.streams:
            run.stop()

    def failed(self):
        """Messages about traffic that ended early."""
        processes = [s.process for s in self.senders]
        processes += [p for run in self.streams for p in run.receivers.values()]
        return [f"{p.what}:\n{p.tail()}" for p in processes if p.popen.poll() not in (None, 0)]
