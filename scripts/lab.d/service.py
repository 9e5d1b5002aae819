# SPDX-License-Identifier: GPL-2.0-or-later
"""What came out of a lab with a constellation: which core served which terminal when, how often
it changed and in which mode, what was lost; beside it what the draft's figure 2 would have made
of the same sky.

A change of core is one between two satellites that serve different cores, or one of a satellite under
a terminal; a time without any satellite in between makes it none the less one.
"""

import platform

from description import MODES
from orbits import Span
from service_picture import draw

BURST = 300000      # us
HELD_UP = 100000    # us
EDGE = 0.05         # real seconds: packets so close to a gap of the plan belong to it


def changes(cores):
    """How often neighbours in a list differ."""
    return sum(a != b for a, b in zip(cores, cores[1:]))


def bursts(times):
    """[(first, last, how many)] of sorted times with no more than BURST us between neighbours."""
    found = []
    for time in times:
        if found and time - found[-1][1] <= BURST:
            found[-1] = (found[-1][0], time, found[-1][2] + 1)
        else:
            found.append((time, time, 1))
    return found


class Line:
    """Who served a terminal: [(begin, end, core, satellite)], in seconds since the script began."""

    def __init__(self, spans, length):
        self.length = length
        self.spans = [(max(0, b), min(length, e), core, satellite)
                      for b, e, core, satellite in spans if e > 0 and b < length and core]

    def moves(self):
        """Changes of core."""
        return changes([core for _, _, core, _ in self.spans])

    def satellites(self):
        """Changes of satellite or core."""
        return changes([s[2:] for s in self.spans])

    def served(self):
        """The part of the time with a core."""
        return sum(e - b for b, e, _, _ in self.spans) / self.length

    def home(self, home):
        """The part of the time with the home core."""
        return sum(e - b for b, e, core, _ in self.spans if core == home) / self.length

    def gaps(self):
        """Times without a core."""
        at = 0
        for begin, end, _, _ in self.spans:
            if begin > at:
                yield at, begin
            at = max(at, end)
        if at < self.length:
            yield at, self.length

    def json(self, home):
        """For programs."""
        return {"inter_sno": self.moves(), "handovers": self.satellites(),
                "home_share": round(self.home(home), 4),
                "served_share": round(self.served(), 4),
                "spans": [{"from": round(b, 3), "until": round(e, 3), "core": core,
                           "satellite": satellite} for b, e, core, satellite in self.spans]}


class Service:
    """Everything about a run that has been played and whose traffic has ended."""

    def __init__(self, lab):
        self.lab = lab
        self.planning = lab.planning
        self.rate = lab.d.constellation.rate
        self.length = lab.d.constellation.span      # of the orbits, as all times here
        self.names = {core.realm: name for name, core in lab.d.cores.items()}
        self.transfers = [run.result() for run in lab.traffic.transfers]
        self.streams = {lab.d.terminal_of(r.stream.node): r.series() for r in lab.traffic.streams}
        self.sky = lab.sky.figures()
        self.switched = self.switches()
        self.terminals = {name: self.terminal(name) for name in lab.d.terminals}

    def orbit(self, real_us):
        """Seconds of the orbits since the script began, for a monotonic moment."""
        return (real_us - self.lab.begin_us) / 1000000 * self.rate

    def switches(self):
        """How many associations the forwarders have changed as planned, and how late (us)."""
        late = sorted(round(event["data"]["late"] * 1000000)
                      for time, _, event in self.lab.event_log
                      if event["event"] == "association" and event["data"]["source"] == "plan"
                      and self.lab.begin_us <= time <= self.lab.end_us)
        return {"switches": len(late), "late_median_us": late[len(late) // 2] if late else 0,
                "late_most_us": max(late, default=0)}

    def steps(self, steps):
        """A sequence of sno-plan as a Line."""
        lead = self.planning.lead
        return Line([(s.span.begin - lead, s.span.end - lead, s.core, s.satellite)
                     for s in steps], self.length)

    def terminal(self, name):
        """All about one terminal."""
        moves = [m for m in self.lab.moves[name] if 0 <= self.orbit(m["time_us"]) <= self.length]
        planned = self.steps(self.planning.planned[name])
        found = {"home": self.lab.d.terminals[name].home, "planned": planned,
                 "figure2": self.steps(self.planning.figure2[name]),
                 "made": self.made(name, moves), "moves": moves,
                 "modes": {}, "lost": {}, "sent": {}, "missing": {}}
        for move in moves:
            if move["from"]["core"] != move["to"]["core"]:
                found["modes"][move["mode"]] = found["modes"].get(move["mode"], 0) + 1
        gaps = [Span(b / self.rate - EDGE, e / self.rate + EDGE) for b, e in planned.gaps()]
        for way, series in self.streams.get(name, {}).items():
            begin, end = self.lab.begin_us, self.lab.end_us
            lost = [t for t in series.lost_times() if begin <= t < end]
            dark = sum(any(g.begin <= (t - begin) / 1000000 < g.end for g in gaps) for t in lost)
            found["sent"][way] = (end - begin) // (series.interval * series.sparse)
            found["missing"][way] = dark
            found["lost"][way] = [t for t in lost if not any(
                g.begin <= (t - begin) / 1000000 < g.end for g in gaps)]
        return found

    def made(self, name, moves):
        """Who really served a terminal."""
        spans, at = [], self.lab.begun.get(name, {})
        begin, core, satellite = 0.0, self.names.get(at.get("core"), ""), at.get("satellite") or ""
        for move in moves:
            time = self.orbit(move["time_us"])
            spans.append((begin, time - move["gap_us"] / 1000000 * self.rate, core, satellite))
            begin = time
            core = self.names.get(move["to"]["core"], "")
            satellite = move["to"].get("satellite") or move["to"]["link"]
        end = self.lab.ended.get(name, {})
        without = 0 if end.get("state") == "registered" else end.get("since", 0) * self.rate
        spans.append((begin, self.length - without, core, satellite))
        return Line(spans, self.length)

    # --- for people -------------------------------------------------------------------------------

    def rows(self):
        """The table's cells, its heading first and its sums last."""
        yield ["terminal", "home", "figure 2", "made", *MODES, "at home", "(figure 2)", "served",
               "(figure 2)", "sent", "lost down", "lost up"]
        sums = {"figure2": 0, "made": 0, "sent": 0, "down": 0, "up": 0}
        shares = []
        modes = dict.fromkeys(MODES, 0)
        for name, t in self.terminals.items():
            counts = [t["figure2"].moves(), t["made"].moves()]
            share = [t["made"].home(t["home"]), t["figure2"].home(t["home"]),
                     t["made"].served(), t["figure2"].served()]
            lost = [len(t["lost"].get(way, [])) for way in ("down", "up")]
            sent = sum(t["sent"].values())
            yield [name, t["home"], *counts, *(t["modes"].get(m, 0) or "." for m in MODES),
                   *(f"{100 * s:.0f} %" for s in share), sent, *lost]
            shares.append(share)
            for mode in MODES:
                modes[mode] += t["modes"].get(mode, 0)
            for key, value in zip(sums, [*counts, sent, *lost]):
                sums[key] += value
        mean = [sum(s[i] for s in shares) / len(shares) for i in range(4)]
        yield ["all", "", sums["figure2"], sums["made"], *(modes[m] or "." for m in MODES),
               *(f"{100 * s:.0f} %" for s in mean), sums["sent"], sums["down"], sums["up"]]

    def table(self):
        """The terminals as aligned lines."""
        rows = [[str(cell) for cell in row] for row in self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(f"{cell:{'<' if i < 2 else '>'}{width}}" for i, (cell, width)
                                   in enumerate(zip(row, widths))).rstrip() for row in rows)

    def lines(self):
        """The table and what it does not say."""
        return [self.table(), *self.remarks()]

    def remarks(self):
        """What the table does not say, a line each."""
        before = sum(t["figure2"].moves() for t in self.terminals.values())
        made = sum(t["made"].moves() for t in self.terminals.values())
        if before:
            planned = sum(t["planned"].moves() for t in self.terminals.values())
            yield (f"{before} handovers between operators as in the draft's figure 2, {planned} as "
                   f"planned, {made} made: {100 * (1 - made / before):.0f} % fewer")
        changes_made = sum(t["made"].satellites() for t in self.terminals.values())
        yield (f"{changes_made} changes of satellite in all, over {self.length / 60:g} minutes of "
               f"the orbits at {self.rate} times their speed")
        missing = sum(sum(t["missing"].values()) for t in self.terminals.values())
        if missing:
            yield f"{missing} packets found no satellite in the plan and count as not served, not lost"
        if self.sky:
            yield (f"the sky: {self.sky['turns']} times an antenna turned, {self.sky['edges']} times "
                   f"a satellite rose or set, at most {self.sky['edge_late_most_us'] / 1000:.1f} ms "
                   f"late; {self.sky['settings']} delays were set, at most "
                   f"{self.sky['delay_error_most_us'] / 1000:.2f} ms off")
            held_up = self.sky["look_late_most_us"]
            if held_up > HELD_UP:
                yield (f"the machine was too busy: what has to run at once waited up to "
                       f"{held_up / 1000:.0f} ms, which packets and handovers show")
        if self.switched["switches"]:
            yield (f"the satellites' forwarders: {self.switched['switches']} planned switches, "
                   f"{self.switched['late_median_us'] / 1000:.2f} ms late in the middle, "
                   f"{self.switched['late_most_us'] / 1000:.2f} at most")
        for result in self.transfers:
            yield (f"TCP {result['node']}: {result['bytes']:,} bytes in one connection, "
                   + ("intact" if result["intact"] else f"BROKEN: {result['error']}"))

    # --- for programs -----------------------------------------------------------------------------

    def json(self):
        """The same, as scripts/demo --constellation --json writes it."""
        terminals = []
        for name, t in self.terminals.items():
            terminals.append({
                "terminal": name, "home": t["home"],
                **{what: t[what].json(t["home"]) for what in ("figure2", "planned", "made")},
                "modes": t["modes"], "sent": t["sent"],
                "lost": {way: len(times) for way, times in t["lost"].items()},
                "losses": [{"way": way, "at": round((first - self.lab.begin_us) / 1000000, 3),
                            "for": round((last - first) / 1000000, 3), "packets": count}
                           for way, times in t["lost"].items()
                           for first, last, count in bursts(times)],
                "not_served": t["missing"]})
        return {"terminals": terminals, "begin_us": self.lab.begin_us,
                "satellites": len(self.lab.d.satellites), "known": self.planning.known,
                "span_seconds": self.length, "rate": self.rate, "sky": self.sky,
                "forwarders": self.switched, "plan": self.planning.report,
                "tcp": {"bytes": sum(t["bytes"] for t in self.transfers),
                        "intact": bool(self.transfers) and all(t["intact"]
                                                               for t in self.transfers)}}

    # --- the picture ------------------------------------------------------------------------------

    def pictures(self):
        """File name -> SVG: which core served which terminal."""
        return {"service.svg": draw(self.timeline())}

    def timeline(self):
        """The run as service_picture.draw() wants it."""
        c = self.lab.d.constellation
        before = sum(t["figure2"].moves() for t in self.terminals.values())
        made = sum(t["made"].moves() for t in self.terminals.values())
        return {
            "title": f"Which operator serves whom: {before} handovers between operators as in "
                     f"figure 2, {made} with the plan",
            "subtitle": f"{len(self.lab.d.satellites)} satellites in use of {self.planning.known}; "
                        f"terminals above {c.terminal_elevation:g} degrees, stations above "
                        f"{c.station_elevation:g}; {self.rate} times as fast as the orbits; Linux "
                        f"{platform.release()}",
            "length": self.length, "cores": list(self.lab.d.cores),
            "terminals": [{
                "name": name, "home": t["home"],
                "lines": [("figure 2", t["figure2"].spans, t["figure2"].moves(), [], []),
                          ("made", t["made"].spans, t["made"].moves(),
                           [(self.orbit(m["time_us"]), m["mode"]) for m in t["moves"]
                            if m["from"]["core"] != m["to"]["core"]],
                           [self.orbit(l) for lost in t["lost"].values() for l in lost])]}
                for name, t in self.terminals.items()]}
