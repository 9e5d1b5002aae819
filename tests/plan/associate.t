#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""sno-plan associate: plans that the checker finds good, that do not depend on threads, that
mean what the report says, that keep rules, and that are what the issue was after: far fewer
changes of core than figure 2 at no less time at home, and never below the bound."""

import glob
import json
import os
import stat
import subprocess

from example import STATIONS, TLE, USERS
from orbits import EPOCH, SHARED, done, ok, plan, same, skip, temporary

SMALL = ["--hours", "1", "--iterations", "80", "--rounds", "30"]


def associate(*options, elements=None, stations=STATIONS, users=USERS, start=EPOCH):
    """(exit status, rows of the plan as text, report, complaints, file of the plan, of the
    report)."""
    out, report = temporary("old\n"), temporary("")
    got = plan("associate", "--quiet", *(elements or TLE), "--stations", stations, "--users", users,
               "--start", start, "--out", out, "--report", report, *options)
    with open(out, encoding="utf-8") as file:
        text = file.read()
    try:
        with open(report, encoding="utf-8") as file:
            said = json.load(file)
    except ValueError:
        said = None
    return got.returncode, text, said, got.stderr, out, report


def rows(text):
    """Associations as dictionaries."""
    lines = text.splitlines()
    return [dict(zip(lines[0].split(","), line.split(","))) for line in lines[1:]]


def checked(out, report, *options, elements=None, stations=STATIONS, users=USERS):
    """What the independent checker says of a plan and its report."""
    return plan("verify", "--quiet", *(elements or TLE), "--stations", stations, "--users", users,
                "--report", report, *options, out)


# ---- a small plan ---------------------------------------------------------------------------

status, text, report, told, out, said = associate(*SMALL, "--threads", "1")
same((status, told), (0, ""), "plans the example")
got = checked(out, said)
same(got.returncode, 0, "the checker finds the plan good, and its figures as reported")
ok(report["bound"]["objective"] <= report["plan"]["objective"] <= report["figure2"]["objective"] and
   report["plan"]["objective"] <= report["figure2_planned_terminals"]["objective"],
   "bound <= plan <= figure 2", json.dumps(report, indent=1))
same(associate(*SMALL, "--threads", "3")[1], text, "the plan does not depend on threads")
ok(associate(*SMALL, "--seed", "2")[1] != text, "it depends on the seed")

pipe = temporary("")
os.unlink(pipe)
os.mkfifo(pipe)
with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
    got = plan("associate", "--quiet", *TLE, "--stations", STATIONS, "--users", USERS, "--start", EPOCH,
               *SMALL, "--out", pipe)
    same((got.returncode, reader.communicate()[0]), (0, text), "what is no file is written into")
ok(stat.S_ISFIFO(os.stat(pipe).st_mode), "... and stays what it is")

# ---- rules ----------------------------------------------------------------------------------

alone = temporary("server,served\n")
status, text, report, told, out, said = associate(*SMALL, "--agreements", alone)
same(status, 0, "plans for operators that do not share")
ok(report["plan"]["inter_sno_per_user_hour"] == 0 and
   abs(report["plan"]["home_share"] - report["plan"]["served_share"]) < 1e-9,
   "then nobody is ever away from home")
same(checked(out, said, "--agreements", alone).returncode, 0, "the checker finds that good")

status, text, report, told, out, said = associate(*SMALL, "--station-capacity", "1", "--dwell", "120")
same(status, 0, "plans for stations that take one satellite, and long dwells")
same(checked(out, said, "--station-capacity", "1").returncode, 0, "the checker finds that good")

kept = rows(associate(*SMALL)[1])[0]["satellite"]
reserved = temporary(f"satellite\n{kept}\n")
status, text, report, told, out, said = associate(*SMALL, "--reserved", reserved)
same(checked(out, said, "--reserved", reserved).returncode, 0, "a reserved satellite stays with its owner")

# ---- several stretches, and going on --------------------------------------------------------

status, text, report, told, out, said = associate(*SMALL, "--stretch", "25", "--overlap", "10")
same(status, 0, "plans in stretches that overlap")
same(checked(out, said).returncode, 0, "the checker finds that good")
ok(report["bound"]["objective"] <= report["plan"]["objective"], "the sum of the parts' bounds is a bound")

status, later, report, told, after, said = associate(*SMALL, "--present", out, start="2026-01-01T00:30:00Z")
same(status, 0, "goes on from a plan in force")
same(checked(after, said).returncode, 0, "the checker finds that good")
at = {row["satellite"]: (row["core"], row["station"]) for row in rows(text)
      if row["from"] <= "2026-01-01T00:29:45Z" and row["until"] > "2026-01-01T00:30:00Z"}
begun = {row["satellite"]: (row["core"], row["station"]) for row in rows(later)
         if row["from"] == "2026-01-01T00:30:00Z"}
ok(sum(begun.get(name) == held for name, held in at.items()) >= 0.6 * len(at),
   "most satellites stay where they are", f"{at}\n{begun}")

# ---- links between satellites ---------------------------------------------------------------

few = temporary("sno,name,lat,lon\na.example,gs-a1,52.4,13.1\nb.example,gs-b1,48.9,2.3\n")
without = associate(*SMALL, stations=few)[2]
status, text, report, told, out, said = associate(*SMALL, "--isl", stations=few)
same((status, told), (0, ""), "plans relays where stations are few")
same(checked(out, said, stations=few).returncode, 0, "the checker finds that good, and its figures as reported")
relayed = [row for row in rows(text) if row["via"]]
same(report["work"]["relayed"], len(relayed), "the report says how many associations are relayed")
ok(relayed and report["plan"]["served_share"] > without["plan"]["served_share"] + 0.1,
   "they serve users where no station is near", json.dumps([without["plan"], report["plan"]]))
ok(without["work"]["relayed"] == 0 and without["inputs"]["isl_range"] is None and
   report["inputs"]["isl_range"] == 5000, "without links nothing is relayed")
ok(report["bound"]["objective"] <= report["plan"]["objective"] <= report["figure2"]["objective"],
   "bound <= plan <= figure 2, with links")
same(associate(*SMALL, "--isl", "--threads", "3", stations=few)[1], text, "... whatever the number of threads")
own = {row["satellite"] for row in rows(text) if not row["via"]}
ok(all(row["via"] != row["satellite"] for row in relayed) and
   not [1 for row in relayed for over in relayed if over["satellite"] == row["via"] and
        over["from"] < row["until"] and row["from"] < over["until"]], "nobody relays who is relayed")
ok({row["via"] for row in relayed} & own, "some serve users of their own at the same time")
status, text, report, told, out, said = associate(*SMALL, "--isl", "--isl-range", "3500", stations=few)
ok(0 < report["work"]["relayed"] < len(relayed), "shorter links relay less", report["work"])
same(checked(out, said, stations=few).returncode, 0, "the checker finds that good, within that range")
same(checked(out, said, "--isl-range", "3000", stations=few).returncode, 1, "... and not within less")
status, text, report, told, out, said = associate(*SMALL, "--isl", "--station-capacity", "1", stations=few)
same(checked(out, said, "--station-capacity", "1", stations=few).returncode, 0,
     "stations that take one satellite take one, and whom it relays")
pairs = [(row, over) for row in rows(text) if row["via"] for over in rows(text)
         if over["station"] == row["station"] and row["via"] in (over["satellite"], over["via"]) and
         over != row and over["from"] < row["until"] and row["from"] < over["until"]]
ok(pairs, "... both at the same time")
scarce = [report, associate(*SMALL, "--station-capacity", "2", stations=few)[2],
          associate(*SMALL, "--station-capacity", "1")[2]]
ok(all(said["plan"]["objective"] <= said["figure2_planned_terminals"]["objective"] for said in scarce),
   "room that is scarce goes to where it is of use", [
       (said["plan"]["objective"], said["figure2_planned_terminals"]["objective"]) for said in scarce])
status, text, report, told, out, said = associate(*SMALL, "--isl", "--stretch", "25", "--overlap", "10", stations=few)
same(checked(out, said, stations=few).returncode, 0, "plans relays in stretches")
now, held = max(((now, {(row["satellite"], row["via"]) for row in rows(text)
                       if row["via"] and row["from"] < now < row["until"]})
                for now in (f"2026-01-01T00:{minute}:00Z" for minute in range(10, 50, 5))),
               key=lambda found: len(found[1]))
status, later, report, told, after, said = associate(*SMALL, "--isl", "--present", out, stations=few, start=now)
same(checked(after, said, stations=few).returncode, 0, "goes on from a plan with relays")
begun = {(row["satellite"], row["via"]) for row in rows(later) if row["from"] == now}
ok(len(held) > 2 and len(held & begun) >= 0.6 * len(held), "most stay with their neighbour", f"{held}\n{begun}")

# ---- a span that is no number of slots ------------------------------------------------------

uneven = ["--hours", "0.512", "--step", "20", "--iterations", "40", "--rounds", "10"]
for policy in ("plan", "figure2"):
    status, text, report, told, out, said = associate(*uneven, "--policy", policy)
    same((status, told), (0, ""), f"{policy}: plans a span that ends within a slot")
    same(checked(out, said).returncode, 0, "the checker finds that good, and its figures as reported")
    same(max(row["until"] for row in rows(text)), "2026-01-01T00:30:43.2Z", "... up to its very end")

# ---- prices ---------------------------------------------------------------------------------

swept = associate(*SMALL, "--tau-sweep", "60,300,1500")
same(swept[1], associate(*SMALL)[1], "the plan is that of --tau")
curve = swept[2]["tau_sweep"]
same([point["tau"] for point in curve], [60, 300, 1500], "a sweep has a point for each tau")
mine, theirs = swept[2]["plan"], swept[2]["figure2"]
same({key: curve[1][key] for key in mine}, mine, "that of --tau is the plan's")
same(curve[1]["bound"], swept[2]["bound"]["objective"], "... and so is its bound")
alone = associate(*SMALL, "--tau", "60")[2]
same({key: curve[0][key] for key in mine}, alone["plan"], "that of another is the other plan's")
ok(abs(curve[0]["inter_sno_cut"] - 1 + curve[0]["inter_sno_per_user_hour"] / theirs["inter_sno_per_user_hour"])
   < 1e-9 and curve[2]["inter_sno_cut"] > curve[0]["inter_sno_cut"], "with the cut against figure 2", curve)
ok(associate(*SMALL)[2]["tau_sweep"] is None, "without --tau-sweep there is none")
ok('has what is no number' in plan("associate", "--tau-sweep", "60,,1").stderr, "a list is of numbers")
ok('has what is no number' in plan("associate", "--tau-sweep", "60,0").stderr, "... in range")
ok('add --report' in plan("associate", *TLE, "--stations", STATIONS, "--users", USERS, "--start", EPOCH, "--hours",
                          1, "--out", "-", "--tau-sweep", 60).stderr, "... and for the report")
ok(curve[0]["inter_sno_per_user_hour"] >= curve[1]["inter_sno_per_user_hour"] >= curve[2]["inter_sno_per_user_hour"],
   "the less time away costs, the fewer handovers", curve)
ok(curve[0]["home_share"] >= curve[2]["home_share"], "... and the less time at home", curve)

status, text, report, told, out, said = associate(*SMALL, "--home-share", "figure2")
mine, theirs = report["plan"], report["figure2"]
same((status, told), (0, ""), "plans for as much time at home as in figure 2")
ok(theirs["home_share"] <= mine["home_share"] and report["inputs"]["home_share"] == theirs["home_share"],
   "then users are at home as much", json.dumps(report, indent=1))
ok(mine["inter_sno_per_user_hour"] < theirs["inter_sno_per_user_hour"], "... with fewer handovers", [mine, theirs])
same(checked(out, said).returncode, 0, "the checker finds that good, and its figures as reported with the tau found")
ok(report["bound"]["objective"] <= mine["objective"], "the bound is of that tau")
same(associate(*SMALL, "--home-share", "figure2", "--threads", "3")[1], text, "... whatever the number of threads")
most = associate(*SMALL, "--home-share", "1")
ok(most[0] == 0 and most[2]["plan"]["home_share"] > mine["home_share"], "as much as can be, where that is too little",
   most[3])
ok(f'for {most[2]["plan"]["home_share"]:.4f} of their time' in most[3] and "reaches the 1.0000 of --home-share" in most[3],
   "... and a message says so", most[3])
between = (mine["home_share"] + most[2]["plan"]["home_share"]) / 2
more = associate(*SMALL, "--home-share", f"{between:.4f}")[2]
ok(between - 1e-4 <= more["plan"]["home_share"] < most[2]["plan"]["home_share"] and
   mine["inter_sno_per_user_hour"] <= more["plan"]["inter_sno_per_user_hour"] <
   most[2]["plan"]["inter_sno_per_user_hour"] and more["inputs"]["tau"] < report["inputs"]["tau"],
   "more time at home costs handovers", json.dumps([mine, more, most[2]["plan"]]))
stretched = associate(*SMALL, "--home-share", "figure2", "--stretch", "25", "--overlap", "10")
ok(stretched[2]["plan"]["home_share"] >= theirs["home_share"] and
   stretched[2]["bound"]["objective"] <= stretched[2]["plan"]["objective"], "in stretches too", stretched[2])
same(checked(*stretched[4:]).returncode, 0, "... which the checker finds good")
for share in ("0", "1.5", "much", "figure3", "0.5x"):
    status, *_, told, _, _ = associate(*SMALL, "--home-share", share)
    ok(status == 2 and "a number above 0 and up to 1, or figure2" in told, f"--home-share {share} is wrong usage", told)
same(associate(*SMALL, "--home-share", "0.5", "--policy", "figure2")[0], 2, "... as it is with the policy figure2")

status, text, report, told, out, said = associate(*SMALL, "--policy", "figure2")
same(report["plan"], report["figure2_planned_terminals"], "figure 2's associations, when asked for")

# ---- faults ---------------------------------------------------------------------------------

status, text, report, told, *_ = associate(*SMALL, "--overlap", "200")
same((status, text), (2, "old\n"), "an overlap longer than a stretch is wrong usage")
status, text, report, told, *_ = associate(*SMALL, users=temporary("sno,lat,lon,weight\nx,1,2,3\n"))
same((status, text), (1, "old\n"), "with bad users the old plan stays")
alike = [word for sno, name, node in (("a.example", "A [+]", 0), ("b.example", "A [-]", 30)) for word in (
    "-t", f"{sno}=" + temporary(plan("walker", "-t", 12, "-p", 3, "-i", 60, "-a", 1200, "--epoch", EPOCH,
                                     "--name", name, "--node", node).stdout))]
status, text, report, told, *_ = associate(*SMALL, elements=alike)
ok(status == 1 and text == "old\n" and "satellite A [-]-0001 cannot be told from A [+]-0001" in told,
   "satellites that daemons could not tell apart are found before a plan is written", told)
status, text, report, told, *_ = associate("--hours", "500", "--step", "1", "--no-baselines")
ok(status == 1 and "--step" in told and text == "old\n", "too many slots are refused", told)

# ---- what the issue was after ---------------------------------------------------------------

folder = os.path.join(SHARED, "scenarios/S2")
if os.path.isdir(folder):
    elements = [word for path in sorted(glob.glob(folder + "/*.tle"))
                for word in ("-t", f"{os.path.basename(path)[:-4]}={path}")]
    for users, tau, cut, gap in (("regional", "300", 0.90, 1.08), ("mixed", "200", 0.70, 1.15)):
        status, text, report, told, out, said = associate(
            "--hours", "1", "--iterations", "120", "--rounds", "40", "--home-share", "figure2", "--tau", tau,
            elements=elements, stations=folder + "/stations.csv", users=f"{folder}/users-{users}.csv")
        mine, theirs = report["plan"], report["figure2"]
        figures = json.dumps({key: report[key] for key in ("plan", "figure2", "bound")}, indent=1)
        ok(mine["inter_sno_per_user_hour"] <= (1 - cut) * theirs["inter_sno_per_user_hour"] and
           mine["home_share"] >= theirs["home_share"],
           f"S2 {users}: handovers cut by {cut:.0%} at no less time at home", figures)
        ok(mine["objective"] <= gap * report["bound"]["objective"], f"S2 {users}: near the bound", figures)
        ok(mine["served_share"] >= theirs["served_share"] + 0.1, f"S2 {users}: more time served", figures)
        ok(mine["association_changes_per_satellite_hour"] <= 3.5, f"S2 {users}: few association changes", figures)
else:
    skip("S2", "no ../shared/data/scenarios")

done()
