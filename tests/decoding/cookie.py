# SPDX-License-Identifier: GPL-2.0-or-later
"""Cookies and their proofs, of common/PROTOCOL, section 17."""

import hashlib
import hmac

from decoding import message as wire
from decoding import noise
from decoding.message import Dropped
from decoding.seal import derive

LENGTH = 16
INNER = {"core clear": wire.HANDSHAKE_INITIATION, "access clear": 0x21}


def core_key(own_private, other_public, psk):
    """What two cores share."""
    return derive(noise.dh(own_private, other_public), "sno cookie", psk)


def echo(answered):
    return hashlib.sha256(answered).digest()[:LENGTH]


def head_id(octets):
    return wire.HEAD.unpack_from(octets)[3]


def write_cookie(answered, cookie):
    return wire.write_head(wire.COOKIE, head_id(answered)) + echo(answered) + cookie


def read_cookie(octets, place, sent):
    """The cookie, when it answers what was sent."""
    entry, ident = wire.read_head(octets, place)
    if entry.type != wire.COOKIE:
        raise Dropped("type", f"{entry.name} instead of a cookie")
    if len(octets) != wire.HEAD.size + 2 * LENGTH:
        raise Dropped("short", f"cookie of {len(octets)} octets")
    if ident != head_id(sent):
        raise Dropped("index", f"id {ident}")
    if octets[wire.HEAD.size:-LENGTH] != echo(sent):
        raise Dropped("handshake", "a wrong echo")
    return octets[-LENGTH:]


def proof(cookie, key, datagram):
    """key is None on the access side."""
    secret = cookie if key is None else derive(key, "sno proof", cookie)
    return hmac.new(secret, datagram, hashlib.sha256).digest()[:LENGTH]


def write_proof(cookie, key, datagram):
    return wire.write_head(wire.COOKIE_PROOF, head_id(datagram)) + proof(cookie, key, datagram) \
        + datagram


def check_inner(octets, place):
    """The datagram within a proof, be that right or wrong."""
    entry, ident = wire.read_head(octets, place)
    if entry.type != wire.COOKIE_PROOF:
        raise Dropped("type", f"{entry.name} instead of a cookie proof")
    inner = octets[wire.HEAD.size + LENGTH:]
    entry, inner_id = wire.read_head(inner, place)
    if entry.type != INNER[place]:
        raise Dropped("type", f"{entry.name} in a cookie proof")
    if ident != inner_id:
        raise Dropped("value", f"id {inner_id} within {ident}")
    return inner


def read_proof(octets, place, cookie, key):
    """The datagram within a right proof."""
    inner = check_inner(octets, place)
    if octets[wire.HEAD.size:][:LENGTH] != proof(cookie, key, inner):
        raise Dropped("handshake", "a wrong proof")
    return inner
