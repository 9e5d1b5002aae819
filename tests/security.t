#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The threat model (sno-security(7)): behind each promise there is a test, and each test is there."""

import os
import re
import sys

TOP = os.environ.get("SRCDIR") or os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")
PAGE = os.path.join(TOP, "common", "sno-security.7")


def promises(text):
    """The items of the list of promises: what each says, and its tests."""
    part = text[text.index(".Ss Promises"):text.index(".Ss No promises")]
    for item in part.split("\n.It Sy ")[1:]:
        yield item.split("\n", 1)[0], re.findall(r"^\.Pa (tests/\S+)", item, re.M)


def main():
    with open(PAGE, encoding="utf-8") as file:
        found = list(promises(file.read()))
    named = {test for _, tests in found for test in tests}
    fuzzers = {f"tests/fuzz/{name}" for name in os.listdir(os.path.join(TOP, "tests", "fuzz"))
               if name.startswith("fuzz-") and name.endswith(".c")}
    points = [(f"a test stands behind: {promise}", bool(tests), "none is named")
              for promise, tests in found]
    for test in sorted(named):
        path = os.path.join(TOP, test)
        there = os.path.isfile(path) and (path.endswith(".c") or os.access(path, os.X_OK))
        points.append((f"{test} is there", there, "no such test"))
    points.append(("every fuzz target is named", fuzzers <= named, sorted(fuzzers - named)))
    print(f"1..{len(points)}")
    for number, (name, good, detail) in enumerate(points, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        if not good:
            print(f"# {detail}")
    return 0 if all(good for _, good, _ in points) else 1


if __name__ == "__main__":
    sys.exit(main())
