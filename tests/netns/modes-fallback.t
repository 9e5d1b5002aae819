#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""What a mode needs is missing, late or wrong, and the handover goes on in the mode below: cores that
allow less, a target that dies after it was prepared, a satellite that leads elsewhere than was
believed, a link that is lost without a word, a terminal that turns back or never comes, two targets
prepared at once. Traffic passes after each of them, what was prepared in vain is undone, and packets
that waited where the terminal did not come find it: none is lost.

    t1, of core a:  s1 (a), s2 (b), s3 (c, which does no more than combined), s4 (d, baseline)
"""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import SLOW                                                        # noqa: E402
from streams import Streams                                                 # noqa: E402
from system import now_us                                                   # noqa: E402
from topology import inode, inside                                          # noqa: E402
from world import World, main                                               # noqa: E402

PREPARED_FOR = 1.5 * SLOW   # longer than the link gap
LEAVE = 2
STALE = 2
CORE = f"drain=300ms leave={LEAVE}s stale={STALE}s keepalive=300ms dead_peer=1s prepared_for={PREPARED_FOR}s hold_time=30s"
LAB = f"""
delay access=5ms core=10ms
gap 50ms
associations known
advertise 200ms
log debug
core a mode=predictive {CORE}
core b mode=predictive {CORE}
core c mode=combined {CORE}
core d mode=baseline {CORE}
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
satellite s4 core=d
terminal t1 home=a links=s1,s2,s3,s4 mode=predictive gap={600 * SLOW}ms
stream t1 interval={4 * SLOW}ms
terminal t2 home=a links=s1 mode=predictive
"""
AHEAD = 2.0 * SLOW      # s in which a target is prepared before the terminal goes
SHORT = 50000           # us of a link gap that nobody announced


def sent(world, node, message):
    """How many messages of a type a node has sent."""
    return sum(row["sent"] for row in world.rows(node, "counters") if row["message"] == message)


def announced(world, satellite, target, name):
    """A point: t1 is to go to a satellite in a while, and its core is prepared."""
    before = sent(world, target, "proactive authentication ACK")
    world.handover("t1", satellite, ahead=AHEAD)
    return world.tap.within(AHEAD, f"{name}: {target} is prepared", lambda:
                            sent(world, target, "proactive authentication ACK") > before)


def here(world, satellite, core, name, mode=None):
    """Points: t1 is there, and by which mode it came."""
    world.arrived("t1", core, satellite, name)
    if mode:
        world.tap.same(f"{name}: made so", mode, world.made("t1").get("mode"))


def forgotten(world, core, name, seconds=PREPARED_FOR + STALE + 3):
    """A point: nothing is left of what a core had prepared (and nothing else was there)."""
    world.clean(name, seconds, [core])


class Whole:
    """Spans of time in which no packet to t1 may be lost; asked when the stream has ended."""

    def __init__(self, world):
        self.streams = Streams(world)
        self.spans = []
        self.began = 0

    def begin(self):
        """From now on."""
        self.began = now_us()

    def end(self, name):
        """Until now."""
        self.spans.append((name, self.began, now_us()))

    def tell(self, tap):
        """A point for each."""
        self.streams.stop()
        for name, begin, end in self.spans:
            tap.same(f"{name}: no packet to it is lost", 0,
                     self.streams.damage("t1", begin, end)["down"][0])


def cores_that_allow_less(world, _):
    """c does no more than combined, d than baseline."""
    for satellite, core, mode in (("s2", "b", "predictive"), ("s3", "c", "combined"),
                                  ("s1", "a", "combined"), ("s4", "d", "baseline"),
                                  ("s2", "b", "combined"), ("s1", "a", "predictive")):
        world.handover("t1", satellite)
        here(world, satellite, core, f"to {core} as it allows", mode)


def lost_without_a_word(world, _):
    """The link breaks; the new core knows nothing, or was prepared already."""
    world.lab.links.switch("t1", "s1", "s2", SHORT)
    here(world, "s2", "b", "lost unannounced", "combined")
    world.lab.links.switch("t1", "s2", "s3", SHORT)
    here(world, "s3", "c", "lost unannounced, visited to visited", "combined")
    world.lab.links.switch("t1", "s3", "s1", SHORT)
    here(world, "s1", "a", "lost unannounced, visited to home")
    name = "lost too early"
    announced(world, "s2", "b", name)
    before = sent(world, "b", "authentication")
    world.lab.links.switch("t1", "s1", "s2", SHORT)
    here(world, "s2", "b", name)
    world.tap.same(f"{name}: the preparation serves all the same", before,
                   sent(world, "b", "authentication"))
    world.handover("t1", "s1")
    here(world, "s1", "a", f"{name}, and back")


def satellite_leads_elsewhere(world, whole):
    """b is prepared, but the satellite has come to c when the terminal arrives."""
    name = "wrong core"
    announced(world, "s2", "b", name)
    whole.begin()
    world.associate("s2", "c")
    here(world, "s2", "c", name, "combined")
    whole.end(name)
    forgotten(world, "b", name)
    world.associate("s2", "b")
    here(world, "s2", "b", f"{name}, put right")
    world.handover("t1", "s1")
    here(world, "s1", "a", f"{name}, and back")


def two_targets(world, _):
    """Told to go to the one, then to the other."""
    name = "second thoughts"
    announced(world, "s2", "b", name)
    world.handover("t1", "s3", ahead=AHEAD / 4)
    here(world, "s3", "c", name)
    forgotten(world, "b", name)
    world.handover("t1", "s1")
    here(world, "s1", "a", f"{name}, and back")


def target_dies(world, _):
    """After it was prepared, before the terminal arrives; a new one knows nothing."""
    name = "target dies"
    announced(world, "s2", "b", name)
    world.kill("b")
    world.tap.within(AHEAD + 2, f"{name}: t1 leaves all the same",
                     lambda: world.registration("t1").get("state") != "registered")
    time.sleep(0.3 * SLOW)
    world.start("b")
    here(world, "s2", "b", name)
    world.handover("t1", "s1")
    here(world, "s1", "a", f"{name}, and back")
    forgotten(world, "b", name)
    name = "target dies for good"
    announced(world, "s2", "b", name)
    world.kill("b")
    world.tap.within(AHEAD + 2, f"{name}: t1 leaves all the same",
                     lambda: world.registration("t1").get("state") != "registered")
    time.sleep(0.9 * SLOW)
    world.lab.links.switch("t1", "s2", "s1", SHORT)
    here(world, "s1", "a", name)
    world.start("b")
    forgotten(world, "b", name)


def modem(world):
    """The process of t1's modem. When it ends, the switch that it is at work on has failed."""
    return next(process["pid"] for process in inside({inode(world.netns("t1"))})
                if process["what"] == "radio")


def turns_back(world, whole):
    """Its packets lead to b already, when it is at its old satellite again."""
    name = "turns back"
    radio = modem(world)
    world.lab.links.set("t1", "s2", False)
    whole.begin()
    world.handover("t1", "s2")
    world.tap.within(3 * SLOW, f"{name}: it has left",
                     lambda: world.registration("t1").get("state") == "switching")
    time.sleep(0.1 * SLOW)
    world.lab.links.set("t1", "s1", True)
    os.kill(radio, signal.SIGKILL)
    here(world, "s1", "a", name)
    whole.end(name)
    forgotten(world, "b", name)


def never_comes(world, _):
    """It has left for b and is never heard of again; packets of others go on."""
    name = "never comes"
    world.handover("t1", "s2")
    world.tap.within(3 * SLOW, f"{name}: it has left",
                     lambda: world.registration("t1").get("state") == "switching")
    world.kill("t1")
    forgotten(world, "b", name)
    world.tap.within(LEAVE + 4, f"{name}: its home core has no binding any more",
                     lambda: world.binding("t1")["state"] == "none", lambda: world.binding("t1"))
    world.passes(f"{name}: others are not disturbed", but="t1")
    world.start("t1")
    here(world, "s2", "b", f"{name}, and is back")


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        for terminal in world.d.terminals:
            world.traffic(terminal)
        world.passes("at home: traffic passes")
        whole = Whole(world)
        for part in (cores_that_allow_less, lost_without_a_word, satellite_leads_elsewhere,
                     two_targets, target_dies, turns_back, never_comes):
            part(world, whole)
        whole.tell(tap)
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        world.leave()


main(test)
