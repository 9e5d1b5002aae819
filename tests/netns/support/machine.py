# SPDX-License-Identifier: GPL-2.0-or-later
"""How well the machine keeps time, for what only a machine that does can show.

A host may take a virtual machine's processors away for half a second. What a test finds about
milliseconds then is about the host. So the measurement is made again, and only that one is judged
during which the machine stood still no longer than the test allows for.

    wrong = judged(measure, 0.1)        measure() returns what it found amiss, or nothing

What takes a second is told by a clock that stops whenever the machine does.

    with Machine() as machine:
        begin = machine.clock()
        ...
        took = machine.clock() - begin
"""

import mmap
import os
import signal
import struct
import time

from tap import KERNEL, note

TICK = 0.002 if KERNEL == "host" else 0.01
# What a process tells: when it wants to wake up next; how long it was late at the most, and all in all.
STATE = struct.Struct("ddd")


class Machine:
    """A process on each processor that wants to wake up every TICK, and remembers how late it was."""

    def __enter__(self):
        self.parent = os.getpid()
        self.shared = mmap.mmap(-1, mmap.PAGESIZE)
        self.pids, self.ended = [], None
        for number, cpu in enumerate(sorted(os.sched_getaffinity(0))):
            STATE.pack_into(self.shared, number * STATE.size, time.monotonic() + TICK, 0, 0)
            self.pids.append(os.fork())
            if self.pids[-1] == 0:
                self.watch(number * STATE.size, cpu)
        return self

    def __exit__(self, *_):
        self.ended = time.monotonic()
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def lateness(self, now):
        """[(the longest, all in all)], seconds for each processor, with that which has no end yet."""
        states = [STATE.unpack_from(self.shared, n * STATE.size) for n in range(len(self.pids))]
        return [(max(worst, now - due), total + counted(now - due)) for due, worst, total in states]

    @property
    def worst(self):
        """Seconds, of the longest time that a processor stood still."""
        return max(worst for worst, _ in self.lateness(self.ended or time.monotonic()))

    @property
    def stood(self):
        """Seconds that processors stood still, all of them together: what goes from one process to the
        next may have been held up by each in turn."""
        return sum(total for _, total in self.lateness(self.ended or time.monotonic()))

    def clock(self):
        """Seconds, of a clock that stops whenever a processor does; it goes back when several do."""
        return time.monotonic() - self.stood

    def watch(self, offset, cpu):
        """The process."""
        os.sched_setaffinity(0, {cpu})
        worst = total = 0
        while os.getppid() == self.parent:
            due = time.monotonic() + TICK
            STATE.pack_into(self.shared, offset, due, worst, total)
            time.sleep(TICK)
            late = time.monotonic() - due
            worst = max(worst, late)
            total += counted(late)
        os._exit(0)


def counted(late):
    """Seconds by which a process was late, but for what it is late by on any machine."""
    return late if late > TICK else 0


def judged(measure, allowed, times=3):
    """What measure() finds amiss: the first time that it finds nothing, or that the machine stood still
    no longer than `allowed` seconds; the last time otherwise."""
    for turn in range(1, times + 1):
        with Machine() as machine:
            wrong = measure()
        if not wrong or machine.worst <= allowed:
            break
        note(f"turn {turn}: the machine stood still for {machine.worst * 1000:.0f} ms: {wrong}")
    return wrong
