#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""Packets that nobody has a right to send: forged frames from a second terminal and from a host on the
access side, tunnel packets from a host on the underlay and from another core, and a core that claims
terminals and care-of addresses which are not its own. Each is dropped and counted under its reason,
also while the daemon is away, and the victim loses nothing. All of it once more with protected tunnels,
where the kernel has ESP: then who has no keys does not get as far as the guard, and who has them does.

    t1 of core a visits b over s2, with a network behind it; t2 and t3, at home in b on s2 and on s3, are
    the attacker's; c is a peer of both that has turned: it gives out b's care-of addresses and a's home
    addresses. v of a would visit it on s4, and w is its own, on s2.
"""

import json
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from flows import checksum                                                  # noqa: E402
from interceptor import Interceptor                                         # noqa: E402
from kernel_state import output                                             # noqa: E402
from netns import inside                                                    # noqa: E402
from tap import PATIENCE                                                    # noqa: E402
from world import SLOW, World, main                                         # noqa: E402
from traffic import SERVER                                                  # noqa: E402

LAB = """
protection {protection}
gap 10ms
advertise 2s
core a drain=1s
core b drain=1s
core c drain=1s
satellite s1 core=a
satellite s2 core=b
satellite s3 core=b
satellite s4 core=c
terminal t1 home=a links=s1,s2 addresses=ipv4,ipv6,prefix
terminal t2 home=b links=s2
terminal t3 home=b links=s3
terminal v home=a links=s4 addresses=ipv6
terminal w home=c links=s2 addresses=ipv4
host h behind=t1
"""
GATEWAY = bytes.fromhex("02534e4f0001")
STRANGER = bytes.fromhex("02ee00000001")
COUNT = 5


def packet(source, target, octets=b"forged"):
    """An IP packet with UDP in it."""
    if ":" in source:
        ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
        body = udp(9, 9, octets)
        return struct.pack("!IHBB", 6 << 28, len(body), 17, 64) + ends + body
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    return ipv4(17, ends, udp(9, 9, octets))


def udp(source, target, octets):
    """A UDP header, without checksum, and what it carries."""
    return struct.pack("!HHHH", source, target, 8 + len(octets), 0) + octets


def ipv4(protocol, ends, body):
    """An IPv4 header and what it carries."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + ends
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def frame(mac, octets):
    """An Ethernet frame to the gateway."""
    kind = 0x86dd if octets[0] >> 4 == 6 else 0x0800
    return GATEWAY + mac + struct.pack("!H", kind) + octets


class Attacker:
    """Sends what it likes from where it likes, and looks at what is counted."""

    def __init__(self, world):
        self.world, self.tap = world, world.tap
        self.ports = {s: inside(world.netns(t), lambda s=s: Interceptor.packet_socket(f"sat-{s}"))
                      for t, s in (("t2", "s2"), ("t3", "s3"))}
        self.underlay = {n: inside(world.netns(n), lambda: socket.socket(
            socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)) for n in ("inet", "c")}
        self.kind = next(r["tunnel"] for r in world.rows("a", "peers") if r["peer"] == "b.example")

    def drops(self, core, reason):
        """How many packets a core has dropped for this reason."""
        return self.world.drops(core).get(("packets", reason), 0)

    def counts(self, name, core, reason, send, *octets):
        """A point: all of these are dropped there, for this reason."""
        before = self.drops(core, reason)
        for _ in range(COUNT):
            for one in octets:
                send(one)
        self.tap.within(5 * SLOW, f"{name}: {reason}, at {core}",
                        lambda: self.drops(core, reason) >= before + COUNT * len(octets),
                        lambda: f"before: {before}\nnow: {self.world.drops(core)}")

    def refused(self, name, core, counter, send, *octets):
        """A point: the kernel's IPsec refuses all of these there, and counts them so."""
        def count():
            lines = output(["ip", "netns", "exec", self.world.netns(core), "cat", "/proc/net/xfrm_stat"])
            return next(int(line.split()[1]) for line in lines.splitlines() if line.startswith(counter))

        before = count()
        for _ in range(COUNT):
            for one in octets:
                send(one)
        self.tap.within(5 * SLOW, f"{name}: {counter}, at {core}",
                        lambda: count() >= before + COUNT * len(octets), count)

    def injected(self, node, source, target, key):
        """A way to send packets, in a tunnel of a core's own kernel, with the keys that this has."""
        netns, added = self.world.netns(node), set()
        raw = {4: inside(netns, lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)),
               6: inside(netns, lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW))}

        def send(octets):
            four = octets[0] >> 4 == 4
            to = socket.inet_ntoa(octets[16:20]) if four else socket.inet_ntop(socket.AF_INET6, octets[24:40])
            if to not in added:
                output(["ip", "-n", netns, "-4" if four else "-6", "route", "replace", to, "encap", "ip", "id",
                        str(key), "src", source, "dst", target, "ttl", "64", "key", "dev", "sno-gre",
                        "table", "9999"])
                output(["ip", "-n", netns, "-4" if four else "-6", "rule", "add", "iif", "lo", "to", to,
                        "lookup", "9999", "priority", "99"])
                added.add(to)
            raw[4 if four else 6].sendto(octets, (to, 0))

        def end():
            for to in added:
                family = "-6" if ":" in to else "-4"
                output(["ip", "-n", netns, family, "rule", "del", "iif", "lo", "to", to, "lookup", "9999"])
                output(["ip", "-n", netns, family, "route", "del", to, "table", "9999"])
            for one in raw.values():
                one.close()

        send.end = end
        return send

    def on(self, satellite):
        """A way to send frames, on this satellite."""
        return self.ports[satellite].send

    def tunnelled(self, node, source, target, key):
        """A way to send packets, in a tunnel from one outer address to another."""
        ends = socket.inet_aton(source) + socket.inet_aton(target)

        def send(octets):
            six = octets[0] >> 4 == 6
            if self.kind.startswith("gre"):
                body = struct.pack("!HHI", 0x2000, 0x86dd if six else 0x0800, key) + octets
                whole = ipv4(47, ends, body)
            else:
                body = struct.pack("!BBBBI", 0x0c, 0, 0, 2 if six else 1, key << 8) + octets
                whole = ipv4(17, ends, udp(4790, 4790, body))
            self.underlay[node].sendto(whole, (target, 0))
        return send

    def route(self, node, target, *which):
        """Key and outer destination of a core's routes into the tunnel to (or for) a target."""
        for line in output(["ip", "-n", self.world.netns(node), "route", "show", *which]).splitlines():
            words = line.split()
            if "encap" in words and target in (words[0], words[words.index("dst") + 1]):
                return int(words[words.index("id") + 1])
        raise LookupError(f"{node} has no route to {target}")


def on_the_access_side(a, t1, t2, inside_prefix):
    """A second terminal, and a host that is none."""
    server, server6 = SERVER[4], SERVER[6]
    mine = next(r["mac"] for r in a.world.rows("b", "terminals") if r["terminal"] == t2.nai)
    victim = next(r["mac"] for r in a.world.rows("b", "terminals") if r["terminal"] == t1.nai)
    mine, victim = (bytes.fromhex(m.replace(":", "")) for m in (mine, victim))
    forged = [packet(t1.home4, server), packet(t1.home6, server6), packet(inside_prefix, server6)]
    a.counts("another's addresses", "b", "access: link-layer", a.on("s2"),
             *[frame(mine, p) for p in forged])
    a.counts("and from another satellite", "b", "access: link-layer", a.on("s3"),
             *[frame(mine, p) for p in forged])
    a.counts("another's addresses and Ethernet address, from another satellite", "b",
             "access: satellite", a.on("s3"), *[frame(victim, p) for p in forged])
    a.counts("own addresses, on a satellite where it is not", "b", "access: satellite", a.on("s3"),
             frame(mine, packet(t2.home4, server)))
    a.counts("a host that is no terminal", "b", "access: link-layer", a.on("s2"),
             *[frame(STRANGER, p) for p in forged])
    a.counts("addresses that nobody has", "b", "access: source", a.on("s2"),
             frame(STRANGER, packet("10.1.0.200", server)), frame(mine, packet("192.0.2.99", server)),
             frame(mine, packet("2001:db8:dead::1", server6)))
    a.counts("neither IPv4 nor IPv6", "b", "access: protocol", a.on("s2"),
             b"\xff" * 6 + mine + b"\x08\x06" + bytes(28), GATEWAY + mine + b"\x88\xb5" + bytes(46))
    advertisement = struct.pack("!IHBB", 6 << 28, 16, 58, 255) \
        + socket.inet_pton(socket.AF_INET6, "fe80::99") \
        + socket.inet_pton(socket.AF_INET6, "ff02::1") + b"\x86" + bytes(15)
    a.counts("a router's advertisement", "b", "access: link-local", a.on("s2"),
             frame(mine, advertisement))


def on_the_underlay(a, t1, inside_prefix, protected):
    """A host that sends to care-of addresses and to the home core, and a core where nobody is
    bound."""
    home, coa = a.world.d.cores["a"].underlay4, a.world.binding("t1")["coa"]
    key = a.route("a", t1.home4)
    down = packet(SERVER[4], t1.home4)
    up = [packet(t1.home4, SERVER[4]), packet(t1.home6, SERVER[6]),
          packet(inside_prefix, SERVER[6])]
    if protected:
        a.refused("to a care-of address, from a stranger", "b", "XfrmInPolBlock",
                  a.tunnelled("inet", "198.18.2.1", coa, key), down)
        a.refused("in the home core's name, under the right key", "b", "XfrmInTmplMismatch",
                  a.tunnelled("inet", home, coa, key), down, packet(SERVER[4], "10.1.0.200"))
        a.refused("to the home core, from a stranger", "a", "XfrmInPolBlock",
                  a.tunnelled("inet", "198.18.2.1", home, key), *up)
        a.refused("in a peer's name", "a", "XfrmInTmplMismatch",
                  a.tunnelled("inet", a.world.d.cores["b"].underlay4, home, key), *up)
    else:
        a.counts("to a care-of address, from a stranger", "b", "tunnel: binding",
                 a.tunnelled("inet", "198.18.2.1", coa, key), down)
        a.counts("in the home core's name, under a guessed key", "b", "tunnel: binding",
                 a.tunnelled("inet", home, coa, key ^ 1), down)
        a.counts("under the right key, to another care-of address", "b", "tunnel: binding",
                 a.tunnelled("inet", home, coa.rsplit(".", 1)[0] + ".250", key), down)
        a.counts("to a home address that is not served", "b", "tunnel: unserved",
                 a.tunnelled("inet", home, coa, key), packet(SERVER[4], "10.1.0.200"))
        a.counts("to the home core, from a stranger", "a", "tunnel: source",
                 a.tunnelled("inet", "198.18.2.1", home, key), *up)
    key = a.route("c", home, "table", "all")
    own = a.world.d.cores["c"].underlay4
    peer = a.injected("c", own, home, key) if protected else a.tunnelled("c", own, home, key)
    a.counts("from a peer, where the subscriber is not bound", "a", "tunnel: source", peer, *up)
    a.counts("from a peer, to the subscriber", "a", "tunnel: binding", peer, down)
    a.counts("from a peer, of nobody", "a", "tunnel: unserved", peer,
             packet("10.1.0.200", SERVER[4]))
    if protected:
        peer.end()


def turned(world):
    """Core c gives out what is not its own: care-of addresses of b, home addresses of a."""
    world.change("c", ("100.64.2.0/24", "100.64.77.0/24"), ("100.64.3.0/24", "100.64.2.0/24"),
                 ("10.1.0.0/24", "10.77.0.0/24"), ("10.3.0.", "10.1.0."))
    world.waited = ["t1", "t2", "t3"]


def a_core_that_has_turned(a):
    """What it claims is refused, by whoever it is told."""
    a.tap.within(10 * SLOW, "its terminal does not get a home address of another core",
                 lambda: a.world.logged("b", "peer c.example grants a home address outside its "
                                             "home_prefixes"))
    a.tap.within(10 * SLOW, "a subscriber is not bound to a care-of address of another core",
                 lambda: a.world.logged("c", "not-permitted"))
    a.tap.same("and is bound nowhere", "none", a.world.binding("v")["state"])


def while_the_daemon_is_away(a, t1):
    """The kernel goes on guarding, and the next daemon takes that on."""
    mine = next(r["mac"] for r in a.world.rows("b", "terminals")
                if r["terminal"] == a.world.d.terminals["t2"].nai)
    before = a.drops("b", "access: link-layer")
    a.world.lab.act_kill("b")
    forged = frame(bytes.fromhex(mine.replace(":", "")), packet(t1.home4, SERVER[4]))
    for _ in range(COUNT):
        a.on("s2")(forged)
    a.world.lab.act_start("b")
    a.tap.within(10 * SLOW, "forged frames are dropped while the daemon is away",
                 lambda: a.drops("b", "access: link-layer") >= before + COUNT,
                 lambda: a.world.drops("b"))
    a.counts("and after it has come back", "b", "access: link-layer", a.on("s2"), forged)


def accounts(a, t1):
    """Both cores have an account of the terminal, and they agree by and large."""
    def figures(way):
        """Of one core after the other: what passes in between, only one of them has counted."""
        return [next(r for r in a.world.rows(core, "accounting") if r["terminal"] == t1.nai)[way]
                for core in ("a", "b")]

    def agree(way):
        one, other = figures(way)
        return one > 0 and abs(one - other) <= max(one, other) / 5
    for way in ("up packets", "up octets", "down packets", "down octets"):
        a.tap.within(1, f"accounts of {way} agree", lambda w=way: agree(w), lambda w=way: figures(w))


def accounts_closed(a, t1):
    """When it goes home both cores close their account of its stay, with the same binding and figures."""
    streams = {}
    for core in ("a", "b"):
        connection = a.world.control.open(core)
        connection.settimeout(PATIENCE * 5 * SLOW)
        connection.sendall(b'{"command": "monitor"}\n')
        streams[core] = connection.makefile("rb")
        streams[core].readline()
    rows = {core: next(r for r in a.world.rows(core, "accounting") if r["terminal"] == t1.nai)
            for core in streams}
    a.world.handover("t1", "s1")
    a.world.arrived("t1", "a", "s1", "t1 goes home")
    closed = {}
    for core, stream in streams.items():
        for line in stream:
            event = json.loads(line)
            if event["event"] == "accounting" and event["data"]["terminal"] == t1.nai:
                closed[core] = event["data"]
                break
    names = ("home", "core", "binding")
    a.tap.same("both close their account of the same stay", [closed["a"][n] for n in names],
               [closed["b"][n] for n in names])
    a.tap.same("which was at b", ["a.example", "b.example"], [closed["a"]["home"], closed["a"]["core"]])
    for way in ("up_packets", "up_octets", "down_packets", "down_octets"):
        one, other = (closed[core][way] for core in ("a", "b"))
        a.tap.ok(all(closed[core][way] >= rows[core][way.replace("_", " ")] > 0 for core in closed),
                 f"{way}: nothing of what was shown before is missing", f"{rows}\n{closed}")
        a.tap.ok(abs(one - other) <= max(one, other) / 5, f"{way} agree", f"a: {one}, b: {other}")


def test(tap):
    """All of it."""
    guarded(tap, "none")
    if os.environ.get("KERNEL") == "uml":
        guarded(tap, "esp")


def guarded(tap, protection):
    """With tunnels like that."""
    with World(tap, LAB.format(protection=protection), turned) as world:
        t1, t2 = (world.d.terminals[n] for n in ("t1", "t2"))
        host = world.d.hosts["h"].address
        world.traffic("t1")
        world.handover("t1", "s2")
        world.arrived("t1", "b", "s2", "t1 goes to b")
        time.sleep(0.5 * SLOW)
        attacker = Attacker(world)
        begin = time.monotonic()
        on_the_access_side(attacker, t1, t2, host)
        on_the_underlay(attacker, t1, host, protection == "esp")
        a_core_that_has_turned(attacker)
        tap.same("nobody has lost a packet", {}, world.flows.lost(begin, time.monotonic() - 0.3))
        accounts(attacker, t1)
        while_the_daemon_is_away(attacker, t1)
        tap.within(20 * SLOW, "t1 is where it was", lambda: world.one_binding("t1", "b"))
        world.passes("its traffic goes on")
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        accounts_closed(attacker, t1)
        world.leave()


main(test)
