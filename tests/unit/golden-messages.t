#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The golden messages, read by the second implementation of the protocol (tests/decoder.py).

That one was written from common/PROTOCOL alone. It has to read every golden message as the file
says, write the same octets again, and drop what is damaged or wrong under the right reason. Its
tables are compared with those of the text.
"""

import ipaddress
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

try:
    from decoding import attribute
    from decoding import message as wire
    from decoding.message import Dropped
    from decoding.tap import (SRCDIR, TESTS, end, expected_message, flipped, load, place_of,
                              refusal, same, same_message)
except ImportError as missing:
    print(f"1..0 # SKIP {missing}: install python3-cryptography")
    sys.exit(0)

# Reasons that a message cannot show by itself: they depend on sessions, keys and rates.
BY_STATE = {"index", "replay", "seal", "handshake", "limit"}

# --- the text's tables ----------------------------------------------------------------------------

PLACES = {
    "core, clear": ("core clear",), "access,clear": ("access clear",),
    "both, clear": ("core clear", "access clear"), "core": ("core",), "both": ("core", "access"),
    "in 0x01/02": ("hello",), "in 0x21": ("identity",), "in 0x22/23": ("assignment",),
    "in SEALED": ("registration",),
}


def table(text, header):
    """The rows of a table of the text, cut where the dashes under its header begin."""
    lines = text.split("\n")
    start = next(number for number, line in enumerate(lines) if re.match(header, line))
    starts = [match.start() for match in re.finditer("-+", lines[start + 1])]
    columns = list(zip(starts, starts[1:] + [None]))
    for line in lines[start + 2:]:
        if re.match(r"\S| \* ", line):
            return
        yield [line[first:last].strip() for first, last in columns]


def lengths(text):
    """The lengths that a cell allows: `8`, `1..63` or `4 or 16`."""
    if ".." in text:
        low, high = text.split("..")
        return set(range(int(low), int(high) + 1))
    return {int(word) for word in text.split(" or ")}


def text_attributes(text):
    return [(int(code, 16), name, lengths(length))
            for code, name, length, _ in table(text, " code  name") if code]


def text_types(text):
    """type -> name, places, id, required, optional."""
    rows, current, names, last = {}, None, None, None
    for code, name, place, ident, attributes in table(text, " type  name"):
        if code:
            current = {"R": [], "O": []}
            names, last = None, int(code, 16)
            rows[last] = (name, PLACES[place], ident, current)
        elif name:  # the rest of a long one
            rows[last] = (f"{rows[last][0]} {name}", *rows[last][1:])
        kind = re.match(r"([RO]) ", attributes)
        if kind:
            names = current[kind.group(1)]
        if names is not None:
            names += re.findall(r"[A-Z][A-Z0-9_]+", attributes)
    return {code: (name, places, ident, tuple(lists["R"]), tuple(lists["O"]))
            for code, (name, places, ident, lists) in rows.items()}


def check_tables():
    with open(os.path.join(SRCDIR, "common", "PROTOCOL"), encoding="utf-8") as file:
        text = file.read()
    same([(entry.code, entry.name, set(entry.kind.lengths)) for entry in attribute.ATTRIBUTES],
         text_attributes(text), "attributes are those of PROTOCOL's table 3.2")
    same({entry.type: entry[1:] for entry in wire.ROWS}, text_types(text),
         "types are those of PROTOCOL's table 3.1")
    reasons = re.findall(r"^   ([a-z]+) +\S", text.split("\n2.3 ")[1].split("\n3  ")[0], re.M)
    same(sorted(reasons), sorted(wire.REASONS), "reasons are those of PROTOCOL's section 2.3")


# --- single messages ------------------------------------------------------------------------------

def check_message(entry):
    octets = bytes.fromhex(entry["octets"])
    expected = expected_message(entry)
    same_message(wire.read(octets, place_of(entry)), expected, f"{entry['name']}: read")
    same(wire.write(expected).hex(), octets.hex(), f"{entry['name']}: written")


def one_encoding(octets, place):
    """A damaged copy is refused or is another message, of which it is the one encoding."""
    try:
        message = wire.read(octets, place)
    except Dropped:
        return True
    return wire.write(message) == octets


def check_damaged_message(entry):
    """A cut ends within something, or at the end of an attribute."""
    octets, place = bytes.fromhex(entry["octets"]), place_of(entry)
    ends = {wire.HEAD.size}
    offset = wire.HEAD.size
    for _, value in wire.split(octets):
        offset += wire.ATTRIBUTE_HEAD.size + len(value)
        ends.add(offset)
    wrong = [length for length in range(len(octets))
             if refusal(wire.read, octets[:length], place)
             not in (("missing", None) if length in ends else ("short",))]
    wrong += [f"flip {flip:#x} at {offset}" for offset, flip, damaged in flipped(octets)
              if not one_encoding(damaged, place)]
    same(wrong, [], f"{entry['name']}: cut and flipped at each octet")


def without(message, name):
    return message._replace(attributes={
        other: text for other, text in message.attributes.items() if other != name})


def raw(message, name, value):
    """The message with other octets as this attribute's value."""
    values = {attribute.BY_NAME[other].code: attribute.BY_NAME[other].kind.octets(text)
              for other, text in message.attributes.items()}
    values[attribute.BY_NAME[name].code] = value
    return wire.write_head(message.type, message.id) + b"".join(
        wire.ATTRIBUTE_HEAD.pack(code, len(values[code])) + values[code]
        for code in sorted(values))


def check_row(message, place):
    """What section 2.2 says of a row: missing, unexpected and length."""
    row = wire.BY_TYPE[message.type]
    needed = wire.required(row, place, message.attributes)
    wrong = []
    for entry in attribute.ATTRIBUTES:
        if entry.name in needed:
            octets = wire.write(without(message, entry.name))
            expected = "missing", refusal(wire.read, octets, place)
        elif entry.name not in row.required + row.optional:
            expected = "unexpected", refusal(wire.read, raw(message, entry.name, b""), place)
        else:
            expected = None, None
        if expected[0] != expected[1]:
            wrong.append((entry.name, *expected))
        if entry.name in row.required + row.optional:
            wrong += [(entry.name, length) for length in bad_lengths(entry.kind)
                      if refusal(wire.read, raw(message, entry.name, bytes(length)), place)
                      != "length"]
    same(wrong, [], f"{message.name} in {place}: its row of the table")


def check_later_version(message, place):
    """Attributes that nobody knows: skipped from 0x80 on, and not kept below."""
    octets, wrong = wire.write(message._replace(skipped=b"")), []
    for code in (max(attribute.BY_CODE) + 1, 0x7f, 0x80, 0xff):
        later = octets + wire.ATTRIBUTE_HEAD.pack(code, 0)
        if code < 0x80:
            got, expected = refusal(wire.read, later, place), "unknown"
        else:
            got, expected = wire.write(wire.read(later, place)), later
        if got != expected:
            wrong.append(code)
    same(wrong, [], f"{message.name} in {place}: attributes of a later version")


def bad_lengths(kind):
    low, high = min(kind.lengths), max(kind.lengths)
    return [length for length in (0, low - 1, low + 1, high - 1, high + 1)
            if length >= 0 and length not in kind.lengths]


def check_places(golden):
    """A type is refused where its row does not have it."""
    wrong = []
    for entry in golden["messages"]:
        octets = bytes.fromhex(entry["octets"])
        for place in wire.PLACES:
            if place not in wire.BY_TYPE[entry["type"]].places:
                if refusal(wire.read, octets, place) != "type":
                    wrong.append((entry["name"], place))
    wrong += [code for code in wire.NO_ATTRIBUTES for place in wire.PLACES
              if refusal(wire.read, wire.write_head(code, int(code != wire.BUNDLE)) + bytes(40),
                         place) != "type"]
    same(wrong, [], "each message is refused in every other place")


def check_messages(golden):
    for entry in golden["messages"]:
        check_message(entry)
        check_damaged_message(entry)
        if len(entry["octets"]) // 2 < wire.LONGEST - 64:
            check_row(expected_message(entry), place_of(entry))
            check_later_version(expected_message(entry), place_of(entry))
    check_places(golden)


def check_values():
    """Domains at their edges, beyond what the golden datagrams have."""
    cases = [
        ("HOA4", "0.255.255.255 127.0.0.1 224.0.0.0 255.255.255.255",
         "1.0.0.0 126.255.255.255 128.0.0.0 223.255.255.255"),
        ("HOA6", ":: ::1 ::ffff:192.0.2.1 fe80:: febf::1 ff00:: ff02::1",
         "::2 fe7f::1 fec0::1 2001:db8:: ::fffe:0:0"),
    ]
    for name, bad, good in cases:
        wrong = [(text, expected) for expected, texts in (("value", bad), (None, good))
                 for text in texts.split() if refusal(read_address, name, text) != expected]
        same(wrong, [], f"{name}: addresses at the edges")
    octet_cases = [
        ("LINK_LOCAL", ["fe7f" + "ff" * 14, "fec0" + "00" * 14], ["fe80" + "00" * 14]),
        ("LINK_LAYER", ["000000000000", "010000000000", "ffffffffffff"], ["feffffffffff"]),
        ("PREFIX", ["00" * 17, "81" + "00" * 16, "08" + "2001" + "00" * 14, "ff" * 17],
         ["80" + "ff" * 16, "01" + "80" + "00" * 15]),
        ("MTU", ["04ff", "0000"], ["0500", "ffff"]),
        ("INDEX", ["00000000"], ["00000001"]),
        ("TUNNEL_KIND", ["00", "03", "20", "ff"], ["01", "02", "04", "08", "10"]),
        ("TUNNEL_KINDS", ["00", "20", "80"], ["01", "1f"]),
        ("TUNNEL_KEY", ["00000000", "01000000"], ["00000001", "00ffffff"]),
        ("HANDOVER_COUNTER", ["00" * 8], ["00" * 7 + "01", "ff" * 8]),
        ("HOLD", ["02", "ff"], ["00", "01"]),
        ("MODE", ["00", "06", "80"], ["01", "05"]),
        ("USER", ["41", "40", "2f", "c3a4", "20"], ["2d2e5f", "61397a30"]),
    ]
    for name, bad, good in octet_cases:
        wrong = [(text, expected) for expected, texts in (("value", bad), (None, good))
                 for text in texts if refusal(read_alone, name, bytes.fromhex(text)) != expected]
        same(wrong, [], f"{name}: values at the edges")


def read_address(name, text):
    family = ipaddress.ip_address(text)
    return read_alone(name, family.packed)


def read_alone(name, value):
    """Reads an attribute in the first row that has it."""
    row = next(entry for entry in wire.ROWS if name in entry.required + entry.optional)
    return wire.read_value(row, attribute.BY_NAME[name].code, value)


def check_dropped(golden):
    for entry in golden["dropped"]:
        same(refusal(wire.read, bytes.fromhex(entry["octets"]), place_of(entry)), entry["reason"],
             f"dropped under {entry['reason']}: {entry['name']}")


def check_complete(golden):
    """The golden datagrams have every type, every attribute and every reason."""
    types = {entry["type"] for entry in golden["messages"]}
    if golden["channels"]:
        types |= {0x01, 0x02, 0x03, 0x04, 0x05}
    if any("bundle" in item for entry in golden["channels"] for item in entry["sealed"]):
        types.add(wire.BUNDLE)
    same(sorted(types), sorted(wire.BY_TYPE), "every type has a golden datagram")
    places = {(entry["type"], place_of(entry)) for entry in golden["messages"]}
    same(sorted((row.type, place) for row in wire.ROWS for place in row.places
                if row.type not in wire.NO_ATTRIBUTES),
         sorted(places), "every type has one in each of its places")
    names = {name for entry in golden["messages"] for name in entry["attributes"]}
    same(sorted(names), sorted(attribute.BY_NAME), "every attribute is in one of them")
    reasons = {entry["reason"] for entry in golden["dropped"]}
    same(sorted(reasons | BY_STATE), sorted(wire.REASONS), "every reason has one that is dropped")


# --- the command ----------------------------------------------------------------------------------

def command(*arguments, stdin=""):
    result = subprocess.run([sys.executable, os.path.join(TESTS, "decoder.py"), *arguments],
                            input=stdin, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout


def check_command(golden):
    channel = golden["channels"][0]
    status, output = command(
        "--place", "core clear", "--json",
        "--keys", os.path.join(TESTS, "vectors", "datagrams.json"),
        channel["initiation"], channel["response"], channel["sealed"][1]["octets"])
    results = [json.loads(line) for line in output.splitlines()]
    same((status, [result["type_name"] for result in results], results[2]["message"]["type_name"]),
         (0, ["handshake initiation", "handshake response", "sealed"],
          channel["sealed"][1]["message"]["type_name"]), "the command opens a conversation")
    advertisement = next(entry for entry in golden["messages"] if entry["type"] == 0x20)
    status, output = command("-", stdin=advertisement["octets"] + "\n")
    same((status, output.splitlines()[0]), (0, "0x20 core advertisement, id 0"),
         "the command reads standard input and writes text")
    status, output = command("--place", "core", "--json", "3e02000000000000")
    same((status, json.loads(output)["dropped"]), (1, "version"),
         "the command says what is dropped")
    same(command("3g")[0], 2, "the command refuses what is not hexadecimal")
    status, output = command("--json", golden["registrations"][0]["done"])
    same((status, "closed" in json.loads(output)), (0, True), "the command goes without keys")


def main():
    golden = load("datagrams.json")
    check_tables()
    check_complete(golden)
    check_messages(golden)
    check_values()
    check_dropped(golden)
    check_command(golden)
    return end()


if __name__ == "__main__":
    sys.exit(main())
