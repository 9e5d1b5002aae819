#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""snoctl from the outside: exit statuses, what it asks, what it shows, and keys.

The daemon is played by a few lines here, which record the request and give a canned answer. Keys are
checked against another implementation of X25519 (python3-cryptography) where that is installed.
"""

import base64
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

BUILD = os.environ.get("BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "build"))
SRCDIR = os.environ.get("SRCDIR", os.path.join(os.path.dirname(__file__), "..", ".."))
SNOCTL = os.path.join(BUILD, "snoctl")
WORK = tempfile.mkdtemp(prefix="snoctl.")
failures = count = 0


def ok(good, name, detail=""):
    global failures, count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {name}")
    if not good:
        failures += 1
        for line in str(detail).splitlines():
            print(f"# {line}")


def same(got, expected, name):
    ok(got == expected, name, f"got      {got!r}\nexpected {expected!r}")


def run(*arguments, stdin=b"", **keywords):
    environment = {**os.environ, "SNO_RUNDIR": WORK, "LC_ALL": "C.UTF-8"}
    done = subprocess.run([SNOCTL, *arguments], input=stdin, capture_output=True, timeout=300,
                          env=environment, check=False, **keywords)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Daemon:
    """Takes one client after the other; answers each line with the next of the canned lines."""

    def __init__(self, name, *answers):
        self.path = os.path.join(WORK, name)
        self.answers = list(answers)
        self.requests = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client, client.makefile("r") as lines:
                line = lines.readline()
                if line:
                    self.requests.append(json.loads(line))
                    for answer in self.answers:
                        if not isinstance(answer, str):
                            answer = json.dumps(answer)
                        client.sendall(answer.encode() + b"\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        os.unlink(self.path)


def usage():
    for arguments in ([], ["nonsense"], ["satellite"], ["satellite", "turn"], ["terminal", "switch"],
                      ["-d", "ship", "status"], ["-x"], ["genkey", "extra"], ["status", "x"],
                      ["status", "=x"], ["-d", "core", "status", "command=reload"]):
        status, out, err = run(*arguments)
        ok(status == 2 and not out and err, f"usage: {' '.join(arguments) or 'nothing'}",
           (status, out, err))
    status, out, err = run("--help")
    ok(status == 0 and not err and "satellite associate CORE" in out, "--help", out)
    status, out, err = run("-V")
    ok(status == 0 and out.startswith("snoctl "), "-V", out)


def nobody_there():
    same(run("status"),
         (1, "", f"snoctl: no daemon has a socket in {WORK}: is one running? (-N and -s choose another)\n"),
         "no daemon at all")
    same(run("-N", "x", "status")[2],
         f"snoctl: no daemon of instance x has a socket in {WORK}: is one running? (-N and -s choose another)\n",
         "no daemon of this instance")
    same(run("-d", "core", "status"),
         (1, "", f"snoctl: cannot connect to {WORK}/core-agent.sock: is sno-core-agent running?\n"),
         "a named daemon that does not run")
    same(run("-N", "a", "satellite", "associate", "b")[2],
         f"snoctl: cannot connect to {WORK}/sat-forwarder-a.sock: is sno-sat-forwarder running?\n",
         "a command names its daemon")
    left = socket.socket(socket.AF_UNIX)
    left.bind(f"{WORK}/core-agent.sock")
    left.close()
    same(run("status")[2], f"snoctl: cannot connect to {WORK}/core-agent.sock: is sno-core-agent running?\n",
         "a socket that a dead daemon left")
    os.unlink(f"{WORK}/core-agent.sock")


def asked():
    good = {"ok": True}
    with Daemon("core-agent.sock", good) as core, Daemon("terminal-agent.sock", good) as terminal, \
            Daemon("sat-forwarder-s1.sock", good) as satellite:
        same(run("status")[0:2], (1, ""), "two daemons: choose one")
        run("peers")
        run("-d", "core", "status")
        run("-d", "core", "extra", "a=b=c")
        run("bindings", "realm=b.example")
        same(core.requests, [{"command": "peers"}, {"command": "status"},
                             {"command": "extra", "a": "b=c"},
                             {"command": "bindings", "realm": "b.example"}], "what the core is asked")
        run("terminal", "switch", "s2")
        run("terminal", "disconnect")
        run("-s", terminal.path, "status")
        run("-d", "terminal", "disconnect")
        same(terminal.requests, [{"command": "switch", "link": "s2"}, {"command": "disconnect"},
                                 {"command": "status"}, {"command": "disconnect"}],
             "what the terminal is asked")
        run("-N", "s1", "satellite", "associate", "b.example")
        run("-N", "s1", "status")
        same(satellite.requests, [{"command": "associate", "core": "b.example"}, {"command": "status"}],
             "what the satellite is asked")


ANSWER = {
    "ok": True,
    "text": "all is well\nindeed",
    "fields": {"core": "a.example", "up_since": {"value": 1785312000.25, "unit": "time"},
               "uptime": {"value": 12.5, "unit": "s"}, "addresses": ["192.0.2.1", "2001:db8::1"],
               "links": [], "évil": "\x1b[31mred\n"},
    "table": {
        "columns": [{"name": "terminal"}, {"name": "gap", "unit": "ms"}, {"name": "lost_down"},
                    {"name": "at_home"}, {"name": "peer"}],
        "rows": [["alice@a.example", 50.25, 3, True, None], ["bob", 7.0, 12345, False, "b.example"],
                 ["zoë", None, None, None, "c.example"]],
    },
    "private": "not shown",
}
SHOWN = """\
all is well
indeed
core:      a.example
up_since:  2026-07-29T08:00:00.250Z
uptime:    12.5 s
addresses: 192.0.2.1, 2001:db8::1
links:     -
évil:      \\x1b[31mred\\x0a

TERMINAL         GAP (ms)  LOST DOWN  AT HOME  PEER
alice@a.example     50.25          3  yes      -
bob                  7.00      12345  no       b.example
zoë                     -          -  -        c.example
"""


def shown():
    with Daemon("core-agent.sock", ANSWER):
        same(run("status"), (0, SHOWN, ""), "an answer is shown to people")
        same(run("--json", "status"), (0, json.dumps(ANSWER) + "\n", ""), "--json gives it as it was")
    sizes = {"columns": [{"name": "pool"}, {"name": "size"}], "rows": [["a", 18446744073709549568.0], ["b", 254]]}
    with Daemon("core-agent.sock", {"ok": True, "table": sizes}):
        same(run("status")[1], "POOL       SIZE\na     1.845e+19\nb           254\n", "a number that is not exact")
    dates = {"columns": [{"name": "since", "unit": "time"}, {"name": "core"}],
             "rows": [[1785312000.25, "a.example"], [None, "b.example"]]}
    with Daemon("core-agent.sock", {"ok": True, "table": dates}):
        same(run("status")[1], "SINCE                     CORE\n2026-07-29T08:00:00.250Z  a.example\n"
             "-                         b.example\n", "dates stand under their title")
    refusal = {"ok": False, "error": "no link \"\u0007x\"\nat all"}
    with Daemon("core-agent.sock", refusal):
        same(run("status"), (1, "", "snoctl: no link \"\\x07x\"\nat all\n"), "a refusal")
        same(run("-j", "status"), (1, json.dumps(refusal) + "\n", ""), "a refusal with --json")
    with Daemon("core-agent.sock", "nonsense"):
        same(run("status"), (1, "", "snoctl: the daemon's answer makes no sense\n"), "no JSON")
    with Daemon("core-agent.sock"):
        same(run("status"), (1, "", "snoctl: the daemon closed the connection\n"), "no answer")
    with Daemon("core-agent.sock", ANSWER), open("/dev/full", "w", encoding="ascii") as full:
        environment = {**os.environ, "SNO_RUNDIR": WORK}
        status = subprocess.run([SNOCTL, "status"], stdout=full, stderr=subprocess.DEVNULL,
                                env=environment, check=False).returncode
        same(status, 1, "an output that takes nothing is a failure")


PARTS = [
    {"ok": True, "version": 1, "more": True,
     "table": {"columns": [{"name": "peer"}, {"name": "state"}], "rows": [["a.example", "up"], ["b", "none"]]}},
    {"ok": True, "version": 1,
     "table": {"columns": [{"name": "peer"}, {"name": "state"}], "rows": [["c", "down"], ["longer.example", "up"]]}},
]
PARTS_SHOWN = """\
PEER       STATE
a.example  up
b          none
c               down
longer.example  up
"""


def in_parts():
    with Daemon("core-agent.sock", *PARTS):
        same(run("peers"), (0, PARTS_SHOWN, ""), "a table in parts is one table")
        same(run("--json", "peers"), (0, "".join(json.dumps(part) + "\n" for part in PARTS), ""),
             "--json gives each part as it was")
    with Daemon("core-agent.sock", PARTS[0]):
        same(run("peers")[::2], (1, "snoctl: the daemon closed the connection\n"), "a part is missing")
    start = {"ok": True, "version": 1, "sequence": 0}
    with Daemon("core-agent.sock", {**start, "more": True, "snapshot": PARTS[0]},
                {"event": "peer", "sequence": 1, "data": {"peer": "c"}}, {**start, "snapshot": PARTS[1]}):
        same(run("monitor"), (1, PARTS_SHOWN.replace("c   ", "peer peer=c\nc   "),
                              "snoctl: the daemon closed the connection\n"), "so is a snapshot")


def on_terminal(**variables):
    """What `peers` shows on a terminal."""
    environment = {**os.environ, "SNO_RUNDIR": WORK, "TERM": "xterm", **variables}
    master, slave = os.openpty()
    with Daemon("core-agent.sock", PARTS[1]):
        subprocess.run([SNOCTL, "peers"], stdout=slave, env=environment, check=True, timeout=300)
    os.close(slave)
    text = os.read(master, 10000).decode()
    os.close(master)
    return text.replace("\r\n", "\n")


def source(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def coloured():
    os.environ.pop("NO_COLOR", None)
    plain = "PEER            STATE\nc               down\nlonger.example  up\n"
    same(on_terminal(), "\x1b[1mPEER\x1b[0m            \x1b[1mSTATE\x1b[0m\n"
         "c               \x1b[31mdown\x1b[0m\nlonger.example  \x1b[32mup\x1b[0m\n", "colours on a terminal")
    same(on_terminal(NO_COLOR="1"), plain, "none with NO_COLOR")
    same(on_terminal(TERM="dumb"), plain, "none on a dumb terminal")
    ok("\x1b" in on_terminal(NO_COLOR=""), "an empty NO_COLOR says nothing")
    said = "".join(source(name) for name in glob.glob(f"{SRCDIR}/*-*/*.c") + [f"{SRCDIR}/common/doctor.c"])
    states = re.findall(r'\{"([a-z ]+)",\s+(?:GREEN|RED|YELLOW)\}', source(f"{SRCDIR}/common/snoctl_show.c"))
    same([state for state in states if f'"{state}"' not in said], [], "each state with a colour is one that daemons tell")
    ok("discovering" in states, "... and a terminal without a core has one", states)


def monitored():
    start = {"ok": True, "sequence": 6, "snapshot": {"fields": {"terminals": 3}}}
    events = [{"event": "handover", "sequence": 7, "time": 1785312000.25,
               "data": {"terminal": "alice", "gap_ms": 50.25, "soft": False}},
              {"event": "overrun", "sequence": 9, "data": {"lost": 2}}]
    with Daemon("core-agent.sock", start, *events) as daemon:
        same(run("monitor"),
             (1, "terminals: 3\n2026-07-29T08:00:00.250Z handover terminal=alice gap_ms=50.25 soft=no\n"
                 "overrun lost=2\n",
              "snoctl: events came faster than they were read\nsnoctl: the daemon closed the connection\n"),
             "monitor shows what is and what happens")
        status, out, _ = run("--json", "monitor")
        same((status, [json.loads(line) for line in out.splitlines()]), (1, [start, *events]),
             "monitor --json gives every line as it was")
        same(daemon.requests, [{"command": "monitor"}] * 2, "what monitor asks")
    with Daemon("core-agent.sock", {"ok": False, "error": "no"}):
        same(run("monitor"), (1, "", "snoctl: no\n"), "monitor refused")


def public_of(private):
    """The public key, by another implementation; None where there is none."""
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    except ImportError:
        return None
    raw = X25519PrivateKey.from_private_bytes(base64.b64decode(private)).public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def keys():
    status, private, err = run("genkey")
    raw = base64.b64decode(private)
    ok(status == 0 and not err and len(private) == 45 and len(raw) == 32, "genkey", (private, err))
    ok(raw[0] & 7 == 0 and raw[31] & 0x80 == 0 and raw[31] & 0x40, "a private key is clamped", raw.hex())
    ok(run("genkey")[1] != private, "each key is new")
    status, psk, err = run("genpsk")
    ok(status == 0 and not err and len(base64.b64decode(psk)) == 32, "genpsk", (psk, err))
    alice = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f92ebc099f3dddf58c2b8a0e21a")
    alice_public = run("pubkey", stdin=base64.b64encode(alice))[1].strip()
    known = public_of(base64.b64encode(alice))
    if known is None:
        ok(True, "pubkey against another implementation # SKIP python3-cryptography is missing")
    else:
        same(alice_public, known, "pubkey against another implementation")
    status, public, err = run("pubkey", stdin=private.encode())
    ok(status == 0 and len(public) == 45 and not err, "pubkey", (public, err))
    same(run("pubkey", stdin=(private + " \n\t\r\n\0").encode())[1], public, "white space may follow")
    malformed = "snoctl: Key is not the correct length or format\n"
    same(run("pubkey", stdin=b""), (1, "", malformed), "no key")
    same(run("pubkey", stdin=private[:40].encode()), (1, "", malformed), "a short key")
    same(run("pubkey", stdin=b"!" + private[1:].encode()), (1, "", malformed), "no base64")
    same(run("pubkey", stdin=private.encode() + b"x"),
         (1, "", "snoctl: Trailing characters found after key\n"), "something follows")
    warning = ("Warning: writing to world accessible file.\n"
               "Consider setting the umask to 077 and trying again.\n")
    for mode, expected in ((0o644, warning), (0o600, ""), (0o660, "")):
        name = os.path.join(WORK, f"key{mode:o}")
        with open(name, "wb") as file:
            os.chmod(name, mode)
            err = subprocess.run([SNOCTL, "genkey"], stdout=file, stderr=subprocess.PIPE,
                                 check=True).stderr.decode()
        same(err, expected, f"a private key into a file of mode {mode:o}")


for test in (usage, nobody_there, asked, shown, in_parts, coloured, monitored, keys):
    try:
        test()
    except Exception as error:  # pylint: disable=broad-except
        ok(False, test.__name__, repr(error))
print(f"1..{count}")
shutil.rmtree(WORK)
sys.exit(failures > 0)
