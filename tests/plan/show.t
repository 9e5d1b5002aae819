#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""sno-plan show: the page in headless Chromium. It runs without errors and without the network,
draws what the plan says at the time that is asked for, in light and dark, on wide and narrow
screens, and its timeline is that of sno-plan terminal."""

import html
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import zlib

from example import HEADING, STATIONS, TLE, USERS, owned, table, written
from orbits import BUILD, EPOCH, done, instant, ok, plan, rows, same, skip, temporary

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
GOOD = owned()
ASSOCIATIONS = written(GOOD)
KEPT = os.path.join(BUILD, "log")       # pictures stay there, to be looked at


def show(*options, users=USERS, associations=ASSOCIATIONS):
    """Runs it."""
    return plan("show", *TLE, "--stations", STATIONS, "--users", users, *options, associations)


FIGURES = {name: {"inter_sno_per_user_hour": value, "handovers_per_user_hour": 9, "home_share": 0.5,
                  "served_share": 0.9, "association_changes_per_satellite_hour": 1, "objective": 3}
           for name, value in (("figure2", 4), ("figure2_planned_terminals", 3), ("naive", 5), ("plan", 0.25))}
REPORT = temporary(json.dumps({**FIGURES, "bound": {"objective": 2.5}, "inputs": {
    "start": EPOCH, "hours": 1, "step": 15, "min_elevation": 25, "station_elevation": 10, "tau": 300,
    "outage": 30, "gamma": 0, "dwell": 0}}))

got = show("--report", REPORT)
same((got.returncode, got.stderr), (0, ""), "it succeeds")
page = got.stdout
data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S).group(1))
ok(len(page) < 120000, "132 satellites and 60 associations an hour take less than 120 kB", len(page))
ok(not re.search(r'(src|href)\s*=|url\(|https?://(?!www\.w3\.org)', page.split('id="data"')[0])
   and "default-src 'none'" in page, "it asks for nothing from elsewhere, and forbids it")
same(len(data["places"]), len(table(USERS)), "a place for each group of users")
same(sum(len(flat) // 4 for flat in data["associations"]), len(GOOD), "all associations are in it")

# The first place's steps are what sno-plan terminal prints.
place = data["places"][0]
lat, lon, _ = data["sites"][place["site"]]
home = data["cores"][place["home"]]
printed = rows(plan("terminal", *TLE, "--associations", ASSOCIATIONS, "--lat", lat, "--lon", lon, "--sno",
                    home, "--start", EPOCH, "--hours", 1).stdout)
steps, at = [], 0
for gap, length, satellite, core in zip(*[iter(place["steps"])] * 4):
    steps.append((round(at + gap, 1), data["satellites"][satellite][0], data["cores"][core]))
    at += gap + length
expected = [(round(10 * (instant(row[0]) - instant(EPOCH)).total_seconds()), row[2], row[3]) for row in printed]
same(steps, expected, "the timeline is the sequence of sno-plan terminal")
heaviest = max(table(USERS), key=lambda user: float(user["weight"]))
ok((lat, lon) in {(float(u["lat"]), float(u["lon"])) for u in table(USERS) if u["weight"] == heaviest["weight"]},
   "the place with most users comes first")

same(len(json.loads(re.search(r'id="data">(.*?)</script>', show("--places", 2).stdout, re.S).group(1))["places"]), 2,
     "--places limits them")
part = json.loads(re.search(r'id="data">(.*?)</script>', show("--hours", 0.25).stdout, re.S).group(1))
same((part["seconds"], part["cut"]), (900, True), "--hours shows a part, and says so")
evil = written([[*GOOD[0][:4], "</script>"]])
got = show(associations=evil)
ok(got.returncode == 1 and "names stations or cores that the input has not" in got.stderr, "an unknown station")
relayed = show(associations=written([[*GOOD[0], "A-0003"]], HEADING + ",via")).stdout
data_ = json.loads(re.search(r'id="data">(.*?)</script>', relayed, re.S).group(1))
same([data_["satellites"][flat[3]][0] for flat in data_["associations"] if flat], ["A-0003"], "a relay is in it")
got = show("--hours", 1, "--start", "2027-01-01T00:00:00Z")
ok(got.returncode == 1 and "no association in that time" in got.stderr, "a time without associations")


# ---- in the browser -------------------------------------------------------------------------

def browse(path, *options, timeout=120):
    """Runs Chromium on the page, without any network; what it prints, and what it complains of."""
    with tempfile.TemporaryDirectory() as profile:
        got = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                              "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                              "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
                              f"--user-data-dir={profile}", *options, path],
                             capture_output=True, text=True, timeout=timeout, check=False)
    return got.stdout, [line for line in got.stderr.splitlines() if "CONSOLE" in line]


def text_of(dom, identity):
    """The text of an element."""
    found = re.search(rf'id="{identity}"[^>]*>(.*?)</(?:p|output|ul|tbody|table|section)>', dom, re.S)
    return html.unescape(re.sub(r"<[^>]*>", " ", found.group(1))) if found else ""


def pixels(path):
    """Width, height and the colours of a PNG of 8 bits without interlacing, each pixel's bytes."""
    with open(path, "rb") as file:
        raw = file.read()
    at, packed, size = 8, b"", (0, 0)
    while at < len(raw):
        length, kind = struct.unpack(">I4s", raw[at:at + 8])
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", raw[at + 8:at + 18])
            size, depth = (width, height), 4 if colour == 6 else 3
        elif kind == b"IDAT":
            packed += raw[at + 8:at + 8 + length]
        at += 12 + length
    lines, last, out = zlib.decompress(packed), bytes(size[0] * depth), []
    for y in range(size[1]):
        line = bytearray(lines[y * (size[0] * depth + 1) + 1:(y + 1) * (size[0] * depth + 1)])
        kind = lines[y * (size[0] * depth + 1)]
        for x, _ in enumerate(line):
            left = line[x - depth] if x >= depth else 0
            corner = last[x - depth] if x >= depth else 0
            guess = left + last[x] - corner
            nearest = min((left, last[x], corner), key=lambda v, g=guess: abs(g - v))
            line[x] = (line[x] + (0, left, last[x], (left + last[x]) // 2, nearest)[kind]) & 255
        out.append(line)
        last = line
    return size, depth, out


POINTS = ("no errors in the console", "it is ready", "the clock stands where it was asked to",
          "as many satellites with each core as the plan has", "the place's summary", "the table of figures",
          "a picture in light", "a picture in dark", "a picture on a narrow screen")
if not CHROMIUM:
    for point in POINTS:
        skip(point, "needs chromium (scripts/install-deps)")
    done()

path_ = os.path.join(KEPT, "show.html")
with open(path_, "w", encoding="utf-8") as out_:
    out_.write(page)
dom_, complaints = browse(f"file://{path_}#t=1800&place=1", "--dump-dom")
ok(not complaints, POINTS[0], "\n".join(complaints))
ok('data-ready="yes"' in dom_, POINTS[1], dom_[:300])
same(text_of(dom_, "clock").strip(), "2026-01-01 00:30:00 UTC", POINTS[2])
then = EPOCH[:14] + "30:00.000Z"
same(dict(re.findall(r"(\w\.example)\s+(\d+)", text_of(dom_, "cores"))),
     {core: str(sum(row[0] <= then < row[1] and row[3] == core for row in GOOD)) for core in data["cores"]},
     POINTS[3])
ok(re.search(r"\d+ changes? of core, \d+ of satellite; at home [\d.]+% of the time, served [\d.]+%",
             text_of(dom_, "summary")), POINTS[4], text_of(dom_, "summary"))
figures = re.search(r'id="figures">(.*?)</section>', dom_, re.S)
ok(figures and all(word in figures.group(1) for word in ("figure 2", "naive", "this plan", "bound", "0.250")),
   POINTS[5], figures and figures.group(1))
for point, name, size_, scheme in ((POINTS[6], "light", (640, 480), 1), (POINTS[7], "dark", (640, 480), 0),
                                   (POINTS[8], "narrow", (500, 600), 1)):
    picture = os.path.join(KEPT, f"show-{name}.png")
    _, complaints = browse(f"file://{path_}#t=1800&place=1", f"--screenshot={picture}",
                           f"--window-size={size_[0]},{size_[1]}",
                           f"--blink-settings=preferredColorScheme={scheme}")
    (width_, height_), depth_, image = pixels(picture)
    colours = {bytes(line[x:x + 3]) for line in image[::2] for x in range(0, width_ * depth_, 2 * depth_)}
    corner_ = sum(image[2][6 * depth_:6 * depth_ + 3]) / 3
    ok((width_, height_) == size_ and len(colours) > 60 and (corner_ < 60) == (scheme == 0) and not complaints,
       point, (width_, height_, len(colours), corner_, complaints))

done()
