# SPDX-License-Identifier: GPL-2.0-or-later
"""What a handover did to a TCP transfer, read off the arrivals that both its ends have counted.

The dip is the part that is missing of what should have arrived within WINDOW after the break, by the
measure of the same time before it; what a stalled connection makes up for later is no excuse. The
pause is the longest time around the break in which nothing arrived.
"""

WINDOW = 500000         # us


class Arrivals:
    """Bytes by time at one end of a transfer."""

    def __init__(self, report):
        self.start = report["start_us"]
        self.bucket = report["bucket_us"]
        self.bytes = report["arrived"]

    def between(self, begin, end):
        """Bytes that arrived in [begin, end), to the nearest bucket."""
        first, last = ((time - self.start) // self.bucket for time in (begin, end))
        return sum(self.bytes[max(0, first):max(0, last)])

    def pause(self, begin, end):
        """The longest time without an arrival in [begin, end], in us."""
        first, last = ((time - self.start) // self.bucket for time in (begin, end))
        longest = run = 0
        for count in self.bytes[max(0, first):max(0, last)]:
            run = 0 if count else run + self.bucket
            longest = max(longest, run)
        return longest


def dip(arrivals, moment, end):
    """One direction around a break; `end` is when the next one is to be expected."""
    before = arrivals.between(moment - WINDOW, moment)
    after = arrivals.between(moment, moment + WINDOW)
    return {"dip_percent": round(100 * max(0, 1 - after / before), 1) if before else None,
            "pause_ms": arrivals.pause(moment - WINDOW // 10, end) / 1000}


def handover(result, moment, end):
    """Both directions of a transfer's result (traffic.py); None for one that failed."""
    if result is None or result["error"]:
        return None
    return {"down": dip(Arrivals(result["client"]), moment, end),
            "up": dip(Arrivals(result["server"]), moment, end)}
