# SPDX-License-Identifier: GPL-2.0-or-later
"""Noise, from its specification (revision 34): 25519, ChaChaPoly and SHA256, patterns KK and IK.

Names are those of the specification's section 5. Beyond it, a party can process a message that it
has sent itself: an observer who was given the keys of one party reads both directions that way.
"""

import functools
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

DHLEN = 32
TAG = 16

# Pre-messages and messages of the patterns; psk2 ends the second one (section 9.4).
PATTERNS = {
    "KK": (("initiator", "responder"), (("e", "es", "ss"), ("e", "ee", "se"))),
    "IK": (("responder",), (("e", "es", "s", "ss"), ("e", "ee", "se"))),
}


class NoiseError(Exception):
    """A message that does not belong to this handshake, or that somebody changed."""


@functools.lru_cache(maxsize=256)
def loaded(private):
    """Loading a private key takes OpenSSL ten times as long as using it."""
    return X25519PrivateKey.from_private_bytes(private)


@functools.lru_cache(maxsize=256)
def public_of(private):
    key = loaded(private).public_key()
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def dh(private, public):
    try:
        return loaded(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise NoiseError("a public key of small order") from None


def hkdf(chaining_key, material, outputs):
    """HKDF of section 4.3."""
    key = hmac.digest(chaining_key, material, "sha256")
    result, last = [], b""
    for number in range(1, outputs + 1):
        last = hmac.digest(key, last + bytes([number]), "sha256")
        result.append(last)
    return result


def nonce(counter):
    return bytes(4) + counter.to_bytes(8, "little")


def encrypt(key, counter, associated, plaintext):
    return ChaCha20Poly1305(key).encrypt(nonce(counter), plaintext, associated)


def decrypt(key, counter, associated, ciphertext):
    if len(ciphertext) < TAG:
        raise NoiseError("shorter than a tag")
    try:
        return ChaCha20Poly1305(key).decrypt(nonce(counter), ciphertext, associated)
    except InvalidTag:
        raise NoiseError("the tag is wrong") from None


class SymmetricState:
    """Section 5.2, with the CipherState of section 5.1 as k and n."""

    def __init__(self, protocol_name):
        name = protocol_name.encode("ascii")
        self.h = name.ljust(32, b"\0") if len(name) <= 32 else hashlib.sha256(name).digest()
        self.ck = self.h
        self.k, self.n = None, 0

    def mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def mix_key(self, material):
        self.ck, self.k = hkdf(self.ck, material, 2)
        self.n = 0

    def mix_key_and_hash(self, material):
        self.ck, extra, self.k = hkdf(self.ck, material, 3)
        self.mix_hash(extra)
        self.n = 0

    def encrypt_and_hash(self, plaintext):
        ciphertext = plaintext
        if self.k is not None:
            ciphertext = encrypt(self.k, self.n, self.h, plaintext)
            self.n += 1
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt_and_hash(self, ciphertext):
        plaintext = ciphertext
        if self.k is not None:
            plaintext = decrypt(self.k, self.n, self.h, ciphertext)
            self.n += 1
        self.mix_hash(ciphertext)
        return plaintext

    def split(self):
        return hkdf(self.ck, b"", 2)

    def further(self):
        """The output behind those of Split()."""
        return hkdf(self.ck, b"", 3)[2]


class HandshakeState:
    """Section 5.3 for one party. Keys of 32 octets: s and e its private ones, rs the other's public.

    The psk is read when its token is reached: a responder may set it after the first message.
    """

    def __init__(self, pattern, initiator, prologue, s, rs=None, e=None, psk=None, psk2=True):
        pre_messages, self.messages = PATTERNS[pattern]
        if psk2:
            self.messages = (self.messages[0], self.messages[1] + ("psk",))
        modifier = "psk2" if psk2 else ""
        self.symmetric = SymmetricState(f"Noise_{pattern}{modifier}_25519_ChaChaPoly_SHA256")
        self.initiator, self.with_psk = initiator, psk2
        self.s, self.rs, self.e, self.re, self.psk = s, rs, e, None, psk
        self.turn = 0
        self.symmetric.mix_hash(prologue)
        for party in pre_messages:
            mine = (party == "initiator") == initiator
            self.symmetric.mix_hash(public_of(s) if mine else rs)

    def write(self, payload):
        message = b""
        for token in self.messages[self.turn]:
            if token == "e":
                message += self.mix_ephemeral(public_of(self.e))
            elif token == "s":
                message += self.symmetric.encrypt_and_hash(public_of(self.s))
            else:
                self.mix_secret(token)
        self.turn += 1
        return message + self.symmetric.encrypt_and_hash(payload)

    def read(self, message):
        own = (self.turn == 0) == self.initiator
        rest = message
        for token in self.messages[self.turn]:
            if token == "e":
                rest = self.read_ephemeral(rest, own)
            elif token == "s":
                rest = self.read_static(rest, own)
            else:
                self.mix_secret(token)
        self.turn += 1
        return self.symmetric.decrypt_and_hash(rest)

    def read_ephemeral(self, message, own):
        if len(message) < DHLEN:
            raise NoiseError("ends within the ephemeral key")
        key = self.mix_ephemeral(message[:DHLEN])
        if not own:
            self.re = key
        elif key != public_of(self.e):
            raise NoiseError("another ephemeral key than the given one")
        return message[DHLEN:]

    def read_static(self, message, own):
        length = DHLEN + (TAG if self.symmetric.k is not None else 0)
        key = self.symmetric.decrypt_and_hash(message[:length])
        if len(key) != DHLEN:
            raise NoiseError("ends within the static key")
        if not own:
            self.rs = key
        elif key != public_of(self.s):
            raise NoiseError("another static key than the given one")
        return message[length:]

    def mix_ephemeral(self, public):
        self.symmetric.mix_hash(public)
        if self.with_psk:
            self.symmetric.mix_key(public)
        return public

    def mix_secret(self, token):
        """A DH token names the initiator's key first (section 5.3), the psk nobody's."""
        if token == "psk":
            self.symmetric.mix_key_and_hash(self.psk)
            return
        mine, theirs = token if self.initiator else token[::-1]
        self.symmetric.mix_key(dh(self.s if mine == "s" else self.e,
                                  self.rs if theirs == "s" else self.re))

    def handshake_hash(self):
        return self.symmetric.h

    def split(self):
        return self.symmetric.split()

    def further(self):
        return self.symmetric.further()
