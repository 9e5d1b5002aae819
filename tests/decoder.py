#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows datagrams of the SNO mobility protocol: a second implementation, for tests and captures.

It was written from common/PROTOCOL alone and shares nothing with the daemons, so that where both
agree the text says it. Needs Debian's python3-cryptography.

As a module: Observer reads the datagrams of both channels in order and opens what its keys open;
read() and write() are for single messages, Dropped says why one is refused.
"""

import argparse
import json
import sys

from decoding.message import PLACES, Dropped, Message, make, read, write
from decoding.observer import CHANNELS, Observer, as_mapping

__all__ = ["CHANNELS", "PLACES", "Dropped", "Message", "Observer", "as_mapping", "lines", "make",
           "read", "write"]

EPILOG = """\
HEX is a datagram, or with `--place` of a message its octets; blanks and colons are ignored, `-`
reads lines from standard input. Datagrams are observed in the order given: a sealed one can be opened
behind its handshake. The golden datagrams (tests/vectors/datagrams.json) are a file of keys.
Exit status: 0 all are valid, 1 one is dropped, with the reason of section 2.3, 2 usage.
"""


def lines(mapping, depth=0):
    """A mapping of the observer as indented text, one line at a time."""
    blank = "  " * depth
    names = [name for name in ("type", "type_name", "id") if name in mapping]
    if names:
        yield f"{blank}{mapping['type']:#04x} {mapping['type_name']}, id {mapping['id']}"
    for name, value in mapping.items():
        if name in names:
            continue
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield f"{blank}  {name}, {number}:"
                yield from lines(item, depth + 2)
        elif isinstance(value, dict):
            if name != "attributes":
                yield f"{blank}  {name}:"
            yield from lines(value, depth + (name != "attributes") * 2)
        else:
            yield f"{blank}  {name:<18} {value}"


def options(arguments):
    parser = argparse.ArgumentParser(
        prog="decoder.py", description="Shows datagrams of the SNO mobility protocol.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hex", nargs="+", metavar="HEX")
    parser.add_argument("--place", default="access clear", choices=PLACES,
                        help="where the octets stand (default: %(default)s)")
    parser.add_argument("--keys", metavar="FILE", help="JSON, as described in decoding/observer.py")
    parser.add_argument("--strict", action="store_true", help="refuse what the keys do not open")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args(arguments)


def given(words):
    """The octets of each datagram on the command line or on standard input."""
    for word in words:
        for text in sys.stdin if word == "-" else [word]:
            yield bytes.fromhex(text.replace(":", " "))


def decode(observer, place, octets):
    for channel, clear in CHANNELS.items():
        if place == clear:
            return observer.datagram(channel, octets)
    return as_mapping(read(octets, place))


def show(observer, place, octets, as_json):
    """Prints one datagram; whether it was valid."""
    try:
        result = decode(observer, place, octets)
    except Dropped as error:
        result = {"dropped": error.reason, "detail": str(error)}
    print(json.dumps(result) if as_json else "\n".join(lines(result)))
    return "dropped" not in result


def main(arguments):
    chosen = options(arguments)
    try:
        keys = None
        if chosen.keys:
            with open(chosen.keys, encoding="utf-8") as file:
                keys = json.load(file)
        observer = Observer(keys, chosen.strict)
        results = [show(observer, chosen.place, octets, chosen.json)
                   for octets in given(chosen.hex)]
    except (OSError, ValueError, Dropped) as error:
        print(f"decoder.py: {error}", file=sys.stderr)
        return 2
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
