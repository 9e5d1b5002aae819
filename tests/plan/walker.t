#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""sno-plan walker: elements that other programs read, in the pattern that was asked for."""

from orbits import EPOCH, NEED_SGP4, Satrec, checksum, done, ok, plan, same, satellites, skip, temporary

GOOD = {"--satellites": 40, "--planes": 5, "--phasing": 3, "--inclination": 70, "--altitude": 900,
        "--epoch": EPOCH, "--name": "TEST"}


def walker(**changes):
    """Runs it with GOOD and what differs."""
    options = {**GOOD, **{"--" + key: value for key, value in changes.items()}}
    return plan("walker", *(word for pair in options.items() if pair[1] is not None for word in pair))


got = walker()
same((got.returncode, got.stderr), (0, ""), "it succeeds")
lines = got.stdout.splitlines()
same(len(lines), 120, "three lines each")
ok(all(len(line) == 69 and checksum(line[:68]) == line for line in lines if line[:2] in ("1 ", "2 ")),
   "lines of 69 characters with good checksums")
sets = satellites(temporary(got.stdout))
same([name for name, _, _ in sets], [f"TEST-{i:04d}" for i in range(1, 41)], "names by number")
same({second[17:25].strip() for _, _, second in sets},
     {"0.0000", "72.0000", "144.0000", "216.0000", "288.0000"}, "delta: five planes over 360 degrees")
same([second[43:51].strip() for _, _, second in sets[8:10]], ["27.0000", "72.0000"],
     "phased by 3 x 360/40 degrees from plane to plane, 45 within one")
if Satrec:
    orbits = [Satrec.twoline2rv(first, second) for _, first, second in sets]
    heights = [sum(x * x for x in orbit.sgp4_tsince(minute)[1]) ** 0.5 - 6378.135
               for orbit in orbits for minute in range(0, 100, 10)]
    ok(max(abs(height - 900) for height in heights) < 15, "python3-sgp4 finds them 900 km up",
       (min(heights), max(heights)))
else:
    skip("python3-sgp4 finds them 900 km up", NEED_SGP4)

sets = satellites(temporary(walker(pattern="star", first=100001, node=10, anomaly=20).stdout))
same({second[17:25].strip() for _, _, second in sets},
     {"10.0000", "46.0000", "82.0000", "118.0000", "154.0000"}, "star: over 180 degrees, from 10")
same((sets[0][0], sets[0][1][2:7], sets[0][2][43:51].strip()), ("TEST-100001", "A0001", "20.0000"),
     "catalogue numbers above 99999, and the first anomaly")

for changes, told in (
        ({"planes": 7}, "the planes must divide the satellites"),
        ({"phasing": 5}, "the phasing must be less than the number of planes"),
        ({"first": 339990}, "catalogue numbers go from 1 to 339999"),
        ({"name": "A,B"}, "the name must be printable ASCII"),
        ({"altitude": 100}, "is no number from 160 to 5700"),
        ({"pattern": "rose"}, "is none of delta, star"),
        ({"name": None}, "--name NAME is missing"),
        ({"epoch": "2026"}, "is no time in UTC")):
    got = walker(**changes)
    ok(got.returncode == 2 and told in got.stderr and not got.stdout, f"usage: {told}", got.stderr)
got = walker(epoch="2077-01-01T00:00:00Z")
ok(got.returncode == 1 and "1957 to 2056" in got.stderr and not got.stdout,
   "an epoch that elements cannot say", got.stderr)

done()
