#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""sno-plan visible: windows as an independent sky has them, second by second."""

import datetime
import os

from orbits import (EPOCH, NEED_SGP4, SHARED, Satrec, done, elements, fixed, instant, julian, ok, plan,
                    rows, same, satellites, skip, sky, temporary)

MINE = "".join((
    elements("LOW", 90001, (53, 10, "0001400", 80, 280.1234), 15.06, " 10000-3"),
    elements("POLAR", 90003, (87.9, 359.9999, "0000000", 0, 0), 13.2),
    elements("ECCENTRIC", 90005, (63.4, 348.7242, "1859667", 270, 19.3264), 10.82419157),
))
HEADING = "from,until,satellite,max_elevation,culmination,rise_azimuth,set_azimuth,range"
PLACES = ((48.137, 11.575, 519, 25), (-77.85, 166.67, 10, 10), (0, -179.5, 0, 60))


def at(oracle, place, when):
    """Elevation, azimuth and range by the independent sky."""
    error, position, _ = oracle.sgp4(*julian(when))
    assert not error
    return sky(*place[:3], fixed(when, position))


def brute(oracle, place, start, seconds):
    """[(first, last)] second at which the satellite is up."""
    found, begun = [], None
    for second in range(seconds + 1):
        up = at(oracle, place, start + datetime.timedelta(seconds=second))[0] >= place[3]
        if up and begun is None:
            begun = second
        elif not up and begun is not None:
            found.append((begun, second - 1))
            begun = None
    if begun is not None:
        found.append((begun, seconds))
    return found


def ask(path, place, start, hours, *more):
    """Runs sno-plan visible."""
    return plan("visible", "--tle", path, "--lat", place[0], "--lon", place[1], "--height", place[2],
                "--min-elevation", place[3], "--start", start, "--hours", hours, *more)


def compare(path, names, start, hours, what):
    """Windows of these satellites from all places."""
    if not Satrec:
        skip(what, NEED_SGP4)
        return
    oracles = {name: Satrec.twoline2rv(first, second) for name, first, second in satellites(path)}
    begin = instant(start)
    windows = 0
    wrong = []
    for place in PLACES:
        got = [row for row in rows(ask(path, place, start, hours).stdout) if row[2] in names]
        for name in names:
            mine = [row for row in got if row[2] == name]
            spans = [tuple((instant(time) - begin).total_seconds() for time in row[:2])
                     for row in mine]
            wanted = brute(oracles[name], place, begin, int(hours * 3600))
            # Shorter than the steps of brute force it is none of its business.
            spans_seen = [span for span in spans if int(span[1]) >= -(-span[0] // 1)]
            if len(spans_seen) != len(wanted):
                wrong.append(f"{name} from {place}: {spans_seen} instead of {wanted}")
                continue
            for (first, last), (mine_first, mine_last) in zip(wanted, spans_seen):
                windows += 1
                if not (first - 1.01 < mine_first <= first + 0.01 and
                        last - 0.01 <= mine_last < last + 1.01):
                    wrong.append(f"{name} from {place}: {mine_first}, {mine_last} instead of "
                                 f"{first}, {last}")
            for row, span in zip(mine, spans):
                top = at(oracles[name], place, instant(row[4]))
                rise = at(oracles[name], place, instant(row[0]))
                end = at(oracles[name], place, instant(row[1]))
                steps = [at(oracles[name], place,
                            begin + datetime.timedelta(seconds=span[0] + (span[1] - span[0]) * i / 20))[0]
                         for i in range(21)]
                if (abs(top[0] - float(row[3])) > 0.01 or max(steps) > float(row[3]) + 0.01 or
                        abs((rise[1] - float(row[5]) + 180) % 360 - 180) > 0.06 or
                        abs((end[1] - float(row[6]) + 180) % 360 - 180) > 0.06 or
                        abs(top[2] - float(row[7])) > 0.06):
                    wrong.append(f"{row}: {top} {rise} {end} {max(steps)}")
    ok(windows > 5 and not wrong, f"{what}: {windows} windows to the second", "\n".join(wrong[:10]))


mine = temporary(MINE)
got = ask(mine, PLACES[0], EPOCH, 24)
same((got.returncode, got.stderr, got.stdout.splitlines()[0]), (0, "", HEADING), "the heading")
found = rows(got.stdout)
same(found, sorted(found), "in the order of their beginning")
ok(all(float(row[3]) >= 25 and row[0] <= row[4] <= row[1] for row in found),
   "culmination lies within, above the least elevation")
alone = ask(mine, PLACES[0], EPOCH, 24, "--satellite", "POLAR", "--threads", 1)
same(rows(alone.stdout), [row for row in found if row[2] == "POLAR"], "one satellite alone")
whole = ask(mine, PLACES[0], EPOCH, 24, "--min-elevation", 0)
ok(len(rows(whole.stdout)) > len(found), "a lower horizon has more")

compare(mine, ["LOW", "POLAR", "ECCENTRIC"], EPOCH, 10, "elements of all kinds")
real = os.path.join(SHARED, "OneWeb.tle")
if os.path.exists(real):
    compare(real, ["ONEWEB-0012", "ONEWEB-0475"], "2022-09-15T06:30:00Z", 6, "OneWeb")
else:
    skip("OneWeb", "not in ../shared/data")

far = temporary(MINE + elements("GEOSTATIONARY", 90020, (0.01, 100, "0002000", 10, 20), 1.0027))
got = ask(far, PLACES[0], EPOCH, 24)
same((got.returncode, got.stderr),
     (1, f"{far}:11: satellite GEOSTATIONARY: deep space: a period of 225 minutes or more\n"),
     "a deep-space object is told with name and line")
same(rows(got.stdout), found, "the others are there")
for arguments, told in (
        (["--lat", 91], "--lat: \"91\" is no number from -90 to 90"),
        (["--lat", 0, "--lon", 400], "--lon: \"400\" is no number from -180 to 360"),
        (["--tle", mine, "--lat", 0, "--start", EPOCH], "--lon DEGREES is missing"),
        (["--tle", mine, "--lat", "nan", "--start", EPOCH], "is no number"),
        (["--hours", 0], "is no number from")):
    got = plan("visible", *arguments)
    ok(got.returncode == 2 and told in got.stderr and not got.stdout, f"usage: {told}", got.stderr)
got = plan("visible", "--help")
ok(got.returncode == 0 and "--min-elevation DEGREES" in got.stdout, "--help")

done()
