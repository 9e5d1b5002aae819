#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual pages say what the programs say: each key of each configuration file with its range,
default and when a change takes effect (as DAEMON -h -v prints them), each option, each control
command, and nothing that is not there."""

import os
import re
import subprocess
import sys

TOP = os.environ.get("SRCDIR") or os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")
BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")
DAEMONS = ("core-agent", "terminal-agent", "sat-forwarder")
BUILT_IN = {"reload", "monitor", "help"}        # what common/ adds to the commands of a daemon

points = []


def point(name, faults):
    """One TAP point; `faults` are lines that say what is wrong."""
    points.append(not faults)
    print(f"{'not ok' if faults else 'ok'} {len(points)} - {name}")
    for fault in faults:
        print(f"# {fault}")


def read(path):
    """A file of the source tree."""
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def output(*command):
    """What a program of the build prints."""
    return subprocess.run([os.path.join(BUILD, command[0]), *command[1:]], check=True,
                          capture_output=True, encoding="utf-8").stdout


def plain(line):
    """A line of mdoc without macros and punctuation that they separate."""
    if line.startswith("."):
        words = [w for w in line[1:].split() if not re.fullmatch(r"[A-Z][a-z]|Ns|No", w)]
        line = re.sub(r" ([,.;:)]+)$", r"\1", " ".join(words))
    return line


class Item:
    """A key as a page documents it."""

    def __init__(self, names, above):
        self.names, self.above, self.text = names, above, ""

    def paths(self):
        """Every key that this item stands for."""
        roots = self.above.paths() if self.above else [""]
        return [f"{root}.{name}".lstrip(".") for root in roots for name in self.names]


def documented(page):
    """path -> Item, from the .Ss sections (groups) and the nested lists (keys) of a page."""
    items, above, depth = {}, [], 0
    for line in page.split("\n.Sh DESCRIPTION", 1)[1].split("\n.Sh ", 1)[0].splitlines():
        if line.startswith(".Ss "):
            above, depth = [Item([line[4:].strip()], None)], 0
            items[line[4:].strip()] = above[0]
        elif line.startswith(".Bl"):
            depth += 1
        elif line.startswith(".El"):
            del above[depth:]
            depth -= 1
        elif line.startswith(".It Cm ") and depth:
            del above[depth:]
            item = Item(line[7:].replace(" ,", "").split(), above[-1])
            above.append(item)
            items.update(dict.fromkeys(item.paths(), item))
        elif above:
            above[-1].text += plain(line) + "\n"
    return items


def said(item):
    """The texts that speak about an item: its own, then those of what it is in."""
    while item:
        yield item.text
        item = item.above


def key_faults(item, kind, default, when):
    """What a page says wrongly about one key."""
    own = " ".join(item.text.split())
    always = re.search(r"Required(\.| in this group)", own)
    told = re.search(r"Default: (\S+)", own)
    if (default == "required") != bool(always):
        yield "is required" if default == "required" else "is not required"
    if default not in ("required", "none") and (not told or told[1].rstrip(".,:") != default):
        yield f"default is {default}, not {told and told[1]}"
    if default in ("required", "none") and told and re.match(r"[\d/]", told[1]):
        yield "has no such default"
    limits = re.search(r", (\S+) to (\S+)$", kind)
    if limits and f"{limits[1]} to {limits[2]}" not in own and \
            not (limits[1] == "0" and re.search(rf"\b0, or \d+ to {limits[2]}\b", own)):
        yield f"range is {limits[1]} to {limits[2]}"
    for name in re.findall(r'"([a-z0-9]+)"', kind if kind.startswith("one of") else ""):
        if not re.search(rf"\b{name}\b", own):
            yield f"may be {name}"
    if when == "reload" and not any(re.search("reloadable", text, re.I) for text in said(item)):
        yield "is reloadable"
    if when == "restart" and re.search(r"Reloadable", own):
        yield "is not reloadable"


def check_keys(daemon):
    """One point per key, and one for keys that do not exist."""
    page = f"{daemon}/sno-{daemon}.conf.5"
    items = documented(read(page))
    keys = set()
    for line in output(f"sno-{daemon}", "-h", "-v").split("\nKeys", 1)[1].splitlines()[1:]:
        path, kind, default, when, _ = line.split("\t")
        path = path.replace("[]", "")
        keys.add(path)
        if path not in items:
            point(f"{page}: {path}", ["is not there"])
        elif kind.endswith("a group { ... }"):
            top = items[path].text if "." not in path else None
            required = default == "required" and top is not None and "Required" not in top
            point(f"{page}: {path}", ["does not say that it is required"] if required else [])
        else:
            point(f"{page}: {path}", list(key_faults(items[path], kind, default, when)))
    point(f"{page}: no other keys", sorted(set(items) - keys))


def own_commands(daemon):
    """The control commands of a daemon, from the table that its `help` is made of."""
    table = re.search(r"show_commands\[\] = \{(.*?)\n\};|show_commands\[\] = \{(.*?)\}\};",
                      read(f"{daemon}/show.c"), re.S)[0]
    return set(re.findall(r'\{"([a-z]+)",', table))


def first_words(page, pattern):
    """Every word that heads an item of a list."""
    return {word for line in re.findall(pattern, page, re.M) for word in line.replace(" ,", "").split()}


def check_commands():
    """Each command is in the daemon's page and in snoctl(1), and snoctl knows it."""
    client = read("common/snoctl.1")
    known = {}
    for daemon in DAEMONS:
        page = read(f"{daemon}/sno-{daemon}.8")
        listed = first_words(page.split("\n.Sh CONTROL", 1)[1].split("\n.Sh ", 1)[0], r"^\.It Cm (.*)")
        commands = own_commands(daemon) | BUILT_IN
        known[daemon.split("-", 1)[0].replace("sat", "satellite")] = commands
        point(f"sno-{daemon}.8 has its commands", sorted(commands - listed - {"help"}))
        point(f"snoctl.1 has the commands of {daemon}",
              sorted(commands - first_words(client, r"^\.It Cm (.*)")))
    words = [line.split()[:2] for line in
             output("snoctl", "-h").split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    groups = {second: {first} for first, second in words if first in known}
    offered = set(groups) | {first for first, _ in words if first not in known}
    point("what snoctl offers the daemon knows",
          sorted(word for word in offered - {"genkey", "pubkey", "genpsk"}
                 if not any(word in known[daemon] for daemon in groups.get(word, known))))
    point("snoctl.1 has all that snoctl offers",
          sorted(word for word in offered if not re.search(rf"^\..*Cm .*\b{word}\b", client, re.M)))


def check_options():
    """Each option of -h is in the page, and the exit statuses are."""
    for program, path in [(f"sno-{d}", f"{d}/sno-{d}.8") for d in DAEMONS] + [("snoctl", "common/snoctl.1")]:
        page = read(path)
        options = set(re.findall(r"^  -([A-Za-z])\b", output(program, "-h"), re.M))
        there = set(re.findall(r"^\.It Fl ([A-Za-z])\b", page, re.M))
        point(f"{path} has the options", sorted(f"-{o}" for o in options ^ there))
        status = page.split("\n.Sh EXIT STATUS", 1)[-1].split("\n.Sh ", 1)[0]
        point(f"{path} has the exit statuses", [n for n in "012" if not re.search(rf"\b{n}\b", status)])


def check_references():
    """Pages of ours that another one refers to exist; each refers to snoctl(1)."""
    pages = {}
    for folder in (*DAEMONS, "common", "scripts"):
        for name in os.listdir(os.path.join(TOP, folder)):
            if re.search(r"\.[1-8]$", name):
                pages[name] = read(f"{folder}/{name}")
    for name, page in sorted(pages.items()):
        wanted = {f"{a}.{b}" for a, b in re.findall(r"^\.Xr (sno\S*) (\d)", page, re.M)}
        faults = sorted(wanted - set(pages))
        if name != "snoctl.1" and "snoctl.1" not in wanted:
            faults.append("does not refer to snoctl(1)")
        point(f"{name}: references", faults)


def check_journal():
    """Each kind of event has its MESSAGE_ID in sno-journal(7), and no other one is there."""
    page = read("common/sno-journal.7")
    known = dict(re.findall(r'\{LOG_EVENT_([A-Z_]+), "([0-9a-f]{32})"\}', read("common/log_journal.c")))
    listed = dict(re.findall(r"^\.It Cm ([a-z-]+)\n\.Li ([0-9a-f]{32})$", page, re.M))
    wanted = {name.lower().replace("_", "-"): value for name, value in known.items()}
    point("sno-journal.7 has each MESSAGE_ID",
          [f"{n} {i}" for n, i in sorted(wanted.items() ^ listed.items())] or ([] if known else ["none is known"]))


def check_diagnostics(daemon):
    """What a page's DIAGNOSTICS quote is said by somebody: the words between names and the like."""
    sources = [f"{folder}/{name}" for folder in (daemon, "common")
               for name in sorted(os.listdir(os.path.join(TOP, folder))) if name.endswith(".c")]
    said = re.sub(r'"\s*"', "", "".join(map(read, sources)))
    page = read(f"{daemon}/sno-{daemon}.8")
    quoted = re.findall(r"^\.It Ql (.*)$", (page.split("\n.Sh DIAGNOSTICS") + [""])[1].split("\n.Sh ")[0], re.M)
    point(f"sno-{daemon}.8 quotes what is said",
          [text for text in quoted for words in re.split(r"\b[A-Z][A-Z@]+\b|: |\.\.\.", text)
           if words.strip(": ") not in said])


for each in DAEMONS:
    check_keys(each)
    check_diagnostics(each)
check_journal()
check_commands()
check_options()
check_references()
print(f"1..{len(points)}")
sys.exit(not all(points))
