#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes tests/vectors/noise.json out of an independent implementation of Noise.

usage: make-noise-vectors.py > noise.json

The implementation is dissononce (Debian's python3-dissononce) on top of OpenSSL; nothing of this
project takes part. Every key comes from SHA-256 of its name, so the output never changes. The
format is that of cacophony; tests/noise-vectors.c reads it. What the vectors add to the published
ones: psk0 and psk1, prologues and payloads from nothing to longer than a packet, transport messages
in bursts, and a psk of zero as it stands for "none configured" between cores.
"""
import hashlib
import json
import logging
import sys

from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.private import PrivateKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.extras.dh.dangerous.dh_nogen import NoGenDH
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.IK import IKHandshakePattern
from dissononce.processing.handshakepatterns.interactive.KK import KKHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState
from dissononce.processing.modifiers.psk import PSKPatternModifier

# name, bytes of the prologue, bytes of each payload (two handshake messages, then transport)
SHAPES = (
    ("empty", 0, (0, 0, 0, 0)),
    ("short", 7, (1, 15, 16, 17, 63, 64, 65, 127)),
    ("long", 300, (1200, 300, 0, 1500)),
)


def stretch(name, length):
    """Bytes that look random and are the same each time."""
    block = b"".join(
        hashlib.sha256(f"{name} {i}".encode()).digest() for i in range(length // 32 + 1)
    )
    return block[:length]


def pair_of(name):
    return X25519DH().generate_keypair(PrivateKey(stretch(name, 32)))


def handshake(ephemeral):
    return HandshakeState(
        SymmetricState(CipherState(ChaChaPolyCipher()), SHA256Hash()),
        NoGenDH(X25519DH(), PrivateKey(ephemeral)),
    )


class Vector:
    """Both ends of one handshake and what they wrote."""

    def __init__(self, pattern, psk, shape, prologue_length):
        self.name = f"Noise_{pattern.name}_25519_ChaChaPoly_SHA256"
        seed = f"{self.name} {shape}"
        self.prologue = stretch(f"{seed} prologue", prologue_length)
        self.seed = seed
        self.psk = psk
        self.statics = (pair_of(f"{seed} i static"), pair_of(f"{seed} r static"))
        self.ephemerals = (
            stretch(f"{seed} i ephemeral", 32),
            stretch(f"{seed} r ephemeral", 32),
        )
        self.responder_knows = "s" in pattern.initiator_pre_message_pattern
        self.messages = []
        self.ends = tuple(handshake(e) for e in self.ephemerals)
        for mine in (0, 1):
            told = mine == 0 or self.responder_knows
            self.ends[mine].initialize(
                pattern,
                mine == 0,
                self.prologue,
                s=self.statics[mine],
                rs=self.statics[1 - mine].public if told else None,
                psks=None if psk is None else (psk,),
            )

    def run(self, lengths):
        ciphers = None
        for index, length in enumerate(lengths):
            payload = stretch(f"{self.seed} payload {index}", length)
            writer = index % 2
            if index < 2:
                out, back = bytearray(), bytearray()
                written = self.ends[writer].write_message(payload, out)
                read = self.ends[1 - writer].read_message(bytes(out), back)
                assert bytes(back) == payload
                if index == 1:
                    ciphers = (read, written)
            else:
                out = ciphers[writer][writer].encrypt_with_ad(b"", payload)
                assert ciphers[1 - writer][writer].decrypt_with_ad(b"", out) == payload
            self.messages.append({"payload": payload.hex(), "ciphertext": bytes(out).hex()})
        hashes = {end.symmetricstate.get_handshake_hash() for end in self.ends}
        assert len(hashes) == 1
        return hashes.pop()

    def as_json(self, handshake_hash):
        vector = {"protocol_name": self.name}
        for mine, prefix in ((0, "init_"), (1, "resp_")):
            vector[prefix + "prologue"] = self.prologue.hex()
            vector[prefix + "static"] = self.statics[mine].private.data.hex()
            vector[prefix + "ephemeral"] = self.ephemerals[mine].hex()
            if mine == 0 or self.responder_knows:
                vector[prefix + "remote_static"] = self.statics[1 - mine].public.data.hex()
            if self.psk is not None:
                vector[prefix + "psks"] = [self.psk.hex()]
        vector["handshake_hash"] = handshake_hash.hex()
        vector["messages"] = self.messages
        return vector


def main():
    logging.disable(logging.CRITICAL)
    vectors = []
    for base in (KKHandshakePattern(), IKHandshakePattern()):
        for placement in (None, 0, 1, 2):
            pattern = base if placement is None else PSKPatternModifier(placement).modify(base)
            for shape, prologue_length, lengths in SHAPES:
                psk = None
                if placement is not None:
                    psk = bytes(32) if shape == "empty" else stretch(f"{pattern.name} {shape}", 32)
                vector = Vector(pattern, psk, shape, prologue_length)
                vectors.append(vector.as_json(vector.run(lengths)))
    json.dump({"vectors": vectors}, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
