#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""sno-plan(1) says what sno-plan says: each command has its section with the options that --help
lists, with the same defaults, and no other; the program knows no other command; and the examples
work as they are printed, among the example files."""

import os
import re
import shutil
import subprocess
import tempfile

from orbits import BUILD, TOP, done, ok, plan, same

with open(os.path.join(TOP, "common/sno-plan.1"), encoding="utf-8") as file:
    TEXT = file.read()
OPTION = re.compile(r"Fl Fl ([a-z-]+)")


def section(name):
    """The text from a heading .Ss to the next."""
    found = re.search(rf"^\.Ss {re.escape(name)}\n(.*?)(?=^\.S[sh] )", TEXT, re.S | re.M)
    return found.group(1) if found else ""


def items(text):
    """{option: (letter, plain text of the item)} of a section."""
    found = {}
    for item in re.split(r"^\.It ", text, flags=re.M)[1:]:
        head, _, body = item.partition("\n")
        plain = re.sub(r"^\.(Fl Fl|[A-Z][a-z]) ?", "", body, flags=re.M).replace("\n", " ")
        for name in OPTION.findall(head):
            letter = re.search(rf"Fl ([A-Za-z]) , Fl Fl {name}\b", head)
            found[name] = (letter and letter[1], plain)
    return found


COMMON = items(section("What is given to a command"))
commands = re.findall(r"^  (\w+) +(?=\w)", plan("--help").stdout.split("Commands:")[1].split("Options:")[0], re.M)
same(set(commands), set(re.findall(r"^\.Ss ([a-z]+)$", TEXT, re.M)), "each command has its section")
for command in commands:
    said = re.findall(r"^ +(?:-(\w), )?--([a-z-]+)(?: \S+)? +(.*)$", plan(command, "--help").stdout, re.M)
    own, faults = items(section(command)), []
    for letter, name, told in said:
        if name in ("help", "version"):
            continue
        known = own.get(name) or COMMON.get(name)
        default = re.search(r"\((-?[0-9.]+)[^)]*\)$", told)
        if not known:
            faults.append(f"--{name} is not in the manual")
        elif (known[0] or "") != letter:
            faults.append(f"--{name} is -{letter or 'nothing'}, the manual has -{known[0]}")
        elif default and default[1] not in known[1] + section(command):
            faults.append(f"--{name}: the default is {default[1]}: {known[1]}")
    faults += [f"--{name} is in the manual and not in the program" for name in own
               if name not in {s[1] for s in said}]
    ok(said and not faults, command, "\n".join(faults))

with tempfile.TemporaryDirectory() as folder:
    for name in os.listdir(os.path.join(TOP, "conf")):
        if name.endswith((".tle", ".csv")):
            shutil.copy(os.path.join(TOP, "conf", name), folder)
    lines = re.search(r"^\.Sh EXAMPLES\n(.*?)(?=^\.Sh )", TEXT, re.S | re.M)[1].replace("\\e\n", "\\\n")
    script = re.findall(r"^\$ ((?:.*\\\n)*.*)$", lines, re.M)
    got = subprocess.run(["sh", "-e"], input="\n".join(script), cwd=folder, capture_output=True, text=True,
                         env=os.environ | {"PATH": f"{BUILD}:{os.environ['PATH']}"}, check=False)
    ok(script and got.returncode == 0, "the examples", got.stdout + got.stderr)

done()
