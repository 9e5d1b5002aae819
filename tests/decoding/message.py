# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of common/PROTOCOL, sections 2 and 3: strict reading, the reasons for dropping, writing.

A place is where a message may stand: in the clear on one of the channels (`core clear`, `access
clear`), sealed on one of them (`core`, `access`), or as the payload of a handshake or of SEALED
(`hello`, `identity`, `assignment`, `registration`).
"""

import struct
from collections import namedtuple

from decoding.attribute import BY_CODE, BY_NAME, SKIPPED_FROM

VERSION = 1
HEAD = struct.Struct("!BBHI")
ATTRIBUTE_HEAD = struct.Struct("!BH")
LONGEST = 1280

PLACES = ("core clear", "access clear", "core", "access",
          "hello", "identity", "assignment", "registration")
REASONS = ("short", "version", "type", "order", "unknown", "unexpected", "missing", "length",
           "value", "long", "index", "replay", "seal", "handshake", "limit")

# These carry no attributes.
HANDSHAKE_INITIATION, HANDSHAKE_RESPONSE, SEALED, BUNDLE = 0x01, 0x02, 0x03, 0x3f
COOKIE, COOKIE_PROOF = 0x04, 0x05
NO_ATTRIBUTES = (HANDSHAKE_INITIATION, HANDSHAKE_RESPONSE, SEALED, COOKIE, COOKIE_PROOF, BUNDLE)

# What an id means; ZERO is the one that has to be 0.
ZERO = "0"

Row = namedtuple("Row", "type name places id required optional")
Message = namedtuple("Message", "type name id attributes skipped")


class Dropped(Exception):
    """A datagram that is dropped, with the reason of section 2.3 that it counts under."""

    def __init__(self, reason, detail):
        assert reason in REASONS
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def row(code, title, places, meaning, required="", optional=""):
    return Row(code, title, tuple(places.split(", ")), meaning,
               tuple(required.split()), tuple(optional.split()))


# Section 3.1. What carries no attributes is read by decoding.handshake and decoding.seal.
ROWS = [
    row(0x01, "handshake initiation", "core clear", "sender index"),
    row(0x02, "handshake response", "core clear", "sender index"),
    row(0x03, "sealed", "core clear, access clear", "receiver index"),
    row(0x04, "cookie", "core clear, access clear", "answered id"),
    row(0x05, "cookie proof", "core clear, access clear", "inner id"),

    row(0x10, "hello", "hello", ZERO, "CORE EPOCH TUNNEL_KINDS TUNNEL_KEY",
        "TUNNEL_END4 TUNNEL_END6 SUITES SUITE SPI"),
    row(0x11, "identity", "identity", ZERO,
        "USER HOME_EPOCH COUNTER LINK_LAYER LINK_LOCAL MTU", "CORE MODE EPHEMERAL"),
    row(0x12, "assignment", "assignment", ZERO, "CORE HOME_EPOCH COUNTER REASON",
        "LIFETIME HOA4 HOA6 PREFIX EPHEMERAL"),

    row(0x20, "core advertisement", "access clear", ZERO, "CORE EPOCH INTERVAL"),
    row(0x21, "core discovery", "access clear", "terminal index", "REALM HANDSHAKE",
        "COUNTER ARRIVAL MODE HANDOVER_TAG HANDOVER_PROOF"),
    row(0x22, "registration done", "access clear", "terminal index", "SEALED", "HANDSHAKE"),
    row(0x23, "registration reject", "access clear", "terminal index", "REASON", "HANDSHAKE"),
    row(0x24, "registration", "registration", "core index", "CORE EPOCH MTU LIFETIME",
        "COA UPLINK_DELAY MODE"),

    row(0x30, "authentication", "core", "request id", "REALM INDEX HANDSHAKE",
        "LINK_LAYER LINK_LOCAL COA TUNNEL_KIND TUNNEL_KEY NEXT_SATELLITE"),
    row(0xb0, "authentication ACK", "core", "request id", "REASON",
        "USER COUNTER HANDSHAKE LINK_LAYER LINK_LOCAL MTU LIFETIME HOA4 HOA6 PREFIX ACCESS_KEY"
        " BINDING COA UPLINK_DELAY"),
    row(0x31, "CoA + tunnel request", "core", "request id",
        "BINDING COA TUNNEL_KIND TUNNEL_KEY", "COUNTER NEXT_SATELLITE ARRIVAL MODE"),
    row(0xb1, "tunnel ACK", "core", "request id", "REASON BINDING", "MTU"),
    row(0x32, "core disconnect", "core, access", "request id", "",
        "LINK_LAYER LINK_LOCAL MTU LIFETIME BINDING NEXT_SATELLITE NEXT_CORE HANDOVER_COUNTER"),
    row(0xb2, "disconnection ACK", "core, access", "request id", "REASON",
        "NEXT_CORE UPLINK_DELAY MODE"),
    row(0x33, "release", "core, access", "request id", "REASON", "BINDING MODE"),
    row(0xb3, "release ACK", "core, access", "request id", "REASON"),
    row(0x34, "handover done", "core, access", "request id", "GAP REGISTRATION_TIME",
        "BINDING MODE FIRST_PACKET BUFFERED DROPPED"),
    row(0xb4, "handover done ACK", "core, access", "request id", "REASON"),
    row(0x35, "proactive authentication", "core", "request id",
        "USER LIFETIME BINDING HANDOVER_KEY EXPECTED",
        "LINK_LAYER LINK_LOCAL MTU HOA4 HOA6 PREFIX NEXT_SATELLITE HOLD UPLINK_DELAY"),
    row(0xb5, "proactive authentication ACK", "core", "request id", "REASON",
        "MTU COA TUNNEL_KIND TUNNEL_KEY HOLD"),
    row(0x36, "handover announcement", "core, access", "request id",
        "HANDOVER_COUNTER EXPECTED",
        "LINK_LAYER LINK_LOCAL MTU BINDING NEXT_SATELLITE NEXT_CORE"),
    row(0xb6, "handover announcement ACK", "core, access", "request id", "REASON",
        "NEXT_CORE UPLINK_DELAY MODE"),
    row(0x37, "echo", "core", "request id"),
    row(0xb7, "echo ACK", "core", "request id", "REASON"),
    row(0x3e, "keepalive", "core, access", ZERO),
    row(0x3f, "bundle", "core", ZERO),
    row(0xff, "error", "core, access", "request id", "REASON"),
]
BY_TYPE = {entry.type: entry for entry in ROWS}
BY_TITLE = {entry.name: entry for entry in ROWS}

# The text under the table of section 3.1: what REASON 0 requires beyond the row.
ACCEPTED = {
    0x12: ("LIFETIME",),
    0xb0: ("USER", "COUNTER", "HANDSHAKE", "LINK_LAYER", "LINK_LOCAL", "MTU", "LIFETIME",
           "ACCESS_KEY", "BINDING"),
    0xb5: ("MTU", "COA", "TUNNEL_KIND", "TUNNEL_KEY"),
}
# Where one home address at least is needed; where there is a REASON, with REASON 0.
ADDRESSED = (0x12, 0xb0, 0x35)
# Of these, BINDING is optional from a terminal only.
BOUND_BETWEEN_CORES = (0x32, 0x33, 0x34, 0x36)
# All of these or none.
TOGETHER = {
    0x10: ("SUITES", "SUITE", "SPI"),
    0x21: ("COUNTER", "ARRIVAL", "HANDOVER_TAG", "HANDOVER_PROOF"),
    0x30: ("COA", "TUNNEL_KIND", "TUNNEL_KEY"),
    0x31: ("COUNTER", "ARRIVAL"),
}


def read_head(octets, place):
    """The row and the id of what stands in this place."""
    if len(octets) > LONGEST:
        raise Dropped("long", f"{len(octets)} octets")
    if len(octets) < HEAD.size:
        raise Dropped("short", "ends within the head")
    code, version, reserved, ident = HEAD.unpack_from(octets)
    if version != VERSION or reserved != 0:
        raise Dropped("version", f"version {version}, reserved {reserved}")
    entry = BY_TYPE.get(code)
    if entry is None:
        raise Dropped("type", f"type {code:#04x} is unknown")
    if place not in entry.places:
        raise Dropped("type", f"{entry.name} has no place in {place}")
    if (ident == 0) != (entry.id == ZERO):
        raise Dropped("value", f"id {ident}")
    return entry, ident


def write_head(code, ident):
    return HEAD.pack(code, VERSION, 0, ident)


def split(octets):
    """The attributes as they stand, each as its code, its value and the offset behind it."""
    offset = HEAD.size
    while offset < len(octets):
        if len(octets) - offset < ATTRIBUTE_HEAD.size:
            raise Dropped("short", "ends within an attribute's head")
        code, length = ATTRIBUTE_HEAD.unpack_from(octets, offset)
        start = offset + ATTRIBUTE_HEAD.size
        if len(octets) - start < length:
            raise Dropped("short", f"ends within attribute {code:#04x}")
        offset = start + length
        yield code, octets[start:offset]


def read_value(entry, code, value):
    """The name and the text of an attribute; nothing for one that is skipped."""
    attribute = BY_CODE.get(code)
    if attribute is None:
        if code < SKIPPED_FROM:
            raise Dropped("unknown", f"attribute {code:#04x}")
        return None
    if attribute.name not in entry.required + entry.optional:
        raise Dropped("unexpected", f"{attribute.name} in {entry.name}")
    if len(value) not in attribute.kind.lengths:
        raise Dropped("length", f"{attribute.name} of {len(value)} octets")
    try:
        return attribute.name, attribute.kind.text(value)
    except ValueError as error:
        raise Dropped("value", f"{attribute.name}: {error}") from None


def required(entry, place, attributes):
    """The names that have to be there: of the row, of REASON 0, of messages between cores."""
    names = entry.required
    if attributes.get("REASON") == "0":
        names += ACCEPTED.get(entry.type, ())
    if place == "core" and entry.type in BOUND_BETWEEN_CORES:
        names += ("BINDING",)
    group = TOGETHER.get(entry.type, ())
    if any(name in attributes for name in group):
        names += group
    return names


def check_complete(entry, place, attributes):
    for name in required(entry, place, attributes):
        if name not in attributes:
            raise Dropped("missing", f"{name} in {entry.name}")
    if entry.type in ADDRESSED and attributes.get("REASON", "0") == "0" \
            and not {"HOA4", "HOA6"} & attributes.keys():
        raise Dropped("missing", f"a home address in {entry.name}")


def read(octets, place):
    """A message of attributes in this place; raises Dropped."""
    entry, ident = read_head(octets, place)
    if entry.type in NO_ATTRIBUTES:
        raise Dropped("type", f"{entry.name} carries no attributes")
    attributes, skipped, before = {}, b"", -1
    for code, value in split(octets):
        if code <= before:
            raise Dropped("order", f"attribute {code:#04x} behind {before:#04x}")
        before = code
        known = read_value(entry, code, value)
        if known:
            attributes[known[0]] = known[1]
        else:
            skipped += ATTRIBUTE_HEAD.pack(code, len(value)) + value
    check_complete(entry, place, attributes)
    return Message(entry.type, entry.name, ident, attributes, skipped)


def write(message):
    """The octets of a message. Writes what it is told: reading is what checks."""
    octets = write_head(message.type, message.id)
    known = sorted((BY_NAME[name].code, text) for name, text in message.attributes.items())
    for code, text in known:
        value = BY_CODE[code].kind.octets(text)
        octets += ATTRIBUTE_HEAD.pack(code, len(value)) + value
    return octets + message.skipped


def make(title, ident, attributes):
    """A message by the name of its type."""
    return Message(BY_TITLE[title].type, title, ident, attributes, b"")
