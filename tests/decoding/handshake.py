# SPDX-License-Identifier: GPL-2.0-or-later
"""The handshakes of common/PROTOCOL, sections 4.1, 5.4 and 5.5: their datagrams and payloads."""

import hashlib
import struct

from decoding import message as wire
from decoding import noise
from decoding.message import Dropped

INDEX = struct.Struct("!I")
HINT = 8
NO_PSK = bytes(32)
CORE_PROLOGUE = b"sno/1 core"


def core_state(initiator, s, rs, e=None, psk=NO_PSK):
    return noise.HandshakeState("KK", initiator, CORE_PROLOGUE, s, rs, e, psk)


def access_prologue(index, realm):
    return b"sno/1 access" + INDEX.pack(index) + realm.encode("ascii")


def access_state(initiator, index, realm, s, rs=None, e=None, psk=NO_PSK):
    return noise.HandshakeState("IK", initiator, access_prologue(index, realm), s, rs, e, psk)


def hint(static_public):
    return hashlib.sha256(b"sno core" + static_public).digest()[:HINT]


def fixed(octets, title, size):
    """The id and the two parts behind the head of a handshake datagram of the core channel."""
    entry, index = wire.read_head(octets, "core clear")
    if entry.name != title:
        raise Dropped("type", f"{entry.name} instead of {title}")
    rest = octets[wire.HEAD.size:]
    if len(rest) < size:
        raise Dropped("short", f"{title} of {len(octets)} octets")
    return index, rest[:size], rest[size:]


def read_initiation(octets):
    """The initiator's index, the hint, and the Noise message."""
    return fixed(octets, "handshake initiation", HINT)


def read_response(octets):
    """The responder's index, the initiator's, and the Noise message."""
    index, receiver, rest = fixed(octets, "handshake response", INDEX.size)
    return index, INDEX.unpack(receiver)[0], rest


def write_initiation(index, static_public, noise_message):
    head = wire.write_head(wire.BY_TITLE["handshake initiation"].type, index)
    return head + hint(static_public) + noise_message


def write_response(index, receiver, noise_message):
    head = wire.write_head(wire.BY_TITLE["handshake response"].type, index)
    return head + INDEX.pack(receiver) + noise_message


def read_payload(state, noise_message, place):
    """The message that a Noise message carries."""
    try:
        payload = state.read(noise_message)
    except noise.NoiseError as error:
        raise Dropped("handshake", str(error)) from None
    return wire.read(payload, place)


def check_core(hello, name):
    """Section 4.1: CORE in the hello is that of the peer whose key the hint selected."""
    if name is not None and hello.attributes["CORE"] != name:
        raise Dropped("handshake", f"{hello.attributes['CORE']} instead of {name}")
