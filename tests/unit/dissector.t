#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Wireshark dissector (scripts/wireshark/sno.lua) against PROTOCOL and the golden datagrams.

Its tables are those of the text. In tshark every golden message shows the attributes that the file
names, whether in clear or sealed, and what is to be dropped for its form is marked.
"""

import ipaddress
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from decoding.tap import SRCDIR, end, load, ok, same           # noqa: E402

SCRIPT = os.path.join(SRCDIR, "scripts", "wireshark", "sno.lua")
RENAMED = {"sno.registration_counter": "COUNTER", "sno.registration_sealed": "SEALED"}
# Reasons that show in the octets alone; the others are of one place, or of values.
FORMS = {"short", "version", "order", "unknown"}


def tables():
    """The dissector's tables say what PROTOCOL says."""
    with open(os.path.join(SRCDIR, "common", "PROTOCOL"), encoding="utf-8") as file:
        text = file.read()
    with open(SCRIPT, encoding="utf-8") as file:
        lua = file.read()
    types = text[text.index("3.1  Types"):text.index("3.2  Attributes")]
    attributes = text[text.index("3.2  Attributes"):text.index("3.3  Requests")]
    reasons = text[text.index("11  REASON CODES"):text.index("12  CONSTANTS")]

    rows = re.findall(r"^ (0x[0-9a-f]{2})  (\S+(?: \S+)*)", types, re.M)
    names = {"0xb5": "proactive authentication ACK", "0xb6": "handover announcement ACK"}
    expected = {code: names.get(code, name).lower() for code, name in rows}
    found = dict(re.findall(r'\[(0x[0-9a-f]{2})\] = "([^"]+)"',
                            lua.replace("[SEALED]", "[0x03]").replace("[BUNDLE]", "[0x3f]")))
    same({code: name.lower() for code, name in found.items()}, expected,
         "the types are those of section 3.1")
    same(dict(re.findall(r'\[(0x[0-9a-f]{2})\] = \{ "(\w+)"', lua)),
         dict(re.findall(r"^ (0x[0-9a-f]{2})  ([A-Z]\w+)", attributes, re.M)),
         "the attributes are those of section 3.2")
    block = lua[lua.index("local REASONS = {"):]
    same(re.findall(r'"([a-z-]+)"', block[:block.index("}")]),
         [name for _, name in re.findall(r"^ {1,2}(\d+)  ([a-z-]+)", reasons, re.M)],
         "the reasons are those of section 11")


class Capture:
    """Datagrams in a file that tshark reads."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "golden.pcap")
        self.keys = os.path.join(folder, "keys")
        self.lines = []
        self.count = 0
        with open(self.path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))

    def add(self, octets, port=6275):
        """A UDP datagram of IPv4; returns the number of its frame."""
        udp = struct.pack(">HHHH", port, port, 8 + len(octets), 0) + octets
        packet = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                             ipaddress.ip_address("192.0.2.1").packed,
                             ipaddress.ip_address("192.0.2.2").packed) + udp
        with open(self.path, "ab") as file:
            file.write(struct.pack("<IIII", self.count, 0, len(packet), len(packet)) + packet)
        self.count += 1
        return self.count

    def key(self, index, key):
        """A line of the key log."""
        self.lines.append(f"SEALED {int(index):08x} {key}\n")

    def dissect(self):
        """The tree of each frame, from 1 on."""
        with open(self.keys, "w", encoding="ascii") as file:
            file.writelines(self.lines)
        out = subprocess.run(
            ["tshark", "-X", f"lua_script:{SCRIPT}", "-o", f"sno.keylog:{self.keys}", "-r",
             self.path, "-T", "pdml"], check=True, capture_output=True, text=True)
        frames = xml.etree.ElementTree.fromstring(out.stdout).findall("packet")
        return [None, *frames]


def messages_of(frame):
    """(name, fields) of each message in a frame, the outer ones first."""
    found = []
    for proto in frame.iter():
        if proto.get("name") == "sno":
            fields = [f for f in proto.iter("field") if f.get("name", "").startswith("sno.")]
            found.append(fields)
    return found


def text(field):
    """A value as the golden datagrams write it."""
    shown = field.get("show")
    if re.fullmatch(r"(?:[0-9a-f]{2}:)+[0-9a-f]{2}", shown) and field.get("name") != "sno.link_layer":
        return shown.replace(":", "")
    return shown


def shows(frame, message, name, place=-1):
    """All attributes of a golden message, which is the last of a frame or at that place in a
    bundle."""
    messages = messages_of(frame)
    fields = messages[place] if -len(messages) <= place < len(messages) else []
    got = {RENAMED.get(f.get("name"), f.get("name")[4:].upper()): text(f) for f in fields}
    expected = {key: str(value) for key, value in message["attributes"].items()}
    expected["TYPE"] = str(message["type"])
    got["TYPE"] = str(int(got.get("TYPE", "-1"), 0))
    same({key: got.get(key) for key in expected}, expected, name)


def marked(frame):
    """What is said to be wrong with it."""
    return {f.get("show") for f in frame.iter("field") if f.get("name") == "_ws.expert.message"}


def golden(folder):
    """Every golden datagram in one capture."""
    vectors = load("datagrams.json")
    clear(Capture(folder), vectors)
    for channel in vectors["channels"]:
        core_channel(Capture(folder), channel)
    for entry in vectors["registrations"] + vectors["handovers"]:
        if "done" in entry:
            access_session(Capture(folder), entry)


def clear(capture, vectors):
    """Messages as they are, and those that are to be dropped for their form."""
    plain = [(capture.add(bytes.fromhex(m["octets"])), m) for m in vectors["messages"]]
    dropped = [(capture.add(bytes.fromhex(d["octets"])), d) for d in vectors["dropped"]
               if d["reason"] in FORMS and len(d["octets"]) >= 16]
    frames = capture.dissect()
    for number, message in plain:
        shows(frames[number], message, message["name"])
        same(marked(frames[number]), set(), f"{message['name']}: nothing is marked")
    for number, entry in dropped:
        ok(entry["reason"] in marked(frames[number]), f"marked: {entry['name']}",
           f"{entry['reason']} not in {marked(frames[number])}")


def core_channel(capture, channel):
    """What is sealed between cores, alone and in bundles."""
    capture.key(channel["initiator"]["index"], channel["responder_to_initiator"])
    capture.key(channel["responder"]["index"], channel["initiator_to_responder"])
    sealed = [(capture.add(bytes.fromhex(s["octets"])), s) for s in channel["sealed"]]
    frames = capture.dissect()
    for number, entry in sealed:
        messages = entry.get("bundle", [entry.get("message")])
        for place, message in enumerate(messages, start=-len(messages)):
            shows(frames[number], message, f"{channel['name']}: {message['type_name']}, sealed", place)


def access_session(capture, entry):
    """The answer to a discovery, and what is sealed under its keys."""
    capture.key(int(entry["done"][8:16], 16), entry["down_key"])
    capture.key(entry["registration"]["id"], entry["up_key"])
    done = capture.add(bytes.fromhex(entry["done"]), 6276)
    sealed = [(capture.add(bytes.fromhex(s["octets"]), 6276), s["message"]) for s in entry["sealed"]]
    frames = capture.dissect()
    shows(frames[done], entry["registration"], f"{entry['name']}: registration")
    for number, message in sealed:
        shows(frames[number], message, f"{entry['name']}: {message['type_name']}, sealed")


def main():
    """Everything, or a visible skip of what needs tshark."""
    tables()
    if not shutil.which("tshark"):
        ok(True, "golden datagrams # SKIP tshark is not installed")
        return end()
    with tempfile.TemporaryDirectory() as folder:
        golden(folder)
    return end()


sys.exit(main())
