#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""snoctl doctor finds what has been broken, says what to do, and finds nothing wrong where nothing is.

    t1 of core a:  s1 (a), s2 (b)
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import BUILD, SLOW                                                 # noqa: E402
from world import World, main                                               # noqa: E402

CORE = "keepalive=300ms dead_peer=1s"
LAB = f"""
gap 10ms
advertise 200ms
psk yes
associations known
core a {CORE}
core b {CORE}
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2
"""


def doctor(world, node, *options):
    """(exit status, {check: row}) in the namespace of a node."""
    socket = os.path.join(world.lab.state.dir, f"{node}.sock")
    done = subprocess.run(["ip", "netns", "exec", world.netns(node), os.path.join(BUILD, "snoctl"),
                           "--json", *(options or ("-s", socket)), "doctor"],
                          capture_output=True, check=False, encoding="utf-8",
                          env={**os.environ, "SNO_RUNDIR": "/nonexistent"})
    table = json.loads(done.stdout)["table"]
    names = [c["name"] for c in table["columns"]]
    rows = [dict(zip(names, row)) for row in table["rows"]]
    return done.returncode, {row["check"]: row for row in rows}


def inside(world, node, *command):
    """A command in the namespace of a node."""
    subprocess.run(["ip", "netns", "exec", world.netns(node), *command], check=True,
                   capture_output=True)


class Ward:
    """Breaks one thing after the other."""

    def __init__(self, world):
        self.world, self.tap = world, world.tap

    def healthy(self, node, name):
        """A point: nothing is wrong there."""
        def well():
            status, rows = doctor(self.world, node)
            return status == 0 and all(r["state"] != "wrong" for r in rows.values())
        self.tap.within(10 * SLOW, f"{node}: {name}", well, lambda: doctor(self.world, node))

    def found(self, name, node, check, state, word):
        """Points: it is found, with what to do."""
        def there():
            row = doctor(self.world, node)[1].get(check, {})
            return row.get("state") == state and word in str(row.get("found")) + str(row.get("advice"))
        self.tap.within(10 * SLOW, f"{name}: found", there, lambda: doctor(self.world, node))
        status, rows = doctor(self.world, node)
        self.tap.ok(rows[check]["advice"], f"{name}: what to do", rows[check])
        self.tap.same(f"{name}: exit status", 1 if state == "wrong" else 0, status)

    def broken(self, name, node, check, state, word, hurt, heal):
        """The same, and that it is found no more when it is mended."""
        hurt()
        self.found(name, node, check, state, word)
        heal()
        self.healthy(node, f"{name}, mended")


def sysctl(world, node, setting):
    """A switch of a node's kernel."""
    inside(world, node, "sysctl", "-q", "-w", setting)


def switches(ward, world):
    """The kernel's."""
    ward.broken("a strict reverse path filter", "a", "net.ipv4.conf.all.rp_filter", "wrong", "rp_filter=0",
                lambda: sysctl(world, "a", "net.ipv4.conf.all.rp_filter=1"),
                lambda: sysctl(world, "a", "net.ipv4.conf.all.rp_filter=0"))
    ward.broken("no forwarding", "a", "forwarding", "wrong", "ip_forward=1",
                lambda: sysctl(world, "a", "net.ipv4.ip_forward=0"),
                lambda: sysctl(world, "a", "net.ipv4.ip_forward=1"))


def keys(ward, world):
    """Files with keys."""
    def mode(name, bits):
        os.chmod(os.path.join(world.lab.state.dir, name), bits)

    for name, node, check in (("a.key", "a", "own key"), ("a-b.psk", "a", "key with b.example"),
                              ("t1.key", "t1", "own key")):
        ward.broken(f"{name} that everybody may read", node, check, "wrong", name,
                    lambda n=name: mode(n, 0o644), lambda n=name: mode(n, 0o600))
    path = os.path.join(world.lab.state.dir, "b.key")
    with open(path, encoding="utf-8") as file:
        before = file.read()

    def write(text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    other = subprocess.run([os.path.join(BUILD, "snoctl"), "genkey"], check=True, capture_output=True,
                           encoding="utf-8").stdout
    ward.broken("another key", "b", "own key", "wrong", "restart", lambda: write(other),
                lambda: write(before))


def lines(ward, world):
    """What leads elsewhere."""
    underlay = json.loads(subprocess.run(["ip", "-n", world.netns("a"), "-j", "route", "get",
                                          world.d.cores["b"].underlay4], check=True,
                                         capture_output=True).stdout)[0]["dev"]

    def link(node, *words):
        return lambda: inside(world, node, "ip", "link", "set", *words)
    ward.broken("a satellite's line", "s1", "feeder feed-a", "wrong", "line",
                link("s1", "feed-a", "down"), link("s1", "feed-a", "up"))
    ward.found("a link that is not up", "t1", "link s2", "warning", "no carrier")
    ward.broken("a short path", "a", "peer b.example", "warning", "path MTU",
                link("a", underlay, "mtu", "1400"), link("a", underlay, "mtu", "1500"))
    ward.broken("a peer that is away", "a", "peer b.example", "wrong", "down",
                lambda: world.kill("b"), lambda: world.start("b"))


def plans(ward, world):
    """What a core refuses, while it goes by what it had."""
    path = os.path.join(world.lab.state.dir, "associations.csv")
    with open(path, encoding="utf-8") as file:
        before = file.read()

    def write(text):
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{path}.new", path)
    ward.broken("a schedule with a fault", "a", "schedule", "wrong", "the one before is in force",
                lambda: write(before + "nonsense\n"), lambda: write(before))
    ward.broken("a schedule that is gone", "a", "schedule", "wrong", "mend the file",
                lambda: os.remove(path), lambda: write(before))


def nobody(tap, world):
    """No daemon at all, and one that is not there."""
    status, rows = doctor(world, "t1", "-N", "none")
    tap.same("no daemon: exit status", 1, status)
    tap.same("no daemon: said so", "wrong", rows["daemon"]["state"])
    tap.ok("start" in rows["daemon"]["advice"], "no daemon: what to do", rows["daemon"])


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        ward = Ward(world)
        for node in ("a", "b", "t1", "s1", "s2"):
            ward.healthy(node, "nothing is wrong")
        rows = doctor(world, "a")[1]
        tap.ok({"kernel", "clock", "ESP", "tunnel gre", "tunnel gpe", "own key", "guard", "peer b.example",
                "satellite s1", "pool home4"} <= set(rows), "what was looked at", sorted(rows))
        switches(ward, world)
        keys(ward, world)
        lines(ward, world)
        plans(ward, world)
        nobody(tap, world)


main(test)
