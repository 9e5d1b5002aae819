# SPDX-License-Identifier: GPL-2.0-or-later
"""The keys of a foreseen move, of common/PROTOCOL, section 6.1."""

import hashlib
import hmac

from decoding import message as wire
from decoding.attribute import BY_NAME
from decoding.message import Dropped
from decoding.seal import derive

PROOF = wire.ATTRIBUTE_HEAD.pack(BY_NAME["HANDOVER_PROOF"].code, 16)
SHORT = 16


def number(value):
    return int(value).to_bytes(8, "big")


def handover_key(root, target, counter):
    return derive(root, "sno handover", target.encode("ascii") + b"\0" + number(counter))


def tag(key):
    return derive(key, "sno tag", b"")[:8]


def arrival(root, target, handover_counter, counter):
    data = target.encode("ascii") + b"\0" + number(handover_counter) + number(counter)
    return derive(root, "sno arrival", data)[:SHORT]


def proof(key, before, link_layer, link_local):
    """Of the octets of a discovery before its HANDOVER_PROOF, sent from these addresses."""
    return derive(key, "sno proof", before + link_layer + link_local)[:SHORT]


def access_key(key, discovery):
    return derive(key, "sno access", hashlib.sha256(discovery).digest())


def write_discovery(message, key, link_layer, link_local):
    """The datagram of a discovery that has everything but its tag and proof."""
    attributes = dict(message.attributes, HANDOVER_TAG=tag(key).hex())
    before = wire.write(message._replace(attributes=attributes))
    return before + PROOF + proof(key, before, link_layer, link_local)


def check_discovery(octets, key, link_layer, link_local):
    """Whether the proof at the end of the datagram is right; raises Dropped."""
    before, end = octets[:-len(PROOF) - SHORT], octets[-len(PROOF) - SHORT:]
    expected = PROOF + proof(key, before, link_layer, link_local)
    if not hmac.compare_digest(end, expected):
        raise Dropped("handshake", "the short proof is wrong")
