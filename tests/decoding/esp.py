# SPDX-License-Identifier: GPL-2.0-or-later
"""Suite and keys of the ESP around tunnels, of common/PROTOCOL, sections 16.1 and 16.2."""

from decoding.seal import derive

SALT = 4


def suite(one, other):
    """Of two hellos; nothing where one has no suites, or none in common."""
    first, second = ({name: int(hello.get(name, 0)) for name in ("SUITES", "SUITE")}
                     for hello in (one, other))
    common = first["SUITES"] & second["SUITES"]
    if first["SUITE"] == second["SUITE"] and common & first["SUITE"]:
        return first["SUITE"]
    return common & -common or None


def root(further, handshake_hash):
    return derive(further, "sno esp", handshake_hash)


def key(esp_root, chosen, version, from_initiator, spi):
    """Key and salt of the association to the receiver of this SPI."""
    data = bytes([chosen, version, 1 if from_initiator else 2]) + spi.to_bytes(4, "big")
    return derive(esp_root, "sno esp key", data) + derive(esp_root, "sno esp salt", data)[:SALT]
