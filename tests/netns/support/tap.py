# SPDX-License-Identifier: GPL-2.0-or-later
"""Test points in TAP, and the reasons for which a test as a whole cannot run.

A point that fails is told with its details as comments, and the first one keeps the evidence by
the function given as `on_failure`.
"""

import os
import sys
import time

KERNEL = os.environ.get("KERNEL", "host")
SRCDIR = os.environ.get("SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.realpath(__file__)))))
# Every test uses modules of the lab.
sys.path.insert(0, os.path.join(SRCDIR, "scripts", "lab.d"))
BUILD = os.environ.get("BUILD") or os.path.join(SRCDIR, "build")
SLOW = 3 if KERNEL == "uml" else 1      # a virtual CPU takes its time
# A deadline is for what never comes, and a host may leave a machine a tenth of its time.
PATIENCE = 10 if KERNEL == "host" else 5


def note(text):
    """Comment lines."""
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def skip_all(reason):
    """Ends the test: a skip with its reason, or a failure where that is not allowed."""
    required = os.environ.get("REQUIRE_UML" if KERNEL == "uml" else "REQUIRE_NETNS") == "1"
    print(f"1..1\nnot ok 1 - required, but skipped: {reason}" if required
          else f"1..0 # SKIP {reason}", flush=True)
    sys.exit(1 if required else 0)


class Tap:
    """Counts points."""

    def __init__(self):
        self.count = self.failed = 0
        self.on_failure = lambda: None

    def ok(self, good, name, details=""):
        """One point."""
        self.count += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        if not good:
            self.failed += 1
            note(details() if callable(details) else details)
            if self.failed == 1:
                self.on_failure()
        return bool(good)

    def same(self, name, wanted, found):
        """A point that compares."""
        return self.ok(wanted == found, name, f"wanted: {wanted}\nfound:  {found}")

    def within(self, seconds, name, condition, details=""):
        """A point that passes once condition() holds, unless it does not come: see poll()."""
        return self.ok(poll(seconds, condition), f"{name}",
                       lambda: f"not within {PATIENCE} times {seconds:g} s\n"
                       + str(details() if callable(details) else details))

    def finish(self):
        """The plan and the exit status."""
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed or not self.count else 0


def poll(seconds, condition):
    """True once condition() holds; False when it does not within PATIENCE times as many seconds as it
    takes an ordinary machine at most. Half the time at most goes into asking."""
    deadline = time.monotonic() + PATIENCE * seconds
    while True:
        asked = time.monotonic()
        if condition():
            return True
        if asked > deadline:
            return False
        time.sleep(max(0.02, time.monotonic() - asked))
