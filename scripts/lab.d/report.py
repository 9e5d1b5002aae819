# SPDX-License-Identifier: GPL-2.0-or-later
"""What came out of a run: handovers with their measured parts, the TCP proof, the timeline."""

import os
import platform
import time

import comparison
import goodput
import measure
from description import MODES
from picture import draw
from script import concerns
from system import now_us

# Each is sent once in a handover; the rest of the types is upkeep and not counted.
SIGNALLING = ("proactive authentication", "proactive authentication ACK", "handover announcement",
              "handover announcement ACK", "core discovery", "registration done",
              "registration reject", "authentication",
              "authentication ACK", "CoA + tunnel request", "tunnel ACK", "core disconnect",
              "disconnection ACK", "release", "release ACK", "handover done", "handover done ACK")
COLUMNS = (("", "label", "<"), ("terminal", "terminal", "<"), ("from", "from", "<"),
           ("to", "to", "<"), ("mode", "mode", "<"), ("link gap", "gap_ms", ">"),
           ("added down", "added_down_ms", ">"), ("added up", "added_up_ms", ">"),
           ("lost down", "lost_down", ">"), ("lost up", "lost_up", ">"),
           ("TCP dip", "dip_percent", ">"), ("messages", "messages", ">"))
JSON_KEYS = ("time", "terminal", "from", "to", "mode", "gap_ms", "added_down_ms", "added_up_ms",
             "lost_down", "lost_up", "reordered_down", "reordered_up", "duplicated_down",
             "duplicated_up", "path_down_ms", "path_up_ms", "outage_down_ms", "outage_up_ms",
             "registration_ms", "noise_ms", "dip_percent", "tcp", "messages", "agent")


def radio_log(lab, terminal):
    """[(from, to, down_us, up_us)] as the terminal's modem recorded them."""
    path = os.path.join(lab.state.dir, f"{terminal}.links")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return [(w[0], w[1], int(w[2]), int(w[3])) for w in lines if len(w) == 4]


def sent_messages(counters):
    """Signalling messages that all daemons have sent so far."""
    return sum(row.get("sent", 0) for rows in counters.values() for row in rows
               if row.get("message") in SIGNALLING)


class Report:
    """Everything measured in a run that has been played and whose traffic has ended."""

    def __init__(self, lab):
        self.lab = lab
        self.epoch_us = time.time_ns() // 1000 - now_us()
        self.names = {core.realm: name for name, core in lab.d.cores.items()}
        self.streams = {}
        for run in lab.traffic.streams:
            self.streams.setdefault(lab.d.terminal_of(run.stream.node), run.series())
        self.transfers = [run.result() for run in lab.traffic.transfers]
        self.handovers = self.collect()

    def core_name(self, realm):
        """A core's name in the lab."""
        return self.names.get(realm, realm or "none")

    def moved(self, mark):
        """Terminals that an action of the script moves."""
        action = mark["action"]
        if not action:
            return []
        if action.verb in ("handover", "lose"):
            return [action.words[0]]
        if action.verb in ("associate", "schedule"):
            return [t for t, now in mark["cores"].items() if now.get("link") == action.words[0]]
        return []

    def collect(self):
        """One record for each move, in the order of the script."""
        found = []
        marks = self.lab.marks
        for i, mark in enumerate(marks):
            for terminal in self.moved(mark):
                later = [m for m in marks[i + 1:] if terminal in self.moved(m)]
                window = (mark["time_us"], (later or [marks[-1]])[0]["time_us"])
                found.append(self.record(terminal, mark, self.settled(i, terminal), window))
                found[-1]["messages"], until = self.messages(i)
                found[-1]["counted_until"] = until
        counts = {}
        together = {}
        for item in found:
            together.setdefault(item["counted_until"], []).append(item)
            counts[item["terminal"]] = counts.get(item["terminal"], 0) + 1
            item["label"] = f"{item['terminal']}.{counts[item['terminal']]}"
        self.together = [items for items in together.values() if len(items) > 1]
        return found

    def settled(self, i, terminal):
        """The mark before whatever is done to this terminal next: others may move meanwhile."""
        return next((m for m in self.lab.marks[i + 1:] if not m["action"]
                     or terminal in self.moved(m) or terminal in concerns(m["action"], self.lab.d)),
                    self.lab.marks[-1])

    def messages(self, i):
        """How many were sent from an action until the first mark after it, and when that was. An
        action that was marked before this one was begun happens together with it."""
        marks = self.lab.marks
        begun = marks[i].get("order_us", marks[i]["time_us"])
        after = next((m for m in marks[i + 1:] if m["time_us"] > begun), marks[-1])
        return (sent_messages(after["counters"]) - sent_messages(marks[i]["counters"]),
                after["time_us"])

    def record(self, terminal, before, after, window):
        """One move of one terminal."""
        was, now = before["cores"].get(terminal, {}), after["cores"].get(terminal, {})
        cut = next((r for r in radio_log(self.lab, terminal) if window[0] <= r[2] < window[1]), None)
        seen = self.agent_record(terminal, before, after)
        told = before["action"].verb in ("handover", "lose")
        times = {"begin_us": before.get("order_us", window[0]),
                 "look_us": measure.LOOK if told else measure.LOOK_LONGER,
                 "link_down_us": cut[2] if cut else None, "link_up_us": cut[3] if cut else None}
        if cut and seen.get("gap") is not None:
            # A link is there when the agent sees it; that it sees the loss late makes no gap shorter.
            times["link_up_us"] = max(cut[3], cut[2] + round(seen["gap"] * 1000))
        streams = self.streams.get(terminal, {})
        measured = measure.handover(streams.get("down"), streams.get("up"), times, window[1])
        gap = (times["link_up_us"] - times["link_down_us"]) if cut else 0
        item = {"time": (window[0] + self.epoch_us) / 1000000, "terminal": terminal, "from": self.core_name(was.get("core")),
                "to": self.core_name(now.get("core")), "from_satellite": was.get("link"),
                "to_satellite": now.get("link"), "mode": seen.get("mode", "none"),
                "gap_ms": round(gap / 1000, 3), "registration_ms": seen.get("registration"),
                "break_us": cut[2] if cut else break_of(measured, window[0]), "gap_us": gap,
                "begin_us": window[0], "down": measured["down"], "up": measured["up"],
                "agent": seen}
        item["noise_ms"] = max((s.unrest(window[0]) or 0 for s in streams.values()), default=None)
        item["tcp"] = self.goodput(terminal, item["break_us"], window[1])
        dips = [way["dip_percent"] for way in (item["tcp"] or {}).values()]
        item["dip_percent"] = max((d for d in dips if d is not None), default=None)
        for way in ("down", "up"):
            for what in ("added_ms", "path_ms", "outage_ms"):
                value = measured[way] and measured[way][what]
                item[what.replace("_", f"_{way}_")] = None if value is None else round(value, 3)
            for what in ("lost", "reordered", "duplicated"):
                item[f"{what}_{way}"] = measured[way] and measured[way][what]
        return item

    def goodput(self, terminal, moment, end):
        """What the move did to a TCP transfer of the terminal, if it has one."""
        result = next((t for t in self.transfers
                       if self.lab.d.terminal_of(t["node"]) == terminal), None)
        return goodput.handover(result, moment, end)

    def agent_record(self, terminal, before, after):
        """The terminal agent's own line about this move."""
        lines = after.get("handovers", {}).get(terminal, [])
        known = len(before.get("handovers", {}).get(terminal, []))
        return lines[known] if len(lines) > known else {}

    # --- for people -------------------------------------------------------------------------------

    def table(self):
        """The handovers as aligned lines."""
        rows = [[name for name, _, _ in COLUMNS]]
        for item in self.handovers:
            row = []
            for _, key, _ in COLUMNS:
                value = item[key]
                if value is None:
                    row.append("-")
                elif key.endswith("_ms"):
                    row.append(f"{value:.1f} ms")
                elif key.endswith("_percent"):
                    row.append(f"{value:.0f} %")
                else:
                    row.append(str(value))
            rows.append(row)
        widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
        return "\n".join(
            "  ".join(f"{cell:{align}{width}}" for cell, (_, _, align), width
                      in zip(row, COLUMNS, widths)).rstrip() for row in rows)

    def lines(self):
        """The table, what it does not say, and the TCP proof."""
        return ([self.table()] if self.handovers else []) + [*self.remarks(), *self.proof()]

    def remarks(self):
        """What the table does not say, a line each."""
        for items in self.together:
            yield (f"{', '.join(i['label'] for i in items)} happened together: the number of "
                   "messages is that of all of them")
        for item in self.handovers:
            for way in ("down", "up"):
                measured = item[way] or {"reordered": 0, "duplicated": 0}
                if measured["reordered"] or measured["duplicated"]:
                    yield (f"{item['label']} {way}: {measured['reordered']} packets overtaken, "
                           f"{measured['duplicated']} received twice")

    def proof(self):
        """A line for each TCP transfer."""
        for result in self.transfers:
            if result["intact"]:
                client = result["client"]
                yield (f"TCP {result['node']}: {result['bytes']:,} bytes in one connection from "
                       f"{client['local']}, intact; SHA-256 {client['received_sha256'][:16]}… "
                       f"down and {client['sent_sha256'][:16]}… up are equal at both ends; "
                       f"longest pause {client['longest_pause_ms']:.0f} ms")
            else:
                yield (f"TCP {result['node']}: BROKEN: "
                       f"{result['error'] or 'the bytes differ at the two ends'}")

    # --- for programs -----------------------------------------------------------------------------

    def json(self):
        """The handovers and the TCP proof, as scripts/demo --json writes them."""
        return {"handovers": [{key: item[key] for key in JSON_KEYS} for item in self.handovers],
                "tcp": {"bytes": sum(t["bytes"] for t in self.transfers),
                        "intact": bool(self.transfers) and all(t["intact"]
                                                               for t in self.transfers)}}

    # --- the picture ------------------------------------------------------------------------------

    def periods(self, terminal):
        """When which core served a terminal: {"begin_us", "end_us", "core", "satellite"}."""
        marks = self.lab.marks
        first = marks[0]["cores"].get(terminal, {})
        begin, core, satellite = self.lab.begin_us, self.core_name(first.get("core")), first.get(
            "link")
        for item in (h for h in self.handovers if h["terminal"] == terminal):
            yield {"begin_us": begin, "end_us": item["break_us"], "core": core,
                   "satellite": satellite}
            begin, core, satellite = item["break_us"], item["to"], item["to_satellite"]
        yield {"begin_us": begin, "end_us": self.lab.end_us, "core": core, "satellite": satellite}

    def timeline(self):
        """The run as picture.draw() wants it."""
        terminals = []
        for name, series in self.streams.items():
            terminal = self.lab.d.terminals[name]
            addresses = ", ".join(a for a in (terminal.home4, terminal.home6, terminal.prefix) if a)
            item = {"name": name, "note": f"{terminal.nai}, home core {terminal.home}, {addresses}",
                    "periods": list(self.periods(name)),
                    "handovers": [self.pictured(h) for h in self.handovers
                                  if h["terminal"] == name]}
            for way in ("down", "up"):
                arrivals = series[way].arrivals if way in series else []
                at = 2 if way == "down" else 1
                item[way] = [(r[at], r[2] - r[1]) for r in arrivals]
                item[f"lost_{way}"] = series[way].lost_times() if way in series else []
            terminals.append(item)
        return {"title": "Handovers between satellite operators, packet by packet",
                "subtitle": self.subtitle(), "begin_us": self.lab.begin_us,
                "end_us": self.lab.end_us, "cores": list(self.lab.d.cores),
                "terminals": terminals}

    def subtitle(self):
        """The circumstances of the run in one line."""
        d = self.lab.d
        if self.lab.topology.netem:
            delays = (f"one way: terminal to core {d.access.delay / 1000:g} ms, core to core "
                      f"{d.between.delay / 1000:g} ms")
        else:
            delays = "no delays (this kernel has no netem)"
        return f"{delays}; link gap {d.gap / 1000:g} ms; Linux {platform.release()}"

    @staticmethod
    def pictured(item):
        """A handover as the picture wants it."""
        same = " (same core)" if item["from"] == item["to"] else ""
        satellites = (f"{item['from_satellite']} → {item['to_satellite']}"
                      if item["from_satellite"] != item["to_satellite"]
                      else f"satellite {item['to_satellite']} changes its core")
        return {"label": item["label"], "title": f"core {item['from']} → {item['to']}{same}",
                "subtitle": f"{item['mode']}, {satellites}, link gap {item['gap_ms']:.1f} ms, "
                            f"{item['messages']} messages",
                "break_us": item["break_us"], "gap_us": item["gap_us"],
                "from_core": item["from"], "to_core": item["to"],
                "down": item["down"], "up": item["up"]}

    def pictures(self):
        """File name -> SVG: the timeline, and the modes where there are several."""
        if not self.streams:
            return {}
        modes = self.comparison()
        return {"timeline.svg": draw(self.timeline()), **({"modes.svg": modes} if modes else {})}

    def comparison(self):
        """The modes beside each other, for each way between cores that was gone in several; None
        when there is no such way."""
        panels = {}
        for item in self.handovers:
            if item["gap_us"] == 0 and item["mode"] != "soft" or item["from"] == item["to"]:
                continue
            panel = panels.setdefault((item["from"], item["to"]), {
                "title": f"core {item['from']} → {item['to']}", "modes": {}})
            entry = panel["modes"].setdefault(item["mode"], {"mode": item["mode"], **{
                way: {"values": [], "lost": 0} for way in ("down", "up")}})
            for way in ("down", "up"):
                if item[way] and item[way]["added_ms"] is not None:
                    entry[way]["values"].append(item[way]["added_ms"])
                    entry[way]["lost"] += item[way]["lost"]
        row = [dict(panel, modes=sorted(panel["modes"].values(),
                                        key=lambda m: MODES.index(m["mode"])))
               for panel in panels.values() if len(panel["modes"]) > 1]
        return comparison.draw("Handover modes beside each other", self.subtitle(),
                               [row]) if row else None


def break_of(measured, default):
    """Without a cut link: where packets stopped, as the earlier of both directions says."""
    ends = [measured[way]["from_us"] for way in ("down", "up")
            if measured[way] and measured[way]["from_us"]]
    return min(ends, default=default)
