#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
"""A core with very many subscribers on its control socket: a table of all of them, asked for by
somebody who reads slowly or not at all, keeps nobody waiting, neither who asks something else nor a
terminal; rows can be chosen; and somebody who subscribes to events gets the snapshot, then events,
unless he does not read. (What memory that takes is measured in tests/unit/test-control-stream.c.)

    t1 of core a:  s1 (a), s2 (a)       goes to and fro
"""

import base64
import json
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import BUILD, SLOW, note                                           # noqa: E402
from world import World, main                                               # noqa: E402

MANY = 100000
LAB = """
gap 10ms
advertise 200ms
core a
core b
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2
"""


def crowd(world):
    """Many subscribers more at a."""
    entries = "".join(
        f'  {{ nai = "u{n}@a.example"; public_key = "{base64.b64encode(n.to_bytes(32, "little")).decode()}"; }},\n'
        for n in range(1, MANY + 1))
    world.change("a", ("subscribers = (\n", "subscribers = (\n" + entries))


class Client:
    """Somebody on the control socket, with a small buffer."""

    def __init__(self, world, **request):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(os.path.join(world.lab.state.dir, "a.sock"))
        self.socket.settimeout(20 * SLOW)
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        self.lines = self.socket.makefile("rb")

    def line(self):
        """The next line, or None at the end."""
        text = self.lines.readline()
        return json.loads(text) if text else None

    def close(self):
        """Goes."""
        self.lines.close()
        self.socket.close()


def snoctl(world, *words):
    """What it prints."""
    return subprocess.run([os.path.join(BUILD, "snoctl"), "-s", os.path.join(world.lab.state.dir, "a.sock"),
                           *words], check=False, capture_output=True, encoding="utf-8")


def slowly(tap, world):
    """All rows, read in small portions, while others ask and a terminal moves."""
    reader = Client(world, command="bindings")
    rows, parts, waits, more = set(), 0, [], True
    while more:
        part = reader.line()
        rows.update(row[0] for row in part["table"]["rows"])
        more, parts = part.get("more"), parts + 1
        if parts % 10 == 1:
            begin = time.monotonic()
            world.ask("a", "status")
            waits.append(time.monotonic() - begin)
        if parts == 20:
            world.handover("t1", "s2")
    reader.close()
    note(f"{len(rows)} rows in {parts} parts; others waited {max(waits) * 1000:.1f} ms at most")
    tap.same("every subscriber is there", MANY + 1, len(rows))
    tap.ok(parts > MANY / 2000, "in parts", parts)
    tap.ok(len(waits) > 5, "others were answered meanwhile", waits)
    world.arrived("t1", "b", "s2", "so was a terminal")


def not_at_all(tap, world):
    """Somebody asks and reads nothing."""
    clients = [Client(world, command="bindings") for _ in range(10)]
    time.sleep(1 * SLOW)
    tap.same("who does not read keeps nobody waiting", True, world.ask("a", "status")["ok"])
    for client in clients:
        client.close()


def chosen(tap, world):
    """Rows by their columns."""
    for words, wanted in ((("nai=u77777@a.example",), ["u77777@a.example"]),
                          (("terminal=u9999[0-4]@*",), [f"u9999{n}@a.example" for n in range(5)]),
                          (("peer=b.example",), ["t1@a.example"]),
                          (("core=none", "terminal=t*"), [])):
        shown = snoctl(world, "--json", "bindings", *words)
        rows = [row[0] for line in shown.stdout.splitlines() for row in json.loads(line)["table"]["rows"]]
        tap.same(f"bindings {' '.join(words)}", wanted, sorted(rows))
    shown = snoctl(world, "bindings", "shoes=red")
    tap.ok(shown.returncode == 1 and "shoes" in shown.stderr, "a column that is not there", shown)
    tap.same("all of them, for people", MANY + 2, len(snoctl(world, "bindings").stdout.splitlines()))


def followed(tap, world):
    """Events behind a snapshot in parts, which may be among them."""
    client = Client(world, command="monitor")
    idle = Client(world, command="monitor")
    first = client.line()
    world.handover("t1", "s1")
    number, rows, seen, more = first["sequence"], len(first["snapshot"]["table"]["rows"]), [], True
    while more or "handover" not in seen:
        line = client.line()
        if "event" in line:
            number += 1
            seen.append(line["event"])
            tap.same(f"{line['event']} has the next number", number, line["sequence"])
        else:
            rows += len(line["snapshot"]["table"]["rows"])
            more = line.get("more")
    client.close()
    tap.same("the snapshot has all", MANY + 1, rows)
    tap.ok("binding" in seen, "events tell of the handover", seen)
    world.arrived("t1", "a", "s1", "t1 is home")
    # Nothing read for half a minute is a reader that is gone.
    tap.within(60 * SLOW, "who reads nothing is dropped",
               lambda: world.logged("a", "client dropped: it does not read"))
    idle.close()


def test(tap):
    """All of it."""
    with World(tap, LAB, crowd) as world:
        world.traffic("t1", tcp=False)
        slowly(tap, world)
        not_at_all(tap, world)
        chosen(tap, world)
        followed(tap, world)


main(test)
