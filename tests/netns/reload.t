#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""Other configurations for running cores, under probe streams of a visitor and of a terminal at
home: what did not change is not touched, and not one packet of theirs is lost. What came takes
effect, what went and is in use is drained, a fault leaves all as it was, and keys that change in
their files are noticed.

    t1 of core a:  s1 (a), s2 (b)       visits b all the time
    t2 of core b:  s2 (b)               is at home
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import BUILD, SLOW                                                 # noqa: E402
from world import World, main                                               # noqa: E402
from streams import Streams                                                 # noqa: E402
from system import now_us                                                   # noqa: E402

CORE = "keepalive=500ms dead_peer=20s"
LAB = f"""
gap 10ms
advertise 2s
psk yes
core a {CORE}
core b {CORE}
core c {CORE}
satellite s1 core=a
satellite s2 core=b
satellite s3 core=c
terminal t1 home=a links=s1,s2
terminal t2 home=b links=s2
stream t1 interval=20ms
stream t2 interval=20ms
"""
OLGA = '{ nai = "olga@b.example"; public_key = "%s"; }'


def snoctl(world, node, *words):
    """(exit status, output and errors)."""
    done = subprocess.run([os.path.join(BUILD, "snoctl"), "-s", os.path.join(world.lab.state.dir, f"{node}.sock"),
                           *words], capture_output=True, check=False, encoding="utf-8")
    return done.returncode, done.stdout + done.stderr


def text_of(world, node):
    """A configuration file."""
    with open(os.path.join(world.lab.state.dir, f"{node}.conf"), encoding="utf-8") as file:
        return file.read()


def write(world, name, text):
    """A file of the lab, as if by an editor that keeps its mode."""
    with open(os.path.join(world.lab.state.dir, name), "w", encoding="utf-8") as file:
        file.write(text)


def key(*words):
    """A key that snoctl makes."""
    return subprocess.run([os.path.join(BUILD, "snoctl"), words[0]], input=" ".join(words[1:]),
                          capture_output=True, check=True, encoding="utf-8").stdout


def without_peer(text, realm):
    """A configuration that does not have this peer."""
    changed = re.sub(r'  \{ name = "%s"; endpoint.*?\}(,\n|\n)' % re.escape(realm), "", text)
    return re.sub(r",\n\);", "\n);", changed)


def public_key(text, realm):
    """The one that a configuration has of a peer."""
    return re.search(r'name = "%s";.*?public_key = "([^"]*)"' % re.escape(realm), text, re.S).group(1)


class Reloads:
    """One after the other at one core; each leaves both terminals alone."""

    def __init__(self, world, node):
        self.world, self.node = world, node
        self.before = text_of(world, node)

    def good(self, name, text):
        """A point: the configuration is taken."""
        write(self.world, f"{self.node}.conf", text)
        status, said = snoctl(self.world, self.node, "reload")
        self.world.tap.ok(status == 0 and said.startswith("reloaded"), f"{name}: taken", said)

    def refused(self, name, text, word):
        """Points: it is not taken, the reason is told, and what holds is as before."""
        write(self.world, f"{self.node}.conf", text)
        shown = [snoctl(self.world, self.node, c, "--json") for c in ("pools", "satellites")]
        status, said = snoctl(self.world, self.node, "reload")
        self.world.tap.ok(status == 1 and word in said, f"{name}: refused, and why", said)
        self.world.tap.same(f"{name}: all is as before", shown,
                            [snoctl(self.world, self.node, c, "--json") for c in ("pools", "satellites")])
        write(self.world, f"{self.node}.conf", self.before)

    def peer(self, realm):
        """The state of a peer here; None when there is none."""
        return next((r["state"] for r in self.world.rows(self.node, "peers") if r["peer"] == realm), None)

    def peer_within(self, realm, state, name, seconds=8):
        """A point."""
        self.world.tap.within(seconds * SLOW, name, lambda: self.peer(realm) == state,
                              lambda: self.world.rows(self.node, "peers"))


def come_and_go(world, tap, b):
    """Subscribers, satellites, pools and peers that nobody uses."""
    b.good("nothing changed", b.before)
    olga = OLGA % key("pubkey", key("genkey")).strip()
    b.good("a subscriber more", b.before.replace("subscribers = (\n", f"subscribers = (\n  {olga},\n"))
    tap.ok(any(r["terminal"] == "olga@b.example" for r in world.rows("b", "bindings")), "she is there")
    b.good("and less", b.before)
    tap.ok(all(r["terminal"] != "olga@b.example" for r in world.rows("b", "bindings")), "she is gone")
    b.good("a satellite more", b.before.replace("satellites = (\n",
                                                'satellites = (\n  { name = "s9"; interface = "feed-s9"; },\n'))
    tap.ok(any(r["satellite"] == "s9" for r in world.rows("b", "satellites")), "it is there")
    b.good("and less", b.before)
    size = {r["pool"]: r["size"] for r in world.rows("b", "pools")}["care_of4"]
    b.good("more care-of addresses", re.sub(r"care_of4 = \[", 'care_of4 = [ "100.99.0.0/24",', b.before))
    tap.ok({r["pool"]: r["size"] for r in world.rows("b", "pools")}["care_of4"] == size + 254,
           "they are there")
    b.good("and less", b.before)
    b.good("a peer less", without_peer(b.before, "c.example"))
    tap.same("it is gone", None, b.peer("c.example"))
    b.good("and more", b.before)
    b.peer_within("c.example", "up", "it is up")


def drained(world, tap, b):
    """What the visitor uses is taken out of the configuration."""
    b.good("the visitor's home is no peer any more", without_peer(b.before, "a.example"))
    tap.same("it is drained", "draining", b.peer("a.example"))
    tap.ok(world.served("t1", "b"), "the visitor is served")
    told = world.log_end("b")
    b.good("it is one again", b.before)
    b.peer_within("a.example", "up", "and up", 1)
    tap.ok(not world.logged("b", "peer a.example: up", told), "without a new handshake")
    other = re.sub(r'care_of4 = \[ "[^"]*" \];', 'care_of4 = [ "100.99.0.0/24" ];', b.before)
    tap.ok(other != b.before, "other care-of addresses can be written")
    b.good("other care-of addresses", other)
    tap.same("the old ones are drained", 1, world.ask("b", "status")["fields"]["draining"])
    b.good("they are back", b.before)
    tap.same("nothing is drained", 0, world.ask("b", "status")["fields"]["draining"])


def secrets(world, tap, b):
    """Keys that change in their files, behind a configuration that does not."""
    write(world, "b-c.psk", key("genpsk"))
    status, said = snoctl(world, "b", "reload")
    tap.ok(status == 0, "a pre-shared key has changed: taken", said)
    tap.within(5, "it was noticed", lambda: world.logged("b", "peer c.example: changed"))
    b.peer_within("c.example", "down", "and the peer is not up without it", 2)
    tap.same("the peer takes it", 0, snoctl(world, "c", "reload")[0])
    b.peer_within("c.example", "up", "and both are up again")
    own = os.path.join(world.lab.state.dir, "b.key")
    with open(own, encoding="utf-8") as file:
        before = file.read()
    write(world, "b.key", key("genkey"))
    b.refused("another key of its own", b.before, "file")
    write(world, "b.key", before)
    b.refused("its own public key as that of a peer",
              b.before.replace(public_key(b.before, "c.example"), key("pubkey", before).strip()), "log")
    with open(os.path.join(world.lab.state.dir, "t1.key"), encoding="utf-8") as file:
        before = file.read()
    write(world, "t1.key", key("genkey"))
    status, said = snoctl(world, "t1", "reload")
    tap.ok(status == 1 and "file" in said, "so it is for a terminal", said)
    write(world, "t1.key", before)
    tap.same("with the old one it is taken", 0, snoctl(world, "t1", "reload")[0])


def faults(_world, _tap, b):
    """What is not taken."""
    b.refused("not a configuration", b.before.replace("core =", "cor ="), "b.conf:1")
    b.refused("a key that takes a restart", b.before.replace("gateway_mac", "port = 6299; gateway_mac"),
              "access.port changed, which takes a restart")
    b.refused("pools that overlap", re.sub(r"care_of4 = \[", 'care_of4 = [ "100.0.0.0/8",', b.before), "b.conf:")
    b.refused("a secret that is not there", b.before.replace("-c.psk", "-x.psk"), "log")


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        world.traffic("t1", tcp=False)
        world.handover("t1", "s2")
        world.arrived("t1", "b", "s2", "t1 visits b")
        streams = Streams(world)
        begin = now_us()
        b = Reloads(world, "b")
        come_and_go(world, tap, b)
        drained(world, tap, b)
        secrets(world, tap, b)
        faults(world, tap, b)
        a = Reloads(world, "a")
        a.good("at home: the visited core is no peer any more", without_peer(a.before, "b.example"))
        tap.same("at home: it is drained", "draining", a.peer("b.example"))
        a.good("at home: it is one again", a.before)
        end = now_us()
        streams.stop()
        for terminal in ("t1", "t2"):
            for way, damage in streams.damage(terminal, begin, end).items():
                tap.same(f"{terminal} {way}: nothing lost, reordered or doubled", (0, 0, 0), damage)
        a.good("once more", without_peer(a.before, "b.example"))
        tap.same("flushed", (0, "1 ended that was drained\n"), snoctl(world, "a", "flush"))
        tap.same("it is gone", None, a.peer("b.example"))


main(test)
