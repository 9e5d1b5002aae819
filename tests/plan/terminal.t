#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""sno-plan terminal: the satellites of a place are there when it says so, lead to the core it says,
and are chosen as the policy has it."""

from example import TLE, owned, written
from orbits import EPOCH, done, instant, ok, plan, rows, same, temporary

PLACE = ("--lat", 45, "--lon", 8)
GOOD = owned()
ASSOCIATIONS = written(GOOD)
POLICIES = ("plan", "home-first", "longest", "elevation", "load")
TAU, OUTAGE = 300, 10


def since(text):
    """Seconds since the beginning."""
    return (instant(text) - instant(EPOCH)).total_seconds()


def terminal(*options, sno="a.example", associations=ASSOCIATIONS):
    """Runs it for an hour."""
    known = ("--associations", associations) if associations else ()
    return plan("terminal", *TLE, *known, *PLACE, "--sno", sno, "--start", EPOCH, "--hours", 1, *options)


def windows():
    """{satellite: [(from, until)]} above the place."""
    seen = {}
    for row in rows(plan("visible", *TLE, *PLACE, "--start", EPOCH, "--hours", 1).stdout):
        seen.setdefault(row[2], []).append((since(row[0]), since(row[1])))
    return seen


SEEN = windows()
HELD = {}
for row_ in GOOD:
    HELD.setdefault(row_[2], []).append((since(row_[0]), since(row_[1]), row_[3]))


def offered(start, end, satellite, core):
    """Whether a satellite stands over the place, with this core, for all of that time."""
    return (any(a <= start + .002 and end - .002 <= b for a, b in SEEN.get(satellite, ())) and
            any(a <= start + .002 and end - .002 <= b and core == c for a, b, c in merged(satellite)))


def merged(satellite):
    """A satellite's associations, whatever the station."""
    out = []
    for start, end, core in HELD.get(satellite, ()):
        if out and out[-1][1:] == (start, core):
            start = out.pop()[0]
        out.append((start, end, core))
    return out


def sequence(*options, **keywords):
    """[(from, until, satellite, core)] in seconds."""
    got = terminal(*options, **keywords)
    assert got.returncode == 0, got.stderr
    return [(since(f), since(u), s, c) for f, u, s, c in rows(got.stdout)]


def cost(steps, home):
    """What policy plan minimises."""
    served = sum(until - start for start, until, _, _ in steps)
    away = sum(until - start for start, until, _, core in steps if core != home)
    changes = sum(a[3] != b[3] for a, b in zip(steps, steps[1:]))
    return changes + away / TAU + (3600 - served) / OUTAGE


got_ = terminal()
same(got_.stdout.splitlines()[0], "from,until,satellite,core", "a heading")
for home_ in ("a.example", "b.example"):
    found = {policy: sequence("--policy", policy, sno=home_) for policy in POLICIES}
    for policy, steps in found.items():
        wrong = [step for step in steps if not offered(*step)]
        ok(steps and not wrong, f"{home_}, {policy}: each satellite is there and leads there", wrong)
        ok(all(a[1] <= b[0] for a, b in zip(steps, steps[1:])), f"{home_}, {policy}: one at a time")
    for policy in POLICIES[1:]:
        ok(cost(found["plan"], home_) <= cost(found[policy], home_) + .01,
           f"{home_}: no policy costs less than plan: {policy}",
           (cost(found["plan"], home_), cost(found[policy], home_)))
    ok(not any(offered(start, start + .01, satellite, home_) for start, _, _, core in found["home-first"]
               if core != home_ for satellite in SEEN), f"{home_}, home-first: another core only without")
    same(sequence("--policy", "plan", "--tau", "0.1", "--outage", "0.05", sno=home_)[0][3],
         found["home-first"][0][3], f"{home_}: where home is all that counts, plan begins as home-first")

few = sequence("--policy", "longest")
many = sequence("--policy", "elevation", "--margin", 0)
ok(len(few) < len(many), "longest takes fewer satellites than the highest", (len(few), len(many)))
ok(len(sequence("--policy", "elevation", "--margin", 20)) <= len(many), "a margin saves changes")
there = [name for name, spans in SEEN.items() if spans[0][0] <= .002 and offered(0, .01, name, HELD[name][0][2])]
ok(len(there) > 1, "there are several to begin with", there)
same([sequence("--policy", "longest", "--on", name)[0][2] for name in there], there, "longest stays on what it is on")
busiest = few[0][2]
loads = temporary(f"satellite,load\n{busiest},100\n")
ok(all(not any(offered(start, until, other, core_) for other in SEEN if other != busiest
               for core_ in ("a.example", "b.example"))
       for start, until, satellite, _ in sequence("--policy", "load", "--loads", loads) if satellite == busiest),
   "load: not on the busy one while another is there all the time")

alone = sequence("--agreements", temporary("server,served\n"))
ok(all(core == "a.example" for _, _, _, core in alone), "without agreements only its own core")
lent = next(s for _, _, s, _ in few if s[0] == "B")
reserved = temporary(f"satellite\n{lent}\n")
ok(all(s != lent for _, _, s, _ in sequence("--policy", "longest", "--reserved", reserved)),
   "a satellite that its owner keeps is not used by others")
ok(sequence("--policy", "longest", sno="b.example") ==
   sequence("--policy", "longest", "--reserved", reserved, sno="b.example"), "but by its owner's users")
ok(all(s[0].lower() == c[0] for _, _, s, c in sequence(associations=None)),
   "without associations each leads to its owner's core")

for options, told, status in ((("--sno", "x.example"), "--sno x.example", 1),
                              (("--policy", "best"), "is none of", 2),
                              (("--policy", "load", "--loads", temporary("satellite,load\nX,1\n")),
                               ':2: there is no satellite "X"', 1),
                              (("--on", "X"), "--on X: there is no such satellite", 1),
                              (("--lat", 91), "is no number from -90 to 90", 2),
                              (("--associations", temporary("from\n")), ":1: column until is missing", 1)):
    got_ = terminal(*options)
    ok(got_.returncode == status and told in got_.stderr and not got_.stdout, f"refused: {told}", got_.stderr)

done()
