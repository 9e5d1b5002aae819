# SPDX-License-Identifier: GPL-2.0-or-later
"""The attributes of common/PROTOCOL, section 3.2: their codes, lengths and domains, and their text.

A value is handled as text: numbers in decimal, addresses as usual, anything else in hexadecimal.
Each kind of value is the set of its lengths and two functions, one for each way; both raise
ValueError for a value outside the domain.
"""

import ipaddress
import re
from collections import namedtuple

Kind = namedtuple("Kind", "lengths text octets")
Attribute = namedtuple("Attribute", "code name kind")

NAME = re.compile(r"[a-z0-9._-]+")
MULTICAST_BIT = 0x01

# What no packet from another network can be sent to (the footnote of section 3.2).
NO_UNICAST = [ipaddress.ip_network(text) for text in (
    "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3",
    "::/128", "::1/128", "::ffff:0:0/96", "fe80::/10", "ff00::/8")]
LINK_LOCAL = ipaddress.ip_network("fe80::/10")


def name():
    def text(octets):
        return inside(octets.decode("ascii"))

    def octets(text):
        return inside(text).encode("ascii")

    def inside(text):
        if not NAME.fullmatch(text):
            raise ValueError("a character that no name has")
        return text

    return Kind(range(1, 64), text, octets)


def number(size, low=0, high=None, among=None):
    highest = high if high is not None else 256 ** size - 1

    def text(octets):
        return str(inside(int.from_bytes(octets, "big")))

    def octets(text):
        return inside(int(text)).to_bytes(size, "big")

    def inside(value):
        if not low <= value <= highest or (among and value not in among):
            raise ValueError(f"{value} is outside the domain")
        return value

    return Kind(range(size, size + 1), text, octets)


def opaque(low, high):
    return Kind(range(low, high + 1), bytes.hex, bytes.fromhex)


def unicast(*sizes):
    def text(octets):
        return str(inside(ipaddress.ip_address(octets)))

    def octets(text):
        return inside(ipaddress.ip_address(text)).packed

    def inside(address):
        for network in NO_UNICAST:
            if address in network:
                raise ValueError(f"{address} is in {network}")
        return address

    return Kind(sizes, text, octets)


def link_local():
    def text(octets):
        return str(inside(ipaddress.IPv6Address(octets)))

    def octets(text):
        return inside(ipaddress.IPv6Address(text)).packed

    def inside(address):
        if address not in LINK_LOCAL:
            raise ValueError(f"{address} is not link-local")
        return address

    return Kind((16,), text, octets)


def link_layer():
    def text(octets):
        return inside(octets).hex(":")

    def octets(text):
        return inside(bytes.fromhex(text.replace(":", "")))

    def inside(octets):
        if octets[0] & MULTICAST_BIT or not any(octets):
            raise ValueError(f"{octets.hex(':')} is no station's address")
        return octets

    return Kind((6,), text, octets)


def prefix():
    def text(octets):
        return str(inside(ipaddress.IPv6Network((octets[1:], octets[0]))))

    def octets(text):
        network = inside(ipaddress.IPv6Network(text))
        return bytes([network.prefixlen]) + network.network_address.packed

    def inside(network):
        if network.prefixlen == 0:
            raise ValueError("a prefix of length 0")
        return network

    return Kind((17,), text, octets)


ATTRIBUTES = [Attribute(*row) for row in (
    (0x01, "CORE", name()),
    (0x02, "REALM", name()),
    (0x03, "USER", name()),
    (0x04, "EPOCH", number(8, low=1)),
    (0x05, "HOME_EPOCH", number(8)),
    (0x06, "COUNTER", number(8)),
    (0x07, "INDEX", number(4, low=1)),
    (0x08, "HANDSHAKE", opaque(48, 768)),
    (0x09, "SEALED", opaque(24, 768)),
    (0x0a, "LINK_LAYER", link_layer()),
    (0x0b, "LINK_LOCAL", link_local()),
    (0x0c, "MTU", number(2, low=1280)),
    (0x0d, "INTERVAL", number(2, low=1)),
    (0x0e, "REASON", number(2)),
    (0x0f, "LIFETIME", number(4)),
    (0x10, "HOA4", unicast(4)),
    (0x11, "HOA6", unicast(16)),
    (0x12, "PREFIX", prefix()),
    (0x13, "ACCESS_KEY", opaque(32, 32)),
    (0x14, "BINDING", number(8, low=1)),
    (0x15, "COA", unicast(4, 16)),
    (0x16, "TUNNEL_KIND", number(1, among=(1, 2, 4, 8, 16))),
    (0x17, "TUNNEL_KINDS", number(1, low=1, high=31)),
    (0x18, "TUNNEL_KEY", number(4, low=1, high=16777215)),
    (0x19, "TUNNEL_END4", unicast(4)),
    (0x1a, "TUNNEL_END6", unicast(16)),
    (0x1b, "NEXT_SATELLITE", name()),
    (0x1c, "NEXT_CORE", name()),
    (0x1d, "GAP", number(4)),
    (0x1e, "REGISTRATION_TIME", number(4)),
    (0x1f, "HANDOVER_COUNTER", number(8, low=1)),
    (0x20, "HANDOVER_KEY", opaque(32, 32)),
    (0x21, "ARRIVAL", opaque(16, 16)),
    (0x22, "EXPECTED", number(4)),
    (0x23, "HOLD", number(1, high=1)),
    (0x24, "UPLINK_DELAY", number(4)),
    (0x25, "MODE", number(1, low=1, high=5)),
    (0x26, "FIRST_PACKET", number(4)),
    (0x27, "BUFFERED", number(4)),
    (0x28, "DROPPED", number(4)),
    (0x29, "HANDOVER_TAG", opaque(8, 8)),
    (0x2a, "HANDOVER_PROOF", opaque(16, 16)),
    (0x2b, "EPHEMERAL", opaque(32, 32)),
    (0x2c, "SUITES", number(1, low=1, high=3)),
    (0x2d, "SUITE", number(1, among=(1, 2))),
    (0x2e, "SPI", number(4, low=256)),
)]
BY_CODE = {attribute.code: attribute for attribute in ATTRIBUTES}
BY_NAME = {attribute.name: attribute for attribute in ATTRIBUTES}

# Codes from here on are skipped where they are unknown (section 2.2).
SKIPPED_FROM = 0x80
