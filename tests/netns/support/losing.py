# SPDX-License-Identifier: GPL-2.0-or-later
"""Handovers under bad luck: each signalling datagram of each kind of move is lost, one after the
other; then every one is doubled, and every one is delayed at random, so that they overtake each other.
The handover always completes, with exactly one binding and one session, and in the end nothing is
left anywhere.

    t1, of core a:  s1 (a) -> s2 (b) -> s3 (c) -> s1 (a)
"""

import random
import time

from interceptor import Interceptor, is_signalling
from tap import SLOW, note
from world import World

# Keepalives would disturb the count.
CORE = "drain=100ms leave=3s keepalive=60s dead_peer=180s prepared_for=1s prepare_wait=150ms"
LAB = """
mode {mode}
gap 5ms
associations known
advertise 5s
log debug
core a {core}
core b {core}
core c {core}
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
terminal t1 home=a links=s1,s2,s3 disconnect_wait=600ms
"""
ROUND = (("home -> visited", "s2", "b"), ("visited -> visited", "s3", "c"),
         ("visited -> home", "s1", "a"))
QUIET = 0.15 * SLOW
# How long who waits for others before a handover is made in a lower mode, s: as above, and as long as
# it takes them on any machine.
CORES_WAIT = {"prepared_for": (1, 5), "prepare_wait": (0.15, 5)}
TERMINAL_WAITS = {"disconnect_wait": (0.6, 10)}


class Losing:
    """A hook that loses the datagram of one number and counts on."""

    def __init__(self, number):
        self.number = number
        self.count = 0
        self.victim = None

    def __call__(self, datagram):
        if not is_signalling(datagram):
            return [datagram.frame]
        self.count += 1
        if self.count != self.number:
            return [datagram.frame]
        self.victim = f"{datagram.type} {datagram.way}"
        return []


def doubled(datagram):
    """A hook: everything twice."""
    return [datagram.frame] * 2


def quiet(interceptor):
    """Waits until no signalling has been under way for a while."""
    while True:
        last = max((d.time for d in interceptor.seen[-50:] if is_signalling(d)), default=0)
        if time.monotonic() - last > QUIET:
            return
        time.sleep(0.02)


class Ordeal:
    """One mode's moves. The hook is set before each."""

    def __init__(self, world, mode):
        self.world = world
        self.mode = mode
        self.interceptor = Interceptor(world)

    def hand_over(self, name, satellite, core):
        """Points: one handover under the present hook."""
        old = None
        if self.mode == "soft":
            old = self.world.handover_softly("t1", satellite)
        else:
            self.world.handover("t1", satellite)
        self.world.arrived("t1", core, satellite, name, 8)
        quiet(self.interceptor)
        if old:
            self.world.lab.links.set("t1", old, False)

    def each_lost(self, least):
        """Rounds until no handover has so many datagrams any more."""
        numbers = {name: 1 for name, _, _ in ROUND}
        while numbers:
            for name, satellite, core in ROUND:
                losing = Losing(numbers.get(name, 0))
                self.interceptor.hook = losing
                self.hand_over(f"{name} without datagram {losing.number}", satellite, core)
                if losing.victim:
                    note(f"lost: {losing.victim}; {losing.count} datagrams in all")
                    numbers[name] += 1
                elif name in numbers:
                    self.world.tap.ok(losing.count >= least,
                                      f"{name}: all {losing.count} were lost in turn")
                    del numbers[name]

    def wait(self, node, waits, before, after):
        """Other waits for a daemon: the one or the other of each pair."""
        self.world.change(node, *[(f"{key} = {pair[before]:.6f};", f"{key} = {pair[after]:.6f};")
                                  for key, pair in waits.items()])
        self.world.ask(node, "reload")

    def be_patient(self, patient):
        """Everybody waits as long as it takes, or no longer than before."""
        for core in self.world.d.cores:
            self.wait(core, CORES_WAIT, not patient, patient)
        self.wait("t1", TERMINAL_WAITS, not patient, patient)

    def all_doubled(self):
        """Each kind of move once. Since nothing is lost they are all made in the mode."""
        self.be_patient(True)
        self.interceptor.hook = doubled
        for name, satellite, core in ROUND:
            self.hand_over(f"{name} with everything doubled", satellite, core)
            made = self.world.made("t1").get("mode")
            self.world.tap.ok(made == self.mode or core == "a" and made == "baseline",
                              f"{name} with everything doubled: made so", f"made as {made}")
        self.be_patient(False)

    def all_late(self):
        """Each kind of move twice."""
        chance = random.Random(7)

        def late(datagram):
            self.interceptor.delay(datagram, chance.uniform(0, 0.15))
            return []
        self.interceptor.hook = late
        for name, satellite, core in ROUND * 2:
            self.hand_over(f"{name} with everything late", satellite, core)


def ordeal(tap, mode, least):
    """The whole test in one mode, in which each move takes at least so many datagrams."""
    with World(tap, LAB.format(mode=mode, core=CORE)) as world:
        moves = Ordeal(world, mode)
        world.traffic("t1")
        world.passes("traffic passes")
        moves.each_lost(least)
        moves.all_doubled()
        moves.all_late()
        moves.interceptor.close()
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        world.leave()
