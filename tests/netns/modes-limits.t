#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""What is held while a terminal is between two links is bounded: by packets, octets and time for one
terminal, and by packets for all together; the terminal's own hold likewise. What fits is delivered in
order, the rest is lost, no more and no less, and what was dropped is told.

Packets count and time stamps of packets, not our clock: whoever comes late to his work, a modem or a
core, makes the link gap longer, but of a gap the first packets fit as far as there is room, or the
last as far as they are young enough.

    t1 .. t5 of core a go to: b (packets), c (octets), d (time), e (in all, t4 and t5 at once), and t6,
    which may hold little itself, to f. The link gap is long enough for all limits to be reached.
"""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import SLOW, note                                                  # noqa: E402
from streams import Streams                                                 # noqa: E402
from system import now_us                                                   # noqa: E402
from world import World, main                                               # noqa: E402

INTERVAL = 5 * SLOW     # ms between packets
HELD = 20               # packets that the limits leave room for
GAP = 100               # packets' time of link gap, at least
OCTETS = 64 + 28        # of each packet
YOUNG = 1000 * HELD * INTERVAL      # us that a packet may wait where time is the limit
PATIENT = "disconnect_wait=5s"      # the target is prepared in any case
LAB = f"""
mode predictive
gap {GAP * INTERVAL}ms
associations known
advertise 200ms
log debug
core a drain=500ms prepare_wait=2s
core b drain=500ms prepare_wait=2s hold_packets={HELD}
core c drain=500ms prepare_wait=2s hold_octets={HELD * OCTETS}
core d drain=500ms prepare_wait=2s hold_time={HELD * INTERVAL}ms
core e drain=500ms prepare_wait=2s hold_packets={HELD} hold_total_packets={HELD}
core f drain=500ms prepare_wait=2s
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
satellite s4 core=d
satellite s5 core=e
satellite s6 core=f
terminal t1 home=a links=s1,s2 {PATIENT}
terminal t2 home=a links=s1,s3 {PATIENT}
terminal t3 home=a links=s1,s4 {PATIENT}
terminal t4 home=a links=s1,s5 {PATIENT}
terminal t5 home=a links=s1,s5 {PATIENT}
terminal t6 home=a links=s1,s6 {PATIENT} hold_packets={HELD}
""" + "".join(f"stream t{n} interval={INTERVAL}ms\n" for n in range(1, 7))
# Who goes, where, and which way is limited.
MOVES = (("packets", ("t1",), "s2", "b", "down"), ("octets", ("t2",), "s3", "c", "down"),
         ("time", ("t3",), "s4", "d", "down"), ("all together", ("t4", "t5"), "s5", "e", "down"),
         ("the terminal's own", ("t6",), "s6", "f", "up"))
BEFORE = 50000 * SLOW   # us before a move, from which packets went the old way
SILENCE = 1000 * GAP * INTERVAL / 2     # us; no link gap is shorter
PULSE = 0.01 * SLOW     # s between two questions


class Pulse:
    """How long a daemon has let us wait for an answer, at the most: one that stands still reads late
    what it is to hold, and lets it out late."""

    def __init__(self, world, node):
        self.world, self.node = world, node
        self.longest = 0        # us
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.ask, daemon=True)

    def ask(self):
        """The thread."""
        while not self.stopping.wait(PULSE):
            asked = now_us()
            self.world.ask(self.node, "help")
            self.longest = max(self.longest, now_us() - asked)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def late(self):
        """By how much a packet may have waited longer than it should: read late, and let out late."""
        return 2 * (self.longest + round(PULSE * 1000000))


class Gap:
    """What became of the packets of one way around a link gap: the last long silence before the first one
    that is lost. Where the machine stands still there is silence, too, but then those come that are held."""

    def __init__(self, series, begin, end):
        arrivals = [r for r in series.arrivals if begin - BEFORE <= series.due(r[0]) < end]
        numbers = {r[0] for r in arrivals}
        self.lost = sorted(set(range(min(numbers), max(numbers))) - numbers)
        silences = [(r[2] - last[2], at) for at, (last, r) in enumerate(zip(arrivals, arrivals[1:]), 1)
                    if not self.lost or last[0] < self.lost[0]]
        at = max((at for silence, at in silences if silence >= SILENCE), default=max(silences)[1])
        self.series = series
        self.before, self.after = arrivals[:at], arrivals[at:]


def first_fit(tap, name, gaps):
    """A point: so many were held when the first one was lost. They come in the order of their numbers,
    and those of one number in that of the terminals."""
    lost = min(((gap.lost[0], i) for i, gap in enumerate(gaps) if gap.lost), default=(0, 0))
    tap.same(f"{name}: as many are held as fit", HELD, sum((number, i) < lost for i, gap in enumerate(gaps)
                                               for number, _, _ in gap.after))


def young_fit(tap, name, gap, late):
    """Points: what was too old is lost, and nothing else."""
    released = gap.after[0][2]
    tap.same(f"{name}: the oldest are lost", list(range(gap.before[-1][0] + 1, gap.after[0][0])),
             gap.lost)
    waited = [released - gap.series.due(number) for number in gap.lost]
    tap.ok(waited and min(waited) >= YOUNG, f"{name}: no younger one is lost",
           f"of those that are lost one is {min(waited, default=None)} us old")
    waited = max(received - sent for _, sent, received in gap.after if sent < released)
    tap.ok(waited <= YOUNG + late, f"{name}: no older one is delivered",
           f"one has waited for {waited} us, and its core was late by {late} us at most")


def told(world, terminals):
    """How many packets were given up in the last handovers of terminals, as their home core tells it;
    None while it does not know."""
    rows = [[r for r in world.rows("a", "handovers") if r["terminal"] == world.d.terminals[t].nai][-1]
            for t in terminals]
    counts = [row["dropped"] for row in rows]
    return None if None in counts else sum(counts)


def move(tap, world, terminals, satellite, core, name):
    """All of them go at once; how late their target was, at most."""
    with Pulse(world, core) as pulse:
        for terminal in terminals:
            world.handover(terminal, satellite)
        for terminal in terminals:
            tap.within(5 * SLOW, f"{name}: {terminal} has arrived",
                       lambda t=terminal: world.served(t, core, satellite))
        for terminal in terminals:
            tap.within(5 * SLOW, f"{name}: what {terminal} has cost is known",
                       lambda t=terminal: told(world, [t]) is not None)
        time.sleep(0.2 * SLOW)
    note(f"{name}: {[world.made(terminal) for terminal in terminals]}, late {pulse.late()} us")
    return pulse.late()


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        streams = Streams(world)
        moves = []
        for name, terminals, satellite, core, way in MOVES:
            begin = now_us()
            late = move(tap, world, terminals, satellite, core, name)
            moves.append((name, terminals, way, late, begin, now_us(), told(world, terminals)))
        streams.stop()
        for name, terminals, limited, late, begin, end, dropped in moves:
            lost = {"down": 0, "up": 0}
            for terminal in terminals:
                for way, damage in streams.damage(terminal, begin, end).items():
                    lost[way] += damage[0]
                    tap.same(f"{name}: {terminal} {way}, none overtaken, none doubled", (0, 0),
                             damage[1:])
            gaps = [Gap(streams.series[terminal][limited], begin, end) for terminal in terminals]
            if name == "time":
                young_fit(tap, name, gaps[0], late)
            else:
                first_fit(tap, name, gaps)
            for way, count in lost.items():
                tap.same(f"{name}: {way}, what was given up is lost and nothing else",
                         dropped if way == limited else 0, count)
        world.leave()


main(test)
