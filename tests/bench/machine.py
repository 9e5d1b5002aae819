# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine on which something is measured: watched, and kept awake where that helps.

A virtual machine's CPU may be taken away for milliseconds where others use the same hardware. That is
noted: a watcher on each CPU, before which nothing of this machine goes, wants to wake every millisecond
and writes down when it was late. What was measured during such a stall tells of the hypervisor, not of
what was measured; and the watchers know nothing of the results.

A CPU that sleeps is woken by the hypervisor, and some take as long for that. Against it every CPU may be
given something to do that gives way to everything else (SCHED_IDLE). But where two CPUs share a core, or
a machine has only so much of its host's time, that slows down what is measured.
"""

import ctypes
import gc
import os
import signal
import time

PERIOD = 0.001          # s
LATE = 0.001            # s; what is less is no stall
URGENCY = 40            # of a watcher: above guests of user-mode Linux (scripts/uml)
PR_SET_PDEATHSIG = 1


class Machine:
    """with Machine(folder) as machine: ...; machine.stall(begin, end). Times are of CLOCK_REALTIME, in
    seconds; user-mode Linux takes it from its host. Without the right to real-time priorities nothing is
    watched, and `watched` is false."""

    def __init__(self, folder):
        self.folder = folder
        self.awake = os.environ.get("BENCH_AWAKE", "no") == "yes"
        self.cpus = sorted(os.sched_getaffinity(0))
        self.children = []
        self.watched = True

    def __enter__(self):
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(URGENCY))
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        except PermissionError:
            self.watched = False
        for cpu in self.cpus:
            if self.awake:
                self.children.append(child(cpu, os.SCHED_IDLE, 0, spin))
            if self.watched:
                self.children.append(child(cpu, os.SCHED_FIFO, URGENCY,
                                           lambda c=cpu: watch(self.log(c))))
        return self

    def __exit__(self, *_):
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def log(self, cpu):
        """Where the watcher of a CPU writes."""
        return os.path.join(self.folder, f"stalls-{cpu}")

    def stall(self, begin, end):
        """The longest stall of any CPU that overlaps with a span of time, in seconds."""
        longest = 0
        for cpu in self.cpus if self.watched else ():
            with open(self.log(cpu), encoding="ascii") as file:
                for line in file:
                    when, late = map(float, line.split())
                    if when - late < end and when > begin:
                        longest = max(longest, late)
        return longest


def child(cpu, policy, priority, body):
    """A process on one CPU that ends with this one."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            os.sched_setaffinity(0, [cpu])
            os.sched_setscheduler(0, policy, os.sched_param(priority))
            body()
    finally:
        os._exit(1)


def spin():
    """Keeps a CPU awake."""
    while True:
        pass


def watch(path):
    """Writes a line for each stall: when it was over, and how long it was."""
    gc.disable()
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    due = time.monotonic() + PERIOD
    while True:
        time.sleep(max(0, due - time.monotonic()))
        now = time.monotonic()
        if now - due > LATE:
            os.write(out, f"{time.time():.6f} {now - due:.6f}\n".encode("ascii"))
        due = now + PERIOD
