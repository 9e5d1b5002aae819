#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""sno-plan propagate: states within a millimetre of python3-sgp4's over a day, for constellations
made here and for all elements at hand; and what it refuses."""

import glob
import os
import subprocess

from orbits import (BUILD, EPOCH, NEED_SGP4, SHARED, Satrec, done, elements, instant, julian, ok,
                    plan, rows, same, satellites, skip, temporary)

STEP, COUNT = 1200, 73
MINE = "".join((
    elements("LOW", 90001, (53, 10, "0001400", 80, 280.1234), 15.06, " 10000-3"),
    elements("SUN-SYNCHRONOUS", 90002, (97.6, 120.5, "0011000", 200, 159.9), 14.95, " 38792-4"),
    elements("ROUND", 90003, (87.9, 359.9999, "0000000", 0, 0), 13.2),
    elements("EQUATORIAL", 90004, (0, 77.7, "0100000", 33, 211), 14.1, " 50000-4"),
    elements("ECCENTRIC", 90005, (34.2682, 348.7242, "1859667", 331.7664, 19.3264), 10.82419157),
    elements("PERIGEE 190 KM", 90006, (28.5, 45.1, "0333000", 310, 47), 15.5, " 21906-3"),
    elements("PERIGEE 120 KM", 90007, (64.9, 301.2, "0650000", 12.5, 340), 14.98, " 12345-4"),
    elements("PERIGEE 85 KM", 90008, (82.1, 9.9, "0948000", 90, 10), 14.39, " 10000-5"),
    elements("RISING", 90009, (87.18, 284.4, "0003928", 87.17, 109.66), 14.94, "-97893-5"),
    elements("LONG", 90010, (63.4, 200, "3800000", 270, 0), 6.54, " 10000-3"),
    elements("BACKWARDS", 90011, (180, 0, "0002000", 10, 20), 15.0, " 10000-4"),
))
FAR = elements("GEOSTATIONARY", 90020, (0.01, 100, "0002000", 10, 20), 1.0027)
FALLING = elements("FALLING", 90021, (50, 0, "0010000", 0, 0), 16.2, " 10000-1")


def compare(path, start, what):
    """All satellites of a file against python3-sgp4."""
    if not Satrec:
        skip(what, NEED_SGP4)
        return
    oracle = {name: Satrec.twoline2rv(first, second)
              for name, first, second in satellites(path)}
    near = {name for name, satellite in oracle.items() if satellite.method == "n"}
    got = plan("propagate", "--tle", path, "--start", start, "--step", STEP, "--count", COUNT)
    worst = worst_speed = states = 0
    ended = set()
    seen = set()
    for name, time, *numbers in rows(got.stdout):
        error, position, velocity = oracle[name].sgp4(*julian(instant(time)))
        if error:
            ended.add(f"{name} at {time} is error {error} there")
        mine = list(map(float, numbers))
        worst = max(worst, *(abs(a - b) for a, b in zip(position, mine)))
        worst_speed = max(worst_speed, *(abs(a - b) for a, b in zip(velocity, mine[3:])))
        seen.add(name)
        states += 1
    # Who decays has fewer states, which is said; nobody else is missing.
    told = got.stderr.count("decayed") + got.stderr.count("out of range")
    ok(seen == near and not ended and worst < 1e-6 and worst_speed < 1e-9 and
       (states == COUNT * len(near) or told) and
       got.stderr.count("deep space") == len(oracle) - len(near),
       f"{what}: {len(near)} satellites within {worst * 1e6:.5f} mm, {worst_speed * 1e9:.5f} um/s",
       f"{got.stderr[:500]}\nmissing {sorted(near - seen)[:5]}\n{sorted(ended)[:5]}")


# --- what is printed ---------------------------------------------------------------------------------

mine = temporary(MINE)
got = plan("propagate", "-t", mine, "--start", "2026-01-01T00:00:00.25Z", "--step", "0.5", "-n", 3,
           "--satellite", "ROUND")
lines = got.stdout.splitlines()
same(got.returncode, 0, "it succeeds")
same(lines[0], "satellite,time,x,y,z,vx,vy,vz", "the heading")
same([line.split(",")[:2] for line in lines[1:]],
     [["ROUND", "2026-01-01T00:00:00.25Z"], ["ROUND", "2026-01-01T00:00:00.75Z"],
      ["ROUND", "2026-01-01T00:00:01.25Z"]], "one satellite, in steps of half a second")
ok(all(len(field.split(".")[1]) >= 9 for line in lines[1:] for field in line.split(",")[2:]),
   "digits for a millionth of a metre")
got = plan("propagate", "--tle", mine, "--start", EPOCH)
same([row[0] for row in rows(got.stdout)],
     ["LOW", "SUN-SYNCHRONOUS", "ROUND", "EQUATORIAL", "ECCENTRIC", "PERIGEE 190 KM",
      "PERIGEE 120 KM", "PERIGEE 85 KM", "RISING", "LONG", "BACKWARDS"],
     "all satellites in the order of the file")
same(len(rows(plan("propagate", "--tle", mine, "--tle", "x=" + temporary(FALLING), "--start",
                   EPOCH).stdout)), 12, "several files, and SNO=FILE")

# --- states ------------------------------------------------------------------------------------------

compare(mine, EPOCH, "elements of all kinds")
for pattern, inclination, altitude in (("delta", 53, 550), ("star", 86.4, 780), ("star", 87.9, 1200)):
    made = plan("walker", "--satellites", 60, "--planes", 6, "--phasing", 2, "--pattern", pattern,
                "--inclination", inclination, "--altitude", altitude, "--epoch", EPOCH, "--name", "W")
    compare(temporary(made.stdout), EPOCH, f"a Walker {pattern} at {altitude} km")
KNOWN = {"Iridium.tle": "2022-09-14T12:00:00Z", "OneWeb.tle": "2022-09-14T12:00:00Z",
         "Telesat.tle": "2022-09-14T12:00:00Z"}
files = [os.path.join(SHARED, name) for name in sorted(KNOWN)]
files += sorted(glob.glob(os.path.join(SHARED, "scenarios", "*", "*.tle")))
for path in files:
    name = os.path.relpath(path, SHARED)
    if os.path.exists(path):
        compare(path, KNOWN.get(name, EPOCH), name)
    else:
        skip(name, "not in ../shared/data")

# --- what is refused ---------------------------------------------------------------------------------

mixed = temporary(MINE + FAR)
got = plan("propagate", "--tle", mixed, "--start", EPOCH)
same(got.returncode, 1, "a deep-space object is a failure")
same(got.stderr, f"{mixed}:35: satellite GEOSTATIONARY: deep space: a period of 225 minutes or more\n",
     "told with name and line")
same(len(rows(got.stdout)), 11, "the others are there")
got = plan("propagate", "--tle", mixed, "--start", EPOCH, "--satellite", "LOW")
same((got.returncode, got.stderr), (0, ""), "who asks for another one is not bothered")

falling = temporary(FALLING + MINE)
got = plan("propagate", "--tle", falling, "--start", EPOCH, "--step", STEP, "--count", COUNT)
states = [row for row in rows(got.stdout) if row[0] == "FALLING"]
ok(got.returncode == 1 and 0 < len(states) < COUNT and "satellite FALLING at 2026-01-01T" in got.stderr,
   "a satellite that decays ends there, and it is said", got.stderr)
same(len(rows(got.stdout)) - len(states), 11 * COUNT, "the others go on")

broken = temporary(MINE.replace("2 90003  87.9000", "2 90003  87.8000").replace("ECCENTRIC", "A,B"))
got = plan("propagate", "--tle", broken, "--start", EPOCH)
same((got.returncode, got.stdout), (1, ""), "a file with faults is refused whole")
same([line.split(":")[:2] for line in got.stderr.splitlines()], [[broken, "9"], [broken, "13"]],
     "every fault is told with its line")
got = plan("propagate", "--tle", "/nonexistent", "--start", EPOCH)
same((got.returncode, got.stderr), (1, "/nonexistent: cannot be read: No such file or directory\n"),
     "a file that is not there")
got = plan("propagate", "--tle", mine, "--start", EPOCH, "--satellite", "NOBODY")
same((got.returncode, got.stderr), (1, 'sno-plan propagate: no satellite "NOBODY" in the files\n'),
     "a satellite that is not there")
for arguments, told in (
        ([], "--tle FILE is missing"),
        (["--tle", mine], "--start TIME is missing"),
        (["--tle", mine, "--start", "yesterday"], "is no time in UTC"),
        (["--tle", mine, "--start", EPOCH, "--count", "0"], "is no whole number from 1 to"),
        (["--tle", mine, "--start", EPOCH, "--step", "1x"], "is no number from"),
        (["--tle", mine, "--start", EPOCH, "more"], 'what is "more"?'),
        (["--tle"], "--tle needs an argument"),
        (["-x"], "no option -x"),
        (["--colour"], "no option --colour")):
    got = plan("propagate", *arguments)
    ok(got.returncode == 2 and told in got.stderr and not got.stdout,
       f"usage: {told}", f"{got.returncode} {got.stdout}{got.stderr}")
with open("/dev/full", "w", encoding="ascii") as full:
    got = subprocess.run([os.path.join(BUILD, "sno-plan"), "propagate", "--tle", mine, "--start", EPOCH],
                         stdout=full, stderr=subprocess.PIPE, text=True, check=False)
ok(got.returncode == 1 and "No space left" in got.stderr, "a full disk is a failure", got.stderr)

done()
