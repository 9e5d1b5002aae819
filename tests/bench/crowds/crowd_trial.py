# SPDX-License-Identifier: GPL-2.0-or-later
"""One crowd, one change of its satellite's core, and what that cost.

Times in the result are milliseconds, counted from the instant at which the satellite was to serve
the other core, unless the name says otherwise.
"""

import csv
import json
import os
import re
import signal
import statistics
import subprocess
import time

from crowd_lab import CORES, CrowdLab, wall_us
from system import LabError

LEAD_S = 2                      # handover.lead of the cores: their default
NOTICE_S = LEAD_S + 1           # they are told when the schedule has changed
EARLY_S = 0.5                   # before the change all has been prepared
RATE_MAX = 20000                # packets a second, all terminals together
RATE_EACH = 100
DRAIN_S = 2


class Trial:
    """Plays it and keeps what was measured in `result`."""

    def __init__(self, count, mode, way=("s", "t"), trace=False, evidence=None, rate=None,
                 **options):
        """The satellite goes from one of the cores to another: `way`. `trace` counts system calls instead, which makes them so slow that no time is worth
        anything. `evidence` is a folder for the logs of a run with faults. `rate` is that of
        packets, a second."""
        self.count, self.mode, self.way, self.trace = count, mode, way, trace
        self.evidence, self.options = evidence, options
        self.rate = rate or min(RATE_MAX, RATE_EACH * count)
        self.change = 0
        self.result = {"terminals": count, "mode": mode, "way": "-".join(way)}

    def play(self):
        """The whole of it."""
        with CrowdLab(self.count, self.mode, self.way, **self.options) as lab:
            try:
                self.result["registration_s"] = round(lab.register(), 3)
                self.move(lab)
            except LabError as error:
                self.result["error"] = str(error)
            if self.evidence and faults(self.result):
                lab.keep(self.evidence)
        self.result["left"] = lab.left
        return self.result

    def move(self, lab):
        """Packets on, the satellite changes its core, packets off."""
        sender = lab.send(self.rate)
        self.before(lab)
        lab.terminals.ask("arm", f"{self.way[1]}.example")
        costs = [lab.cost()]
        self.change = (wall_us() // 1000 + NOTICE_S * 1000 + self.count // 5) * 1000
        tracers = self.start_tracing(lab)
        lab.announce(self.change)
        self.sleep_until(-EARLY_S)
        costs.append(lab.cost())
        answer = lab.terminals.ask("wait", 10 + self.count // 100)
        # The last one has been released by then, and its old core drains for so long.
        self.sleep_until(DRAIN_S + 2, (answer["ended"] - self.change) / 1e6 + DRAIN_S + 1)
        costs.append(lab.cost())
        sender.send_signal(signal.SIGTERM)
        sent = json.loads(sender.communicate(timeout=10)[0])
        time.sleep(0.2)
        paths = [os.path.join(lab.state.dir, name) for name in ("terminals.csv", "downlink.csv")]
        answer = lab.terminals.ask("write", *paths)
        self.note_answer(answer)
        self.note_terminals(paths[0], answer["heard"])
        self.note_packets(paths[1], sent)
        self.note_costs(costs)
        self.note_calls(tracers)
        self.result["faults"] = lab.faults()

    def before(self, lab):
        """What is to happen when packets are on, before the change is known. For tests."""

    def sleep_until(self, *seconds):
        """Until the latest of these moments after the change."""
        wait = max(seconds) + (self.change - wall_us()) / 1e6
        if wait > 0:
            time.sleep(wait)

    def start_tracing(self, lab):
        """Has the system calls of the cores' daemons written down, if wanted."""
        return [Tracer(lab, core) for core in CORES] if self.trace else []

    # --- what was measured ------------------------------------------------------------------------

    def ms(self, moment):
        """A moment as milliseconds after the change."""
        return (moment - self.change) / 1000

    def note_answer(self, answer):
        """What the crowd says of itself."""
        if not answer["heard"]:
            raise LabError(f"core {self.way[1]} was not heard on the satellite")
        self.result.update({key: answer[key] for key in ("registered", "told", "strange", "unsent",
                                                         "overflow", "misled")})
        self.result["heard"] = self.ms(answer["heard"])

    def note_terminals(self, path, heard):
        """Registrations."""
        with open(path, encoding="ascii") as file:
            rows = list(csv.reader(file))
        served = [int(row[2]) for row in rows if row[2] != "0" and row[6] == f"{self.way[1]}.example"]
        self.result.update({
            "served": spread([self.ms(moment) for moment in served]),
            "served_after_heard": spread([(moment - heard) / 1000 for moment in served]),
            "served_after_sent": spread([(int(row[2]) - int(row[1])) / 1000 for row in rows
                                         if row[2] != "0"]),
            "sending": (max(int(row[1]) for row in rows) - heard) / 1000,
            "repeated": sum(int(row[3]) for row in rows) - len(rows),
            "refused": sum(int(row[4]) for row in rows),
            "released": sum(int(row[5]) for row in rows),
            "made": count_each(row[7] for row in rows if row[2] != "0")})

    def note_packets(self, path, sent):
        """Users' packets from the server to the terminals."""
        with open(path, encoding="ascii") as file:
            rows = [tuple(int(field) for field in row) for row in csv.reader(file)]
        seen, highest, last, pauses = set(), {}, {}, {}
        reordered = duplicated = 0
        for terminal, number, _, arrived in rows:
            duplicated += (terminal, number) in seen
            seen.add((terminal, number))
            reordered += number < highest.get(terminal, 0)
            highest[terminal] = max(number, highest.get(terminal, 0))
            pause = arrived - last.get(terminal, arrived)
            last[terminal] = arrived
            pauses[terminal] = max(pause, pauses.get(terminal, 0))
        delays = [(arrived - at) / 1000 for _, _, at, arrived in rows]
        self.result.update({
            "packets": {"sent": sent["sent"], "lost": sent["sent"] - len(seen),
                        "reordered": reordered, "duplicated": duplicated,
                        "sender_late_ms": sent["latest_us"] / 1000,
                        "each_ms": 1000 * self.count / self.rate},
            "pause": spread([pause / 1000 for pause in pauses.values()]),
            "delay": spread(delays)})

    def note_costs(self, costs):
        """Datagrams between the cores and CPU time, of all and of each terminal."""
        for name, before, after in (("preparing", *costs[:2]), ("changing", *costs[1:])):
            self.result[name] = {core: {
                "datagrams": after[core]["datagrams"] - before[core]["datagrams"],
                "cpu_ms": round(1000 * (after[core]["cpu_s"] - before[core]["cpu_s"]))}
                for core in CORES}

    def note_calls(self, tracers):
        """Sends by kind of socket, and when."""
        for tracer in tracers:
            early, late = tracer.finish((self.change - EARLY_S * 1e6) / 1e6)
            self.result["preparing"][tracer.core]["sends"] = early
            self.result["changing"][tracer.core]["sends"] = late


class Tracer:
    """strace of a core's daemon."""

    def __init__(self, lab, core):
        self.core = core
        pid = lab.daemons.processes[core].pid
        self.sockets = sockets(pid)
        self.path = os.path.join(lab.state.dir, f"{core}.strace")
        self.process = subprocess.Popen(        # pylint: disable=consider-using-with
            ["strace", "-q", "-ttt", "-s", "0", "-e", "trace=sendto,sendmsg", "-o", self.path,
             "-p", str(pid)])

    def finish(self, moment):
        """Ends it: how many were sent through each kind of socket, before and after a moment."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        with open(self.path, encoding="ascii", errors="replace") as file:
            calls = re.findall(r"^([0-9.]+) send\w+\((\d+)", file.read(), re.MULTILINE)
        kinds = [(float(at), self.sockets.get(fd, "other")) for at, fd in calls]
        return (count_each(kind for at, kind in kinds if at < moment),
                count_each(kind for at, kind in kinds if at >= moment))


def sockets(pid):
    """Descriptor -> kind of socket, of a process."""
    kinds, found = {}, {}
    for kind, column in (("netlink", 9), ("packet", 8), ("udp", 9)):
        with open(f"/proc/{pid}/net/{kind}", encoding="ascii") as file:
            kinds.update((line.split()[column], kind) for line in file.readlines()[1:])
    for fd in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{fd}")
        if target.startswith("socket:["):
            found[fd] = kinds.get(target[8:-1], "other")
    return found


def faults(result):
    """What of a run is not as it should be, a line each."""
    found = [result["error"]] if "error" in result else []
    if "faults" in result:
        missing = result["terminals"] - result["registered"]
        found += [f"{missing} terminals are not registered"] if missing else []
        found += result["faults"]
        found += [f"{result['misled']} packets came to another terminal"] if result["misled"] else []
    return found + result.get("left", [])


def spread(values):
    """Least, median, 99th of 100, most, of milliseconds; None without any."""
    if not values:
        return None
    values = sorted(values)
    return {"count": len(values), "min": round(values[0], 3),
            "median": round(statistics.median(values), 3),
            "p99": round(values[(len(values) * 99 - 1) // 100], 3), "max": round(values[-1], 3)}


def count_each(words):
    """How often each word is there."""
    found = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return found
