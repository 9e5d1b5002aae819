# SPDX-License-Identifier: GPL-2.0-or-later
"""Sealing of common/PROTOCOL, sections 4.2, 4.5, 5.3 and 6: datagrams, SEALED, keys, replay."""

import hmac
import struct

from decoding import message as wire
from decoding import noise
from decoding.message import Dropped

COUNTER = struct.Struct("!Q")
LENGTH = struct.Struct("!H")
SHORTEST = wire.HEAD.size + COUNTER.size + noise.TAG
WINDOW = 2048


def derive(key, label, data):
    return hmac.digest(key, label.encode("ascii") + b"\0" + data, "sha256")


def derive_access(k1, handshake_hash, core, counter):
    """The root, access, up and down keys of a registration."""
    root = derive(k1, "sno root", handshake_hash)
    access = derive(root, "sno access", core.encode("ascii") + b"\0" + counter.to_bytes(8, "big"))
    return root, access, *derive_directions(access)


def derive_directions(access):
    return derive(access, "sno up", b""), derive(access, "sno down", b"")


class Session:
    """One direction: what a receiver holds under its index, the replay window among it."""

    def __init__(self, key, place):
        self.key, self.place = key, place
        self.highest, self.seen = -1, set()

    def check(self, counter):
        if counter in self.seen:
            raise Dropped("replay", f"counter {counter} again")
        if counter <= self.highest - WINDOW:
            raise Dropped("replay", f"counter {counter} behind {self.highest}")

    def mark(self, counter):
        self.highest = max(self.highest, counter)
        self.seen = {value for value in self.seen if value > self.highest - WINDOW} | {counter}


def open_octets(session, counter, associated, ciphertext):
    session.check(counter)
    try:
        plaintext = noise.decrypt(session.key, counter, associated, ciphertext)
    except noise.NoiseError as error:
        raise Dropped("seal", str(error)) from None
    session.mark(counter)
    return plaintext


def read_sealed(octets, place):
    """The receiver index and the counter of a sealed datagram in one of the clear places."""
    entry, index = wire.read_head(octets, place)
    if entry.name != "sealed":
        raise Dropped("type", f"{entry.name} instead of sealed")
    if len(octets) < SHORTEST:
        raise Dropped("short", f"{len(octets)} octets of at least {SHORTEST}")
    return index, COUNTER.unpack_from(octets, wire.HEAD.size)[0]


def split_bundle(text):
    """The messages of a bundle, as octets; nothing when the text is none. Ends with a Dropped where
    the rest of it is dropped."""
    entry, _ = wire.read_head(text, "core")
    if entry.type != wire.BUNDLE:
        return None
    parts, offset = [], wire.HEAD.size
    while offset < len(text) or not parts:
        start = offset + LENGTH.size
        if start > len(text):
            return parts + [Dropped("short", "ends within a length")]
        offset = start + LENGTH.unpack_from(text, start - LENGTH.size)[0]
        if offset > len(text):
            return parts + [Dropped("short", "ends within a message")]
        parts.append(text[start:offset])
    return parts


def read_part(part, place):
    """One message of a bundle, or why it is dropped."""
    if isinstance(part, Dropped):
        return part
    try:
        return wire.read(part, place)
    except Dropped as error:
        return error


def read_text(text, place):
    """The message in a sealed datagram; or of a bundle a list, in which a Dropped stands for each
    that is dropped."""
    if place != "core" or text[:1] != bytes([wire.BUNDLE]):
        return wire.read(text, place)
    return [read_part(part, place) for part in split_bundle(text)]


def write_bundle(messages):
    parts = [wire.write(message) for message in messages]
    return wire.write_head(wire.BUNDLE, 0) + b"".join(
        LENGTH.pack(len(part)) + part for part in parts)


def write_text(message):
    return write_bundle(message) if isinstance(message, list) else wire.write(message)


def open_datagram(octets, place, sessions):
    """The counter and the message (or bundle) of a sealed datagram, by the receiver's sessions."""
    index, counter = read_sealed(octets, place)
    session = sessions.get(index)
    if session is None:
        raise Dropped("index", f"no session under {index}")
    head = wire.HEAD.size + COUNTER.size
    plaintext = open_octets(session, counter, octets[:head], octets[head:])
    return counter, read_text(plaintext, session.place)


def seal_datagram(key, index, counter, message):
    head = wire.write_head(wire.SEALED, index) + COUNTER.pack(counter)
    return head + noise.encrypt(key, counter, head, write_text(message))


def open_registration(done, head, session):
    """The counter and the `registration` in SEALED of a registration done with this head."""
    sealed = bytes.fromhex(done.attributes["SEALED"])
    counter = COUNTER.unpack_from(sealed)[0]
    plaintext = open_octets(session, counter, head, sealed[COUNTER.size:])
    return counter, wire.read(plaintext, "registration")


def seal_registration(key, index, counter, registration):
    """The value of SEALED in a registration done to this terminal index."""
    head = wire.write_head(wire.BY_TITLE["registration done"].type, index)
    return COUNTER.pack(counter) + noise.encrypt(key, counter, head, wire.write(registration))
