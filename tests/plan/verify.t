#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""sno-plan verify: a good plan is good, each kind of damage is found in its line, and the measures
are those that an independent sky and a plain dynamic programme find."""

import json
import math

from example import ELEMENTS, HEADING, STATIONS, USERS, owned, table, verify
from orbits import (EPOCH, NEED_SGP4, Satrec, done, fixed, instant, julian, ok, plan, same, satellites,
                    skip, sky, temporary)

GOOD = owned()


def shifted(text, seconds):
    """A time, so much later."""
    hours, minutes, rest = text[11:-1].split(":")
    total = int(hours) * 3600 + int(minutes) * 60 + float(rest) + seconds
    return f"{text[:11]}{int(total // 3600):02d}:{int(total // 60 % 60):02d}:{total % 60:06.3f}Z"


def damaged(line, column, value):
    """The good plan, with another value in a line of the file (the heading is line 1)."""
    rows = [list(row) for row in GOOD]
    rows[line - 2][column] = value
    return rows


def found(name, rows, line, told, *options, **keywords):
    """A test point: this is told of this line, and nothing else."""
    status, lines, complaints = verify(rows, *options, **keywords)
    ok(status == 1 and len(lines) == 1 and lines[0].startswith(f"{line}: ") and told in lines[0],
       name, "\n".join([f"status {status}", *lines, complaints]))


def first(wish):
    """The line of the first row that is as wished: a function of row, and of the one before."""
    return next(i + 2 for i, row in enumerate(GOOD) if wish(row, GOOD[i - 1] if i else [""] * 5))


# ---- faults ---------------------------------------------------------------------------------

status_, lines_, _ = verify(GOOD)
same((status_, lines_), (0, [f" good, {len(GOOD)} associations"]), "an undamaged plan is good")

# Begins in the middle of the hour, with nothing of the satellite before: a rise.
rise = first(lambda row, last: row[2] != last[2] and row[0] > "2026-01-01T00:10" and
             row[3] == "a.example" and row[4] != "gs-a5")
found("a station that does not see the satellite yet",
      damaged(rise, 0, shifted(GOOD[rise - 2][0], -20)), rise, "degrees at 2026-01-01T00:")
found("... any more", damaged(rise, 1, shifted(GOOD[rise - 2][1], 5)), rise, "but should at 10 or more")
ok(verify(damaged(rise, 0, shifted(GOOD[rise - 2][0], 20)))[0] == 0, "a later beginning is as good")
# A station of the same core on the other side of the Earth.
found("a station that never does", damaged(rise, 4, "gs-a5"), rise, "station gs-a5 sees satellite")
found("a station of another core", damaged(rise, 3, "b.example"), rise,
      "belongs to core a.example, not to b.example")
found("no such satellite", damaged(rise, 2, "X-1"), rise, "no elements of satellite X-1")
found("no such core", damaged(rise, 3, "x.example"), rise, "core x.example has neither")
found("no such station", damaged(rise, 4, "gs-x"), rise, "there is no station gs-x")
found("no station", damaged(rise, 4, ""), rise, "no station is named")
found("two at a time", GOOD + [GOOD[rise - 2]], len(GOOD) + 2, f"overlaps line {rise}")
latest = max(range(len(GOOD)), key=lambda i: GOOD[i][1]) + 2
status_, lines_, _ = verify(GOOD, "--start", EPOCH, "--hours", 0.9)
beyond = sum(row[1] > "2026-01-01T00:54" for row in GOOD)
ok(status_ == 1 and len(lines_) == beyond and all("outside the time" in line for line in lines_),
   "associations beyond the plan's end", lines_)

short = sorted(first(lambda row, last, r=row_: row == r) for row_ in GOOD
               if row_[0] > EPOCH[:-1] + ".000Z" and row_[1] < "2026-01-01T01:00:00.000Z"
               and (instant(row_[1]) - instant(row_[0])).total_seconds() < 120)
status_, lines_, _ = verify(GOOD, "--start", EPOCH, "--hours", 1, "--dwell", 120)
same((status_, [line.split(":")[0] for line in lines_]), (1, [str(line) for line in short]),
     f"{len(short)} associations shorter than the dwell")
ok(short and all("less than the dwell of 120" in line for line in lines_), "... and said so", lines_)

# One association cut in two without a gap is one.
cut = first(lambda row, last: EPOCH < row[0] and row[1] < "2026-01-01T01" and
            (instant(row[1]) - instant(row[0])).total_seconds() > 240)
middle = shifted(GOOD[cut - 2][0], 100)
halves = damaged(cut, 1, middle) + [[middle, *GOOD[cut - 2][1:]]]
same(len(verify(halves, "--start", EPOCH, "--hours", 1, "--dwell", 120)[1]), len(short),
     "an association in two rows is looked at as one")

crowded = temporary("sno,name,lat,lon,capacity\n" + "".join(
    f"{s['sno']},{s['name']},{s['lat']},{s['lon']},{1 if s['name'] == 'gs-a1' else ''}\n"
    for s in table(STATIONS)))
together = [row for row in GOOD if row[4] == "gs-a1"]
expected = sum(sum(o[0] <= row[0] < o[1] for o in together) > 1 for row in together)
status_, lines_, _ = verify(GOOD, stations=crowded)
ok(status_ == 1 and expected and len(lines_) == len({line.split(":")[0] for line in lines_}) >= 1
   and all("station gs-a1 has" in line and "but takes 1" in line for line in lines_),
   "more satellites than a station takes", lines_)
same(verify(GOOD, "--station-capacity", 1)[0], 1, "--station-capacity holds where the table says none")

# Satellites of a with core b where a station of b sees them: allowed, agreed, reserved.
windows = [(row[2], row[0], row[1]) for row in
           (line.split(",") for line in plan("visible", "--tle", ELEMENTS[0][1], "--lat", 48.9, "--lon", 2.3,
                                             "--start", EPOCH, "--hours", 1, "--min-elevation",
                                             10).stdout.splitlines()[1:])]
visitor, begin, end = windows[0]
lent = [[begin, end, visitor, "b.example", "gs-b1"]]
same(verify(lent)[0], 0, "a satellite may be with another core")
nobody = temporary("server,served\nb.example,a.example\n")
found("unless its owner does not serve it", lent, 2, "does not serve b.example", "--agreements", nobody)
kept = temporary(f"satellite\n{visitor}\n")
found("unless its owner keeps it", lent, 2, "is reserved for a.example", "--reserved", kept)

# Relays: a satellite that sees no station itself, over the visitor.
RELAYED = HEADING + ",via"
results = {name: verify([[begin, end, name, "b.example", "gs-b1", visitor]], "--isl-range", 100000,
                        heading=RELAYED)
           for name, _, _ in satellites(ELEMENTS[0][1])[:60] if name != visitor}
near = [name for name, result in results.items() if result[0] == 0]
ok(near and all("does not see satellite" in lines[0] for status, lines, _ in results.values() if status),
   f"a satellite may be relayed over a neighbour that it sees: {len(near)} of {len(results)} do")
neighbours = [name for name in near if verify([[begin, end, name, "b.example", "gs-b1", visitor]],
                                              heading=RELAYED)[0] == 0]
ok(0 < len(neighbours) < len(near), f"links reach 5,000 km unless said otherwise: to {len(neighbours)}")
status_, lines_, _ = verify([[begin, end, near[0], "b.example", "gs-b1", visitor]], "--isl-range", 100,
                            heading=RELAYED)
ok(status_ == 1 and f"km from satellite {visitor}" in lines_[0] and "but links reach 100 km" in lines_[0],
   "a neighbour that is too far away is found", lines_)
found("a relay that is reserved", [[begin, end, near[0], "b.example", "gs-b1", visitor]], 2,
      f"{visitor} is reserved", "--reserved", kept, heading=RELAYED)

# ---- bad input ------------------------------------------------------------------------------

for options, told in ((("--agreements", temporary("server,served\na.example,q\n")), ':2: served "q" has neither'),
                      (("--reserved", temporary("satellite\nQ\n")), ':2: there is no satellite "Q"'),
                      (("--users", temporary("sno,lat,lon,weight\na.example,91,0,1\n")), ':2: lat "91" is no'),
                      (("--users", temporary("sno,lat,lon,weight\n")), "there are no users"),
                      (("--report", temporary("{}")), "is no report"),
                      (("--stations", temporary("sno,name,lat,lon\na.example,g,1,2\nb.example,g,3,4\n")),
                       ':3: there is another station "g"'),
                      (("--stations", temporary("sno,name,lat,lon\n" + "".join(
                          f"{i},g{i},0,0\n" for i in range(7)))), ':8: sno "6" is one too many'),
                      (("--tle", "no-elements.tle"), '"no-elements.tle" is not SNO=FILE'),
                      (("--stations", temporary("sno,name,lat\n")), ":1: column lon is missing")):
    status_, lines_, complaints_ = verify(GOOD, *options)
    ok(status_ == 1 and told in complaints_, f"refused: {told}", complaints_)
same(plan("verify", *map(str, ("--tle", "x", "--stations", STATIONS, "y"))).returncode, 1,
     "elements without an SNO are refused")
same(plan("verify", "--stations", STATIONS).returncode, 2, "a missing option is a usage error")

# Longitudes go from -180 to 360.
turned = temporary("sno,name,lat,lon\n" + "".join(
    f"{s['sno']},{s['name']},{s['lat']},{float(s['lon']) % 360}\n" for s in table(STATIONS)))
same(verify(GOOD, stations=turned)[0], 0, "longitudes may go on to 360")

# ---- measures -------------------------------------------------------------------------------

SLOT, TAU, OUTAGE = 15, 300, 10
NAMES = ("inter_sno_per_user_hour", "handovers_per_user_hour", "home_share", "served_share",
         "association_changes_per_satellite_hour", "objective")


def best_path(available, home):
    """The least cost of a user, and how often he changes: (cost, changes, home slots, served)."""
    states = {"a.example": (0, 0, 0, 0), "b.example": (0, 0, 0, 0)}
    for have in available:
        least = min(states.values())
        nxt = {}
        for core, state in states.items():
            if not have:
                cost, *rest = state
                nxt[core] = (cost + SLOT / OUTAGE, *rest)
            elif core in have:
                cost, changes, at_home, served = min(state, (least[0] + 1, least[1] + 1, *least[2:]))
                nxt[core] = (cost + (core != home) * SLOT / TAU, changes, at_home + (core == home), served + 1)
            else:
                nxt[core] = (math.inf, 0, 0, 0)
        states = nxt
    return min(states.values())


def measured():
    """The measures by python3-sgp4 and best_path()."""
    oracles = {name: Satrec.twoline2rv(one, two) for _, path in ELEMENTS for name, one, two in satellites(path)}
    users = table(USERS)
    sites = {(u["lat"], u["lon"]): [set() for _ in range(240)] for u in users}
    seconds = []        # a core over one station after the other, in one piece
    for row in GOOD:
        begins, ends = ((instant(t) - instant(EPOCH)).total_seconds() for t in row[:2])
        if seconds and seconds[-1][:2] == (row[2], row[3]) and seconds[-1][3] == begins:
            begins = seconds.pop()[2]
        seconds.append((row[2], row[3], begins, ends))
    for name, core, begins, ends in seconds:
        for slot in range(240):
            if not begins <= slot * SLOT + 1e-6 or not (slot + 1) * SLOT <= ends + 1e-6:
                continue
            when = instant(shifted(EPOCH[:-1] + ".000Z", (slot + 0.5) * SLOT))
            position = fixed(when, oracles[name].sgp4(*julian(when))[1])
            for (lat, lon), slots in sites.items():
                if sky(float(lat), float(lon), 0, position)[0] >= 25:
                    slots[slot].add(core)
    total = sum(float(u["weight"]) for u in users)
    sums = [0, 0, 0, 0]
    for user in users:
        path = best_path(sites[user["lat"], user["lon"]], user["sno"])
        sums = [s + float(user["weight"]) * p for s, p in zip(sums, path)]
    return {"inter_sno_per_user_hour": sums[1] / total, "home_share": sums[2] / total / 240,
            "served_share": sums[3] / total / 240, "objective": sums[0]}


status_, lines_, complaints_ = verify(GOOD, "--users", USERS, "--start", EPOCH, "--hours", 1, "--step", SLOT)
figures = dict(line.split() for line in lines_[1:])
same(tuple(figures), NAMES, "with users it prints all measures")
if Satrec:
    for name_, value in measured().items():
        ok(math.isclose(float(figures[name_]), value, rel_tol=1e-5), f"{name_} is {value:.6g}", figures[name_])
else:
    skip("measures", NEED_SGP4)
ok(float(figures["handovers_per_user_hour"]) >= float(figures["inter_sno_per_user_hour"]),
   "every change of core is a handover")
changes_ = sum(row[0] > EPOCH[:-1] + ".000Z" for row in GOOD)
ok(math.isclose(float(figures["association_changes_per_satellite_hour"]), changes_ / 132, rel_tol=1e-4),
   "association changes are counted")

report = {"inputs": {"start": EPOCH, "hours": 1, "step": SLOT, "min_elevation": 25, "station_elevation": 10,
                     "tau": TAU, "outage": OUTAGE, "gamma": 0, "dwell": 0},
          "plan": {name: float(value) for name, value in figures.items()}}
status_, lines_, _ = verify(GOOD, "--users", USERS, "--report", temporary(json.dumps(report)))
ok(status_ == 0 and dict(line.split() for line in lines_[1:]) == figures,
   "a report that says the same is confirmed, with its own settings", lines_)
report["plan"]["home_share"] += 0.02
status_, lines_, _ = verify(GOOD, "--users", USERS, "--report", temporary(json.dumps(report)))
ok(status_ == 1 and "home_share of the plan is said to be" in lines_[-1], "one that does not is not", lines_)

done()
