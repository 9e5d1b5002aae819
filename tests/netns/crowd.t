#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""A satellite changes its core under fifty terminals (tests/bench/crowds), from a visited core to
another one, from home, and to home again: all of them are served, in few datagrams, every kernel
route is right, nobody loses a packet where it was foreseen, and nothing is left at the core that
served before."""

import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "netns", "support"),
                os.path.join(TOP, "tests", "bench", "crowds")]

# pylint: disable=wrong-import-position
from tap import BUILD, KERNEL                                               # noqa: E402
from world import main                                                      # noqa: E402
from crowd_trial import Trial, faults                                       # noqa: E402

COUNT = 50
RATE = 250 if KERNEL == "uml" else 2000     # packets a second


def crowd(tap, mode, origin, target):
    """One change; its result."""
    evidence = os.path.join(BUILD, "log", f"crowd-{KERNEL}.failed")
    result = Trial(COUNT, mode, (origin, target), evidence=evidence, rate=RATE,
                   tunnel="auto" if KERNEL == "uml" else "gpe").play()
    name = f"{mode} from {origin} to {target}"
    tap.same(f"{name}: all are served, and led where they are alone", [], faults(result))
    tap.same(f"{name}: all in this mode", {mode: COUNT}, result.get("made"))
    return name, result


def foreseen(tap, origin, target):
    """By the schedule: nobody loses anything."""
    name, result = crowd(tap, "predictive", origin, target)
    packets = result.get("packets", {})
    for key in ("lost", "reordered", "duplicated"):
        tap.same(f"{name}: no packet of {packets.get('sent')} is {key}", 0, packets.get(key))
    return name, result


def test(tap):
    """All ways; core a is the home of all."""
    name, result = foreseen(tap, "s", "t")
    # A proactive authentication for each, and its answer.
    for core in ("a", "t"):
        datagrams = result.get("preparing", {}).get(core, {}).get("datagrams", COUNT)
        tap.ok(datagrams < COUNT / 3, f"{name}: core {core} speaks of many in one datagram",
               f"{datagrams} datagrams for {COUNT} terminals")
    foreseen(tap, "a", "t")
    foreseen(tap, "s", "a")
    crowd(tap, "combined", "s", "t")


main(test)
