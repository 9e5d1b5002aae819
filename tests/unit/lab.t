#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/lab reads and reckons: descriptions with their faults, and the figures of handovers,
on packet streams whose outages are known because they are made here."""

import os
import random
import subprocess
import sys
import tempfile
import types
import xml.dom.minidom

TOP = os.environ.get("SRCDIR") or os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "scripts", "lab.d"))

# pylint: disable=wrong-import-position
import comparison                                                           # noqa: E402
import description                                                          # noqa: E402
import goodput                                                              # noqa: E402
import measure                                                              # noqa: E402
import picture                                                              # noqa: E402
import report                                                               # noqa: E402
import topology                                                             # noqa: E402

MS = 1000
BAD = """core a
foo
satellite s1 core=b
terminal t1 home=a links=s1,s9 gap=5
terminal a home=a links=s1
host h1 behind=t1
delay access=10xs
stream t9
at x handover t1 s1
at 1 handover t1 s2
at 2 associate s1 a now
at 3 set a delay=fast
at 4 handover t1 s1 until=5s
at 5 link t1 s1 sideways
at 6 schedule s1 b
core k mode=best
at 7 vanish t1
core North
"""
FAULTS = [(2, "foo"), (3, "core b"), (4, "s9"), (5, "taken"), (6, "prefix"), (7, "10xs"),
          (8, "t9"), (9, "'x'"), (10, "no link s2"), (11, "takes 2 words"), (12, "fast"),
          (13, "until"), (14, "sideways"), (15, "no feeder to b"), (16, "best"), (17, "TIME ACTION"),
          (18, "lower-case")]
COUNT = 0
FAILED = []


def point(good, name, remark=""):
    """One TAP line."""
    global COUNT                                    # pylint: disable=global-statement
    COUNT += 1
    print(f"{'ok' if good else 'not ok'} {COUNT} - {name}")
    if not good:
        FAILED.append(name)
        print(f"# {remark}")


def load(text):
    """A description out of a text."""
    with tempfile.NamedTemporaryFile("w", suffix=".lab") as file:
        file.write(text)
        file.flush()
        return description.load(file.name)


def descriptions():
    """Faults are all found at their lines, and the examples are good."""
    try:
        load(BAD)
        faults = []
    except description.DescriptionError as error:
        faults = str(error).splitlines()
    for line, word in FAULTS:
        point(any(f":{line}: " in fault and word in fault for fault in faults),
              f"line {line}: a fault that says {word}", "\n# ".join(faults))
    folder = os.path.join(TOP, "conf", "lab")
    for name in sorted(os.listdir(folder)):
        d = description.load(os.path.join(folder, name))
        point(d.cores and d.terminals and d.end > 0, f"conf/lab/{name} is good")
    d = load("core a\ncore b home4=none\nsatellite s1 core=a\nterminal t1 home=b links=s1\n"
             "terminal t2 home=a links=s1 addresses=ipv4,prefix\nhost h1 behind=t2\n")
    point(not d.terminals["t1"].home4 and d.terminals["t1"].home6.startswith("2001:db8:a0:2:"),
          "a terminal has the addresses that its home core has pools for")
    point(d.hosts["h1"].address.startswith(d.terminals["t2"].prefix.partition("::")[0]),
          "a host lives in the prefix of its terminal")
    point(d.satellites["s1"].feeders == ["a", "b"], "a satellite has a feeder to every core")
    d = load("mode combined\nahead 300ms\ncore a hold_packets=5 lead=2s\nsatellite s1 core=a\n"
             "satellite s2 core=a\nterminal t1 home=a links=s1,s2 mode=soft\n"
             "at 1s handover t1 s2\nat 2s handover t1 s1 ahead=0s overlap=1s\n")
    point(d.cores["a"].handover == {"mode": "combined", "hold_packets": 5, "lead": 2000000}
          and d.terminals["t1"].handover == {"mode": "soft"},
          "modes are those of the lab unless a node has its own")
    point([(a.ahead, a.overlap) for a in d.actions] == [(300000, 0), (0, 1000000)]
          and list(d.moves("t1")) == [(1000000, 1300000), (2000000, 2000000)],
          "a terminal that is told ahead leaves later")


def series(lost, latency, sparse=1, windows=(), count=4000):
    """A stream from 1 s on, a packet a millisecond; lost(due) and latency(due) say what becomes
    of each."""
    records = []
    for n in range(count):
        due = 1000 * MS + n * MS
        dense = not windows or any(a <= n < b for a, b in windows)
        if (dense or n % sparse == 0) and not lost(due):
            records.append((n, due, due + latency(due)))
    records.sort(key=lambda r: r[2])
    return measure.Series(records, {"start_us": 1000 * MS, "interval_us": MS, "sent": count,
                                    "sparse": sparse, "windows": list(windows)})


def near(found, wanted, tolerance):
    """True when a figure was measured and is right."""
    return found is not None and abs(found - wanted) <= tolerance


def cut(sparse=1, windows=()):
    """A link cut from 3.000 s to 3.050 s and 100 ms until packets pass again; on the way for 20 ms
    before, 40 ms after it."""
    down, up, back = 3000 * MS, 3050 * MS, 3150 * MS
    arrivals = series(lambda due: down <= due + 20 * MS and due + 40 * MS < back,
                      lambda due: 20 * MS if due + 20 * MS < down else 40 * MS, sparse, windows)
    departures = series(lambda due: down <= due < back,
                        lambda due: 20 * MS if due < down else 40 * MS, sparse, windows)
    return measure.handover(arrivals, departures,
                            {"begin_us": down, "link_down_us": down, "link_up_us": up},
                            4500 * MS)


def figures():
    """Outages, losses and disorder that are known."""
    for name, found in (("dense", cut()), ("sparse", cut(20, [(1700, 3200)]))):
        point(near(found["down"]["added_ms"], 100, 1.001), f"{name}: time added down",
              str(found["down"]))
        point(near(found["up"]["added_ms"], 100, 1.001), f"{name}: time added up",
              str(found["up"]))
        point(found["down"]["lost"] == 130 and found["up"]["lost"] == 150,
              f"{name}: packets lost", f"{found['down']} {found['up']}")
    found = held()
    point(near(found["down"]["added_ms"], 20, 1.001) and near(found["up"]["added_ms"], 0, 1.001)
          and found["up"]["lost"] == found["down"]["lost"] == 0,
          "what was held is not lost, and departs with the new link", str(found))
    times = {"begin_us": 3000 * MS, "link_down_us": None, "link_up_us": None}
    whole = series(lambda due: False, lambda due: 20 * MS, 20, [(1700, 2500)])
    found = measure.handover(whole, whole, times, 4500 * MS)["down"]
    point(found["added_ms"] == 0 and found["lost"] == 0,
          "no lost packet is no outage, however sparse they are", str(found))
    hole = series(lambda due: 3100 * MS <= due < 3180 * MS, lambda due: 20 * MS)
    found = measure.handover(hole, hole, times, 4500 * MS)
    point(near(found["down"]["added_ms"], 80, 1.001) and near(found["up"]["added_ms"], 80, 1.001),
          "a break that nobody announced is found where packets were lost", str(found))
    for begin, length in ((3400, 800), (2979, 250)):
        hole = series(lambda due, a=begin * MS, b=(begin + length) * MS: a <= due < b, lambda due: 20 * MS)
        found = measure.handover(hole, hole, times, 4500 * MS)["up"]
        point(near(found["added_ms"], length, 1.001) and found["lost"] == length,
              f"... from {begin} ms on for {length} ms", str(found))
    shorter = series(lambda due: False, lambda due: 40 * MS if due < 3000 * MS else 20 * MS)
    late, twice = shorter.disorder(2900 * MS, 3500 * MS)
    point(late == 19 and twice == 0, "packets overtaken on a shorter way are counted", str(late))
    doubled = measure.Series(shorter.arrivals + shorter.arrivals[-3:],
                             {"start_us": 1000 * MS, "interval_us": MS, "sent": 4000})
    point(doubled.disorder(0, 1 << 60)[1] == 3, "packets received twice are counted")
    empty = measure.Series([], {"start_us": 1000 * MS, "interval_us": MS, "sent": 4000})
    found = measure.handover(empty, empty, dict(times, link_down_us=3000 * MS,
                                                link_up_us=3050 * MS), 4500 * MS)
    point(found["down"]["added_ms"] is None and found["down"]["lost"] == 1600,
          "without any packet nothing is claimed", str(found["down"]))


def held():
    """A link cut from 3.000 s to 3.050 s; a core holds the downlink until 20 ms later, the terminal
    the uplink until the link is there; the new way takes 40 ms instead of 20."""
    down, up = 3000 * MS, 3050 * MS
    arrivals = series(lambda due: False, lambda due: 20 * MS if due + 20 * MS < down
                      else max(40 * MS, up + 20 * MS - due))
    departures = series(lambda due: False, lambda due: 20 * MS if due < down
                        else max(40 * MS, up - due + 40 * MS))
    return measure.handover(arrivals, departures,
                            {"begin_us": down, "link_down_us": down, "link_up_us": up},
                            4500 * MS)


def lengthened():
    """Without a cut, a longer way makes a silence that is nobody's fault; one beyond it is."""
    times = {"begin_us": 3000 * MS, "link_down_us": None, "link_up_us": None}
    for late in (0, 7):
        found = series(lambda due: False, lambda due, late=late: 20 * MS if due < 3100 * MS
                       else max(40 * MS, 3140 * MS + late * MS - due))
        found = measure.handover(found, found, times, 4500 * MS)
        for way in ("down", "up"):
            point(near(found[way]["added_ms"], late, 0.001)
                  and near(found[way]["path_ms"], 20, 0.001),
                  f"soft, {way}: {late} ms added beyond the longer way", str(found[way]))


def transfers():
    """Dips and pauses of a transfer whose arrivals are known."""
    steady = {"start_us": 0, "bucket_us": 10 * MS, "arrived": [100] * 1000}
    broken = dict(steady, arrived=[100] * 300 + [0] * 25 + [100] * 675)
    found = goodput.handover({"error": None, "client": broken, "server": steady}, 3000 * MS,
                             5000 * MS)
    point(found["down"] == {"dip_percent": 50.0, "pause_ms": 250}
          and found["up"] == {"dip_percent": 0.0, "pause_ms": 0}, "TCP: dip and pause", str(found))
    late = dict(steady, arrived=[100] * 300 + [0] * 25 + [2600] + [100] * 674)
    found = goodput.handover({"error": None, "client": late, "server": late}, 3000 * MS, 5000 * MS)
    point(found["up"] == {"dip_percent": 0.0, "pause_ms": 250},
          "TCP: what was only late is no dip", str(found))
    point(goodput.handover({"error": "reset"}, 3000 * MS, 5000 * MS) is None,
          "TCP: nothing is claimed of a transfer that failed")


def drawing():
    """The picture is well-formed, with whatever names."""
    random.seed(1)
    found = cut()
    item = {**found, "label": "t1.1", "title": "core <a> → b & c", "subtitle": "baseline",
            "break_us": 3000 * MS, "gap_us": 50 * MS, "from_core": "<a>", "to_core": "b"}
    packets = [(random.randrange(1000 * MS, 5000 * MS), random.randrange(90 * MS))
               for _ in range(500)]
    terminal = {"name": "t1", "note": "<note>", "handovers": [item], "down": packets, "up": [],
                "lost_down": [3010 * MS], "lost_up": [],
                "periods": [{"begin_us": 1000 * MS, "end_us": 3000 * MS, "core": "<a>",
                             "satellite": "s1"}]}
    text = picture.draw({"title": "A & B", "subtitle": "", "begin_us": 1000 * MS,
                         "end_us": 5000 * MS, "cores": ["<a>", "b"], "terminals": [terminal]})
    try:
        xml.dom.minidom.parseString(text)
        good, remark = True, ""
    except ValueError as error:
        good, remark = False, str(error)
    except Exception as error:                      # pylint: disable=broad-except
        good, remark = False, repr(error)
    point(good, "the picture is well-formed SVG", remark)
    point("t1.1" in text and "added 100" in text, "the picture tells the figures")


def modes():
    """The legend of the modes' picture explains what is in it, and nothing else."""
    mode = {"mode": "baseline", "down": {"values": [100.4], "lost": 3}, "up": {"values": [], "lost": 0}}
    for bound in (None, 102):
        text = comparison.draw("A & B", "", [[{"title": "a <b>", "modes": [{**mode, "bound_ms": bound}]}]])
        xml.dom.minidom.parseString(text)
        point((text.count("stroke-dasharray:3 2"), text.count(">bound<")) == ((2, 1) if bound else (0, 0)),
              f"modes: bound {bound}")


def crossed():
    """Terminals that move at the same time: each is told what itself has done."""
    d = load("core a\ncore b\nsatellite s1 core=a\nsatellite s2 core=b\n"
             "terminal t1 home=a links=s1,s2\nterminal t2 home=b links=s2,s1\n"
             "at 3s handover t1 s2\nat 3s handover t2 s1\nat 5s handover t1 s1\nend 7s\n")
    line = {"mode": "combined"}
    there, crossing = ("a.example", "b.example"), ("b.example", "a.example")

    def mark(n, seconds, cores, moves, sent):
        action = d.actions[n] if n < len(d.actions) else None
        found = {"action": action, "time_us": round((seconds - 0.4) * 1000000),
                 "cores": {t: {"core": core} for t, core in zip(("t1", "t2"), cores)},
                 "handovers": {t: [line] * count for t, count in zip(("t1", "t2"), moves)},
                 "counters": {"a": [{"message": "release", "sent": sent}]}}
        return {**found, "order_us": round(seconds * 1000000)} if action else found
    marks = [mark(0, 3, there, (0, 0), 10), mark(1, 3.01, there, (0, 0), 10),
             mark(2, 5, crossing, (1, 1), 34), mark(3, 7, there[:1] * 2, (2, 1), 40)]
    with tempfile.TemporaryDirectory() as folder:
        found = report.Report(types.SimpleNamespace(
            d=d, marks=marks, state=types.SimpleNamespace(dir=folder),
            traffic=types.SimpleNamespace(streams=[], transfers=[])))
    rows = [[item[key] for key in ("label", "from", "to", "mode", "messages")] for item in found.handovers]
    point(rows == [["t1.1", "a", "b", "combined", 24], ["t2.1", "b", "a", "combined", 24],
                   ["t1.2", "b", "a", "combined", 6]],
          "two terminals that move at the same time have each its own move", str(rows))
    point(any("t1.1, t2.1 happened together" in line for line in found.remarks()),
          "... and it is said that their messages are counted together")


def namespaces():
    """The kernel gives a namespace's number to the next one: only what is there under our name is
    ours, and stays so for as long as we look."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = {}
        for name in ("lab-a", "lab-b"):
            with open(os.path.join(folder, name), "w", encoding="utf-8"):
                numbers[name] = os.stat(os.path.join(folder, name)).st_ino
        topology.NETNS_DIR = folder
        found = topology.anchors(types.SimpleNamespace(data={"namespaces": {
            "lab-a": numbers["lab-a"], "lab-b": numbers["lab-b"] + 1, "lab-new": None,
            "lab-gone": os.stat("/proc/self/ns/net").st_ino}}))
        for descriptor in found.values():
            os.close(descriptor)
    point(list(found) == [numbers["lab-a"]], "a namespace that is gone is nobody's", str(found))


def missing():
    """A description that is not there is a line on standard error, and no Python."""
    result = subprocess.run([os.path.join(TOP, "scripts/lab"), "check", "/nonexistent/my.lab"],
                            capture_output=True, text=True, check=False)
    point((result.returncode, result.stderr) == (1, "lab: /nonexistent/my.lab: No such file or directory\n"),
          "a description that is not there is named", result.stderr)


descriptions()
missing()
crossed()
namespaces()
figures()
lengthened()
transfers()
drawing()
modes()
print(f"1..{COUNT}")
sys.exit(1 if FAILED else 0)
