# SPDX-License-Identifier: GPL-2.0-or-later
"""The example of conf/ as tests use it: its files, and associations for an hour of it that know
nothing of the planner (tests/plan/owners)."""

import os
import subprocess

from orbits import EPOCH, TOP, plan, temporary

CONF = os.path.join(TOP, "conf")
ELEMENTS = [(sno, os.path.join(CONF, f"{sno}.tle")) for sno in ("a.example", "b.example")]
TLE = [word for sno, path in ELEMENTS for word in ("--tle", f"{sno}={path}")]
STATIONS = os.path.join(CONF, "stations.csv")
USERS = os.path.join(CONF, "users.csv")
HEADING = "from,until,satellite,core,station"


def table(path):
    """A file's rows as dictionaries."""
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    return [dict(zip(lines[0].split(","), line.split(","))) for line in lines[1:]]


def owned():
    """[[from, until, satellite, core, station]]: each satellite with its owner's core."""
    out = subprocess.run([os.path.join(TOP, "tests/plan/owners"), STATIONS, EPOCH, "1",
                          *("=".join(pair) for pair in ELEMENTS)], check=True, capture_output=True,
                         text=True).stdout
    return [line.split(",") for line in out.splitlines()[1:]]


def written(rows, heading=HEADING):
    """A file with these associations; its path."""
    return temporary("\n".join([heading, *(",".join(row) for row in rows), ""]))


def verify(rows, *options, stations=STATIONS, heading=HEADING):
    """What sno-plan verify says of them: exit status, lines without the file's name, complaints."""
    path = written(rows, heading)
    got = plan("verify", "--quiet", *TLE, "--stations", stations, *options, path)
    return got.returncode, [line.replace(path + ":", "", 1) for line in got.stdout.splitlines()], \
        got.stderr
