# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of sno-plan's orbits share: TAP, sno-plan itself, elements, and an independent sky.

The sky is python3-sgp4 for SGP4, and for the rest a few lines from the definitions of WGS-84 and of
sidereal time: another way to the same angles than orbit/geodesy.c takes.
"""

import datetime
import math
import os
import subprocess
import sys
import tempfile

try:
    from sgp4.api import Satrec
except ImportError:
    Satrec = None

TOP = os.environ.get("SRCDIR") or os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")
SHARED = os.path.join(os.environ.get("SNO_SHARED") or os.path.join(TOP, "..", "shared"), "data")
NEED_SGP4 = "needs python3-sgp4 (scripts/install-deps)"
EPOCH = "2026-01-01T00:00:00Z"

_tests = {"count": 0, "failed": 0}
_folder = tempfile.TemporaryDirectory(prefix="sno-plan-")     # is gone when the test is


def ok(good, name, detail=""):
    """A test point."""
    _tests["count"] += 1
    print(f"{'ok' if good else 'not ok'} {_tests['count']} - {name}")
    if not good:
        _tests["failed"] += 1
        for line in str(detail).splitlines():
            print(f"# {line}")


def same(got, expected, name):
    """A test point for equality."""
    ok(got == expected, name, f"got      {got!r}\nexpected {expected!r}")


def skip(name, reason):
    """A test point that cannot be had here."""
    _tests["count"] += 1
    print(f"ok {_tests['count']} - {name} # SKIP {reason}")


def done():
    """The plan, and the exit."""
    print(f"1..{_tests['count']}")
    sys.exit(1 if _tests["failed"] else 0)


def plan(*arguments, **keywords):
    """Runs sno-plan; a CompletedProcess with text."""
    return subprocess.run([os.path.join(BUILD, "sno-plan"), *map(str, arguments)],
                          capture_output=True, text=True, check=False, **keywords)


def rows(text):
    """Lines of CSV as lists, without the heading."""
    return [line.split(",") for line in text.splitlines()[1:]]


def temporary(text):
    """A file with this text; its path."""
    with tempfile.NamedTemporaryFile("w", dir=_folder.name, delete=False, newline="") as out:
        out.write(text)
        return out.name


def checksum(line):
    """A line of 68 characters with its checksum."""
    return line + str(sum(int(c) if c.isdigit() else c == "-" for c in line) % 10)


def elements(name, number, angles, motion, bstar=" 00000+0", epoch="26001.00000000"):
    """Three lines. angles: inclination, node, eccentricity (seven digits), perigee, anomaly."""
    inclination, node, eccentricity, perigee, anomaly = angles
    first = f"1 {number:05d}U 26001A   {epoch}  .00000000  00000+0 {bstar} 0  999"
    second = (f"2 {number:05d} {inclination:8.4f} {node:8.4f} {eccentricity} {perigee:8.4f} "
              f"{anomaly:8.4f} {motion:11.8f}    1")
    return "\n".join((name, checksum(first), checksum(second), ""))


def satellites(path):
    """[(name, line 1, line 2)] of a file of two or three lines each."""
    found, name, first = [], None, None
    with open(path, encoding="ascii") as lines:
        for line in lines:
            line = line.rstrip()
            if line.startswith("1 "):
                first = line
            elif line.startswith("2 "):
                found.append((name or first[2:7].strip(), first, line))
                name = None
            elif line and not line.startswith("#"):
                name = line
    return found


def instant(text):
    """ISO 8601 as a datetime."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def julian(when):
    """A datetime as Julian date, whole part and fraction."""
    days = when - datetime.datetime(2000, 1, 1, 12, tzinfo=datetime.timezone.utc)
    return 2451545.0 + days.days, (days.seconds + days.microseconds / 1e6) / 86400


def sidereal(when):
    """Greenwich mean sidereal time in radians, from the days since 2000 (IAU 1982, by days)."""
    whole, fraction = julian(when)
    days = whole - 2451545.0 + fraction
    century = days / 36525
    degrees = (280.46061837 + 360.98564736629 * days + 0.000387933 * century ** 2
               - century ** 3 / 38710000)
    return math.radians(degrees % 360)


def fixed(when, position):
    """TEME to Earth-fixed."""
    angle = sidereal(when)
    return (math.cos(angle) * position[0] + math.sin(angle) * position[1],
            math.cos(angle) * position[1] - math.sin(angle) * position[0], position[2])


def sky(latitude, longitude, height, position):
    """Elevation, azimuth (degrees) and range (km) of an Earth-fixed position."""
    lat, lon = math.radians(latitude), math.radians(longitude)
    major, minor = 6378.137, 6378.137 * (1 - 1 / 298.257223563)
    curve = math.hypot(major * math.cos(lat), minor * math.sin(lat))
    across = (major ** 2 / curve + height / 1000) * math.cos(lat)
    up = (minor ** 2 / curve + height / 1000) * math.sin(lat)
    way = (position[0] - across * math.cos(lon), position[1] - across * math.sin(lon),
           position[2] - up)
    out = math.cos(lon) * way[0] + math.sin(lon) * way[1]
    east = math.cos(lon) * way[1] - math.sin(lon) * way[0]
    north = math.cos(lat) * way[2] - math.sin(lat) * out
    above = math.sin(lat) * way[2] + math.cos(lat) * out
    distance = math.sqrt(sum(x * x for x in way))
    return (math.degrees(math.asin(above / distance)), math.degrees(math.atan2(east, north)) % 360,
            distance)
