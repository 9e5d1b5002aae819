#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
"""What daemons answer is what sno-json(5) says: each command's fields and columns by name, unit and
type, and each event's members, of three daemons that hand a terminal over. Nothing is missing in
the page, and nothing is in it that does not come.

    t1 of core a:  s1 (a), s2 (b)
"""

import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import SLOW, SRCDIR, poll                                          # noqa: E402
from world import World, main                                               # noqa: E402

LAB = """
gap 10ms
advertise 200ms
core a keepalive=300ms dead_peer=1s
core b keepalive=300ms dead_peer=1s
satellite s1 core=a feeders=a,b
satellite s2 core=b
terminal t1 home=a links=s1,s2
"""
VERSION = 1
NODES = {"core-agent": "a", "terminal-agent": "t1", "sat-forwarder": "s1"}
# How the page marks what stands in a table, in "fields" (or an event's "data"), and beside them.
KINDS = {"Li": "column", "Em": "field", "Va": "member"}
EVERYWHERE = {"ok", "version", "text", "fields", "table"}
# Orders, which answer with a text.
ORDERS = {"release", "disconnect", "connect", "switch", "handover", "associate", "resume", "reload", "flush"}
TYPES = {str: "string", bool: "bool", int: "number", float: "number", list: "list", dict: "object"}


def documented():
    """{(daemon, "answer" or "event", name): {(kind, name): (type, unit)}} of the page."""
    with open(os.path.join(SRCDIR, "common", "sno-json.5"), encoding="utf-8") as file:
        page = file.read()
    found, daemon, what, entry = {}, None, None, None
    for line in page.splitlines():
        section = re.match(r"\.Ss (Answer|Event)s of .*\((\S+)\)$", line)
        if section:
            what, daemon = section[1].lower(), section[2]
        elif line.startswith(".S"):
            daemon = None
        elif daemon and (item := re.match(r"\.It Cm (.*)$", line)):
            entry = {}
            for name in item[1].replace(" ,", "").split():
                found[daemon, what, name] = entry
        elif daemon and (item := re.match(r'\.It (Li|Em|Va) ("[^"]*"|\S+) Ta (\S+) Ta (\S*)$', line)):
            entry[KINDS[item[1]], item[2].strip('"')] = (item[3], item[4].strip("-") or None)
    return found


def kind_of(value):
    """The page's name of a value's type."""
    return TYPES.get(type(value))


def answered(answer):
    """{(kind, name): (unit, types seen)} of an answer."""
    found = {}
    for name, field in answer.get("fields", {}).items():
        value, unit = (field["value"], field["unit"]) if isinstance(field, dict) else (field, None)
        found["field", name] = (unit, {kind_of(value)} - {None})
    for name in set(answer) - EVERYWHERE:
        found["member", name] = (None, {kind_of(answer[name])})
    table = answer.get("table", {"columns": [], "rows": []})
    for i, column in enumerate(table["columns"]):
        found["column", column["name"]] = (column.get("unit"),
                                           {kind_of(row[i]) for row in table["rows"]} - {None})
    return found


def faults(page, found):
    """What the page says otherwise."""
    for key in sorted(set(page) ^ set(found)):
        yield f"{key}: {'not in the page' if key in found else 'does not come'}"
    for key in set(page) & set(found):
        (kind, unit), (told, types) = page[key], found[key]
        if unit != told:
            yield f"{key}: unit is {told}"
        if types - {kind}:
            yield f"{key}: comes as {types}"


class Merged(dict):
    """What several answers of one command had."""

    def add(self, found):
        """One more of them."""
        for key, (unit, types) in found.items():
            self[key] = (unit, self.get(key, (unit, set()))[1] | types)


def ask_all(world, seen):
    """Every command that shows something, of every daemon."""
    for daemon, node in [*NODES.items(), ("core-agent", "b")]:
        for command in [row["command"] for row in world.rows(node, "help")]:
            if command in ORDERS | {"monitor"}:
                continue
            answer = world.ask(node, command)
            if answer["version"] != VERSION:
                raise ValueError(f"{command}: version {answer['version']}")
            seen.setdefault((daemon, "answer", command), Merged()).add(answered(answer))


def follow(world):
    """{node: connection} that takes events."""
    streams = {}
    for node in [*NODES.values(), "b"]:
        connection = world.control.open(node)
        connection.settimeout(1 * SLOW)
        connection.sendall(b'{"command": "monitor"}\n')
        streams[node] = connection.makefile("rb")
    return streams


def collect(tap, streams, seen):
    """Reads what has come: numbers without holes, and members by event."""
    for node, stream in streams.items():
        daemon = next((d for d, n in NODES.items() if n == node), "core-agent")
        start = json.loads(stream.readline())
        number, good, events = start["sequence"], start["ok"] and "snapshot" in start, 0
        # An end that all of them have.
        while True:
            try:
                line = json.loads(stream.readline())
            except (TimeoutError, ValueError):
                break
            number += 1
            events += 1
            good &= line["sequence"] == number and isinstance(line["time"], float)
            found = {("field", n): (None, {kind_of(v)} - {None}) for n, v in line["data"].items()}
            seen.setdefault((daemon, "event", line["event"]), Merged()).add(found)
        tap.ok(good and events, f"{node}: a snapshot, then {events} events, and no number is left out")


def show(seen):
    """The page's lists, to begin one with."""
    for (daemon, what, name), found in sorted(seen.items()):
        print(f"## {daemon}, {what}\n.It Cm {name}\n.Bl -column -compact")
        for (kind, column), (unit, types) in found.items():
            word = f'"{column}"' if " " in column else column
            print(f".It {next(k for k, v in KINDS.items() if v == kind)} {word} Ta {'/'.join(types) or '?'} Ta {unit or '-'}")
        print(".El")


def test(tap):
    """All of it."""
    with World(tap, LAB) as world:
        seen = {}
        streams = follow(world)
        world.traffic("t1")
        ask_all(world, seen)
        for satellite, core in (("s2", "b"), ("s1", "a"), ("s2", "b")):
            world.handover("t1", satellite)
            world.arrived("t1", core, satellite, f"t1 to {core}")
            ask_all(world, seen)
        world.associate("s1", "b")
        for state in ("down", "up"):
            subprocess.run(["ip", "-n", world.netns("s1"), "link", "set", "feed-b", state], check=True)
            poll(5 * SLOW, lambda passes=state == "up": world.ask("s1", "status")["fields"]["forwarding"] == passes)
        world.ask("b", "release", terminal="t1@a.example")
        poll(5 * SLOW, lambda: world.served("t1", "b"))
        world.kill("b")
        tap.within(10 * SLOW, "a notices that b is away",
                   lambda: world.rows("a", "peers")[0]["state"] == "down")
        world.start("b")
        poll(5 * SLOW, world.peers_up)
        ask_all(world, seen)
        time.sleep(1 * SLOW)
        collect(tap, streams, seen)
        if "--show" in sys.argv:
            show(seen)
            return
        page = documented()
        for key in sorted(set(page) | set(seen)):
            tap.same(f"{key[0]}, {key[1]}: {key[2]}", [], list(faults(page.get(key, {}), seen.get(key, {}))))


main(test)
