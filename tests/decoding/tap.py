# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the golden datagrams share: TAP, the file, and damaged copies."""

import json
import os

from decoding import message as wire
from decoding.message import Dropped

SRCDIR = os.environ.get("SRCDIR", os.path.join(os.path.dirname(__file__), "..", ".."))
TESTS = os.path.join(SRCDIR, "tests")
FLIPS = (0x01, 0x80, 0xff)
count = failures = 0


def ok(good, name, detail=""):
    global count, failures
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {name}")
    if not good:
        failures += 1
        for line in str(detail).splitlines():
            print(f"# {line}")


def same(got, expected, name):
    ok(got == expected, name, f"got      {got!r}\nexpected {expected!r}")


def load(name):
    with open(os.path.join(TESTS, "vectors", name), encoding="utf-8") as file:
        return json.load(file)


def refusal(function, *arguments):
    """The reason that a call drops its datagram for, None if it takes it."""
    try:
        function(*arguments)
    except Dropped as error:
        return error.reason
    return None


def expected_message(entry):
    """A message of the JSON in the decoder's form, attributes in their order."""
    return wire.Message(entry["type"], entry["type_name"], entry["id"],
                        {name: str(value) for name, value in entry["attributes"].items()},
                        bytes.fromhex(entry.get("skipped", "")))


def same_message(got, expected, name):
    """Every field, the order of the attributes too."""
    same((got, list(got.attributes)), (expected, list(expected.attributes)), name)


def place_of(entry):
    return "access clear" if entry["place"] == "clear" else entry["place"]


def flipped(octets, spare=()):
    for offset in range(len(octets)):
        if offset not in spare:
            for flip in FLIPS:
                changed = octets[offset] ^ flip
                yield offset, flip, octets[:offset] + bytes([changed]) + octets[offset + 1:]


def end():
    """The plan, and the exit status of the test."""
    print(f"1..{count}")
    return 1 if failures else 0
