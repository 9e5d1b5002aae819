#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
"""SIGKILL under a thousand terminals (tests/bench/crowds) that a server sends to all the time: home
core, visited core, satellite and the core that is to come are killed one after the other. No packet is
lost, nobody authenticates again, and when the satellite changes its core right afterwards
all of them move at once, foreseen and without an authentication, as if nothing had been."""

import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "netns", "support"),
                os.path.join(TOP, "tests", "bench", "crowds")]

# pylint: disable=wrong-import-position
from machine import Machine                                                 # noqa: E402
from tap import BUILD, KERNEL, poll                                         # noqa: E402
from world import main                                                      # noqa: E402
from crowd_lab import CORES                                                 # noqa: E402
from crowd_trial import Trial, faults                                       # noqa: E402

COUNT = 1000
RATE = 4000             # packets a second
DOWN = 0.2              # s between SIGKILL and the next start


class Crash(Trial):
    """A trial in which everybody is killed before the change."""

    def __init__(self, tap, **options):
        self.tap = tap
        super().__init__(COUNT, "predictive", ("s", "t"), **options)

    def before(self, lab):
        """Each in turn, at rest."""
        for node, what in (("a", "home core"), ("s", "visited core"), ("s1", "satellite"),
                           ("t", "core to come")):
            lab.act_kill(node)
            time.sleep(DOWN)
            lab.act_start(node)
            with Machine() as machine:
                begin = machine.clock()
                up = poll(1, lab.peers_up)
                seconds = machine.clock() - begin
            self.tap.ok(up and seconds < 1, f"{what} {node} killed: the cores know each other within a second",
                        f"{seconds} s")
        self.tap.same("each terminal is bound as it was", COUNT,
                      sum((row["state"], row["core"]) == ("visiting", "s.example")
                          for row in lab.control.rows("a", "bindings")))
        self.tap.same("and served", COUNT,
                      sum(row["state"] == "registered" for row in lab.control.rows("s", "terminals")))

    def note_costs(self, costs):
        """Everything has been done, and the daemons still run."""
        super().note_costs(costs)
        self.result["authentications"] = authentications(self.lab)

    def move(self, lab):
        """As ever."""
        self.lab = lab              # pylint: disable=attribute-defined-outside-init
        super().move(lab)


def authentications(lab):
    """How many authentications cores have asked for and answered since they were started."""
    return sum(row["sent"] + row["received"] for core in CORES
               for row in lab.control.rows(core, "counters")
               if row["side"] == "core" and row["message"].startswith("authentication"))


def test(tap):
    """All of it."""
    trial = Crash(tap, evidence=os.path.join(BUILD, "log", f"crash-crowd-{KERNEL}.failed"),
                  rate=RATE)
    result = trial.play()
    tap.same("all are served by the next core, and led where they are alone", [], faults(result))
    tap.same("all in this mode", {"predictive": COUNT}, result.get("made"))
    tap.same("nobody has authenticated since", 0, result.get("authentications"))
    packets = result.get("packets", {})
    for key in ("lost", "reordered", "duplicated"):
        tap.same(f"no packet of {packets.get('sent')} is {key}", 0, packets.get(key))


main(test)
