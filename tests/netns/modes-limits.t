#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""What is held while a terminal is between two links is bounded: by packets, octets and time for one
terminal, and by packets for all together; the terminal's own hold likewise. What fits is delivered in
order, the rest is lost, no more and no less, and what was delivered and dropped is told.

    t1 .. t5 of core a go to: b (packets), c (octets), d (time), e (in all, t4 and t5 at once), and t6,
    which may hold little itself, to f. The link gap is long enough for all limits to be reached.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import SLOW, note                                                  # noqa: E402
from streams import Streams                                                 # noqa: E402
from system import now_us                                                   # noqa: E402
from world import World, main                                               # noqa: E402

INTERVAL = 5 * SLOW     # ms between packets
HELD = 20               # packets that the limits leave room for
GAP = 100               # packets' time of link gap
OCTETS = 64 + 28        # of each packet
LAB = f"""
mode predictive
gap {GAP * INTERVAL}ms
associations known
advertise 200ms
log debug
core a drain=500ms
core b drain=500ms hold_packets={HELD}
core c drain=500ms hold_octets={HELD * OCTETS}
core d drain=500ms hold_time={HELD * INTERVAL}ms
core e drain=500ms hold_packets={HELD} hold_total_packets={HELD}
core f drain=500ms
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
satellite s4 core=d
satellite s5 core=e
satellite s6 core=f
terminal t1 home=a links=s1,s2
terminal t2 home=a links=s1,s3
terminal t3 home=a links=s1,s4
terminal t4 home=a links=s1,s5
terminal t5 home=a links=s1,s5
terminal t6 home=a links=s1,s6 hold_packets={HELD}
""" + "".join(f"stream t{n} interval={INTERVAL}ms\n" for n in range(1, 7))
# Who goes, where, and which way is limited.
MOVES = (("packets", ("t1",), "s2", "b", "down"), ("octets", ("t2",), "s3", "c", "down"),
         ("time", ("t3",), "s4", "d", "down"), ("all together", ("t4", "t5"), "s5", "e", "down"),
         ("the terminal's own", ("t6",), "s6", "f", "up"))
TOLERANCE = 10          # packets: what is under way when a limit is reached, and a busy machine


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        streams = Streams(world)
        moves = []
        for name, terminals, satellite, core, way in MOVES:
            begin = now_us()
            for terminal in terminals:
                world.handover(terminal, satellite)
            for terminal in terminals:
                tap.within(5 * SLOW, f"{name}: {terminal} has arrived",
                           lambda t=terminal, c=core, s=satellite: world.served(t, c, s))
            time.sleep(0.2 * SLOW)
            made = [world.made(terminal) for terminal in terminals]
            note(f"{name}: {made}")
            moves.append((name, terminals, way, begin, now_us()))
        streams.stop()
        for name, terminals, limited, begin, end in moves:
            lost = {"down": 0, "up": 0}
            for terminal in terminals:
                for way, damage in streams.damage(terminal, begin, end).items():
                    lost[way] += damage[0]
                    tap.same(f"{name}: {terminal} {way}, none overtaken, none doubled", (0, 0),
                             damage[1:])
            expected = {"down": 0, "up": 0, limited: GAP * len(terminals) - HELD}
            for way, count in lost.items():
                room = TOLERANCE if way == limited else 0
                tap.ok(abs(count - expected[way]) <= room, f"{name}: {way}, what does not fit is "
                       "lost and nothing else", f"lost {count}, expected {expected[way]}")
        world.leave()


main(test)
