# SPDX-License-Identifier: GPL-2.0-or-later
"""What a handover cost, read off the logs of tests/bench/stream.

Downlink is measured where it arrives and uplink where it leaves, both at the terminal: the outage
down is the time between the last packet received before the link went down and the first one after;
the outage up is the time between the departures of the last packet delivered before and of the
first one after. A packet departs when it is sent, unless the terminal holds it until there is a link:
then it departs as long before its arrival as the new way takes. The link gap taken off, what
remains is the time the network layer added.

Where no link was cut (a terminal with two links, a satellite that changes its core) the longest
silence of the receiver counts. When the new way is longer nothing can arrive for that difference:
`path_ms` tells it, and it is taken off in the place of a link gap.
"""

import struct
from bisect import bisect_left, bisect_right

HEADER = b"SNOSTRM1"
RECORD = struct.Struct("<Qqq")
QUIET = 50000
LOOK = 500000           # us after an order in which a break without a cut has to begin ...
LOOK_LONGER = 1100000   # ... where the terminal learns by an advertisement that it has to move
UNREST = 300000         # us
STEADY = 100            # packets from which the time on a way is taken
HELD = 3000             # us; what took so much longer than it must was held


class Series:
    """One direction of one stream."""

    def __init__(self, records, summary):
        """`records` are (sequence, sent, received) in the order of arrival, times in us.

        `summary` is what `stream send` printed at its end, with what it was told: only every
        `sparse`-th packet is sent outside of `windows` (where there are any).
        """
        self.start = summary["start_us"]
        self.interval = summary["interval_us"]
        self.count = summary["sent"]
        self.sparse = summary.get("sparse", 1)
        self.windows = summary.get("windows", [])
        self.arrivals = records
        self.by_sent = sorted({r[0]: r for r in reversed(records)}.values())
        self.received = [r[2] for r in records]

    @classmethod
    def read(cls, path, summary):
        """Out of a log of `stream receive`."""
        with open(path, "rb") as file:
            data = file.read()
        if data[:8] != HEADER:
            raise ValueError(f"{path}: not a log of stream receive")
        body = data[8:len(data) - (len(data) - 8) % RECORD.size]
        return cls(list(RECORD.iter_unpack(body)), summary)

    def due(self, sequence):
        """When a packet was (to be) sent."""
        return self.start + sequence * self.interval

    def sent_numbers(self, first, last):
        """Numbers of the packets that were sent, of those in [first, last)."""
        if self.sparse == 1 or not self.windows:
            return range(first, last)
        return [n for n in range(first, last)
                if n % self.sparse == 0 or any(a <= n < b for a, b in self.windows)]

    def axis(self, way, cut, back, end):
        """The terminal's sorted times of delivered packets around a link gap: arrivals down,
        departures up."""
        if way == "down":
            return self.received
        old, new = self.steady(cut), self.steady(end)

        def departure(sent, received):
            late = sent < cut and received - sent > old + HELD and received - new >= back
            return max(back, received - new) if late or cut <= sent < back else sent
        return sorted(departure(sent, received) for _, sent, received in self.by_sent
                      if sent < end)

    def steady(self, time):
        """What the last packets took that were received before a moment: the median, in us."""
        position = bisect_right(self.received, time)
        times = sorted(r[2] - r[1] for r in self.arrivals[max(0, position - STEADY):position])
        return times[len(times) // 2] if times else 0

    def spacing(self, time):
        """Time between packets that are sent around a moment."""
        number = (time - self.start) // self.interval
        dense = not self.windows or any(a <= number < b for a, b in self.windows)
        return self.interval * (1 if dense else self.sparse)

    def silence(self, begin, end, latest=None):
        """(before, after, excess) of the longest time without an arrival, of those that end after `begin`
        and begin no later than `latest` (end): by how much it exceeds the spacing of the packets, and
        what the sender was late."""
        low, high = max(0, bisect_left(self.received, begin) - 1), bisect_right(self.received, end)
        found = [(a[2], b[2], b[2] - a[2] - self.spacing(a[1])
                  - max(0, (b[1] - self.due(b[0])) - (a[1] - self.due(a[0]))))
                 for a, b in zip(self.arrivals[low:high], self.arrivals[low + 1:high])
                 if latest is None or a[2] <= latest]
        return max(found, key=lambda f: f[2], default=None)

    def unrest(self, time):
        """The longest silence beyond the spacing in the third of a second before a moment at which
        nothing happened, in ms: what the machine does to figures by itself."""
        span = self.silence(time - UNREST, time)
        return span[2] / 1000 if span else None

    def lost(self, begin, end):
        """How many packets due in [begin, end) were never received."""
        first = max(0, -(-(begin - self.start) // self.interval))
        last = min(self.count, -(-(end - self.start) // self.interval))
        low = bisect_left(self.by_sent, (first,))
        high = bisect_left(self.by_sent, (last,))
        return max(0, len(self.sent_numbers(first, last)) - (high - low)) if last > first else 0

    def lost_times(self):
        """When each packet that was never received was due."""
        have = {r[0] for r in self.by_sent}
        return [self.due(n) for n in self.sent_numbers(0, self.count) if n not in have]

    def disorder(self, begin, end):
        """(reordered, duplicated) among the packets that arrived in [begin, end)."""
        reordered = duplicated = 0
        seen, highest = set(), -1
        low, high = bisect_left(self.received, begin), bisect_left(self.received, end)
        for sequence, _, _ in self.arrivals[low:high]:
            duplicated += sequence in seen
            reordered += sequence < highest and sequence not in seen
            seen.add(sequence)
            highest = max(highest, sequence)
        return reordered, duplicated


def around(times, moment, end):
    """The last of sorted times up to a moment and the first one after it, before `end`, or None."""
    position = bisect_right(times, moment)
    if position == 0 or position == len(times) or times[position] > end:
        return None
    return times[position - 1], times[position]


def direction(series, way, times, end):
    """One direction of one handover; added_ms is None when nothing came after."""
    down, up = times["link_down_us"], times["link_up_us"]
    begin = times["begin_us"] if down is None else down
    path = series.steady(end) - series.steady(begin)
    if down is None:
        gap = max(0, path)
        span = series.silence(begin, end, begin + times.get("look_us", LOOK))
    else:
        gap = up - down
        # In the middle of the gap nothing can pass, whatever the clocks' small differences.
        span = around(series.axis(way, down, up, end), (down + up) // 2, end)
    result = {"from_us": None, "to_us": None, "outage_ms": None, "added_ms": None,
              "path_ms": path / 1000}
    if span:
        # Without any outage two packets are this far apart, so that much is no outage.
        outage = span[2] if down is None else span[1] - span[0] - series.spacing(span[0])
        result.update({"from_us": span[0], "to_us": span[1], "outage_ms": outage / 1000,
                       "added_ms": (outage - gap) / 1000})
    result["lost"] = series.lost(begin - 2 * QUIET, end)
    result["reordered"], result["duplicated"] = series.disorder(begin - 2 * QUIET, end)
    return result


def handover(down, up, times, end):
    """Both directions of one handover; `end` is where the next one begins, or the run ends.

    `times` has begin_us, the order, and, when the link was cut, link_down_us and link_up_us (else
    None), and may have look_us.
    """
    return {"down": direction(down, "down", times, end) if down else None,
            "up": direction(up, "up", times, end) if up else None}
