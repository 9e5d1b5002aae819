#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""Terminals and a core that are not who they say, and an attacker who hears everything and sends
whatever he likes: on the access side from a place beside the victim and from the radio link, and
between the cores. What he sends is counted under its reason (PROTOCOL section 2.3), garbage is not
answered, and the victim loses no packet and stays registered where it is.

    t1 of core a visits b over s2; beside it t2, at home; the attacker sends from t2's place
    on s2 too: liar (of a, another key), ghost (a does not know it), alien (nobody knows its realm),
    mute (another pre-shared key), orphan (of c, whose key is not what the others think)
"""

import os
import random
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from interceptor import Datagram, Interceptor, is_signalling                # noqa: E402
from kernel_state import output                                             # noqa: E402
from netns import inside                                                    # noqa: E402
from tap import poll                                                        # noqa: E402
from world import SLOW, World, main                                         # noqa: E402
from daemons import program                                                 # noqa: E402

# What is captured stays of a session in use, and nobody registers anew because of a core's silence,
# also where the machine stands still.
CORE = "drain=100ms leave=2s keepalive=1s dead_peer=20s rekey=10s"
LAB = f"""
gap 10ms
advertise 2s
log debug
psk yes
core a {CORE}
core b {CORE}
core c {CORE}
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2
terminal t2 home=b links=s2
terminal liar home=a links=s2
terminal ghost home=a links=s2
terminal alien home=a links=s2
terminal mute home=a links=s2
terminal orphan home=c links=s2
"""
IMPOSTORS = ("liar", "ghost", "alien", "mute", "orphan")
HEAD, SEALED_LEAST = 8, 32
LARGEST = 1320      # that every link of the way carries
ATTACKER = bytes.fromhex("021122334455")


def disguise(world):
    """The impostors get what makes them such."""
    folder = world.lab.state.dir
    for name, verb in (("liar.key", "genkey"), ("c.key", "genkey"), ("mute.other", "genpsk")):
        descriptor = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                             0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(output([program("snoctl"), verb]))
    world.change("ghost", ("ghost@a.example", "nobody@a.example"))
    world.change("alien", ("alien@a.example", "alien@nowhere.example"))
    world.change("mute", ("a-mute.psk", "mute.other"))
    world.waited = ["t1", "t2"]
    world.peers_up = lambda: all(
        row["state"] == "up" and row["tunnel"] != "none"
        for core, peer in (("a", "b.example"), ("b", "a.example"))
        for row in world.rows(core, "peers") if row["peer"] == peer)


class Attacker:
    """Sends frames and looks at what is counted."""

    def __init__(self, world, interceptor):
        self.world, self.tap = world, world.tap
        self.interceptor = interceptor
        self.beside = inside(world.netns("t2"), lambda: Interceptor.packet_socket("sat-s2"))
        self.above = inside(world.netns("s2"), lambda: Interceptor.packet_socket("t-t1"))

    def seen(self, kind, way, number=-1):
        """A captured datagram."""
        return [d for d in self.interceptor.seen if d.type == kind and d.way == way][number]

    def next(self, kind, way, ident=None, mark=None):
        """The next such datagram from now, or a mark, on: under keys that are in use, however slow the
        machine is."""
        mark = len(self.interceptor.seen) if mark is None else mark
        found = []

        def come():
            found.extend(d for d in self.interceptor.seen[mark:] if (d.type, d.way) == (kind, way)
                         and ident in (None, d.payload[4:8]))
            return found
        if not poll(5 * SLOW, come):
            raise LookupError(f"no {kind}, {way}")
        return found[0]

    def settled(self, mark):
        """Core b has told t1 under its present keys that it knows of the handover, and since the mark
        has been heard."""
        self.next("core advertisement", "t1 down", mark=mark)
        done = self.seen("registration done", "t1 down")
        self.next("sealed", "t1 down", done.payload[4:8], 0)

    def datagrams(self, node):
        """How many datagrams have been dropped there."""
        return sum(r["count"] for r in self.world.rows(node, "drops") if r["what"] == "datagrams")

    def answered(self, discovery, ident):
        """Sends a discovery to which core b has an answer of its own, and waits for that: what b has
        answered before is seen."""
        mark = len(self.interceptor.seen)
        body = flipped(discovery.payload, HEAD + 3, 0x10)
        self.up(discovery.altered(body[:4] + ident + body[8:], ATTACKER))
        self.next("registration reject", "t2 down", ident, mark)

    def drops(self, node):
        """reason -> count, of datagrams and of refused registrations."""
        return {r["reason"]: r.get("count", r.get("datagrams"))
                for r in self.world.rows(node, "drops")}

    def counts(self, name, node, reason, send, *frames):
        """A point: sending these frames is counted at that node under that reason, each."""
        before = self.drops(node).get(reason, 0)
        for frame in frames:
            send(frame)
        self.tap.within(3 * SLOW, f"{name}: {reason}, at {node}",
                        lambda: self.drops(node).get(reason, 0) >= before + len(frames),
                        lambda: f"before: {before}\nnow: {self.drops(node)}")

    def up(self, frame):
        """To core b."""
        self.beside.send(frame)

    def down(self, frame):
        """To t1."""
        self.above.send(frame)

    def core(self, frame):
        """Between cores."""
        self.interceptor.core_line.send(frame)


def flipped(payload, at, bit=1):
    """One bit is another."""
    return payload[:at] + bytes([payload[at] ^ bit]) + payload[at + 1:]


def altered(text):
    """A sealed datagram under counters that were not used yet, and so not authentic."""
    fresh = flipped(text, HEAD + 6, 0x40)
    return fresh, flipped(text, HEAD), flipped(fresh, len(text) - 1)


def with_hop_limit(datagram, value):
    """As a router would have left it."""
    frame = bytearray(datagram.frame)
    frame[14 + 7] = value
    return bytes(frame)


def from_port(datagram, port):
    """From another UDP port."""
    frame = bytearray(datagram.frame)
    struct.pack_into("!H", frame, datagram.at - 8, port)
    return Datagram(datagram.way, bytes(frame), 14).altered(datagram.payload)


def address(world, terminal, satellite):
    """A terminal's Ethernet address on a link."""
    return output(["ip", "netns", "exec", world.netns(terminal), "cat",
                   f"/sys/class/net/sat-{satellite}/address"]).strip()


def pin(world, terminal, satellite):
    """A satellite's bridge shall know for good at which port a terminal is. Where it learns by what it
    hears, who sends with another one's Ethernet address draws that one's packets to his port until it
    sends again, which is not in the hands of any daemon (sno-security(7))."""
    output(["bridge", "-n", world.netns(satellite), "fdb", "replace", address(world, terminal, satellite),
            "dev", f"t-{terminal}", "master", "static", "sticky"])


def impostors(tap, world):
    """Nobody registers who may not, and each is told why."""
    for name, reason in (("liar", "refuses: authentication-failed"),
                         ("ghost", "refuses: authentication-failed"),
                         ("mute", "does not prove the home core"),
                         ("alien", "refuses: unknown-realm"),
                         ("orphan", "refuses: home-unreachable")):
        tap.within(8 * SLOW, f"{name} says: {reason}",
                   lambda n=name, r=reason: world.logged(n, r), lambda: world.drops("b"))
        tap.same(f"{name} is not registered", "discovering",
                 world.registration(name).get("state"))
    tap.within(5 * SLOW, "a core with another key is not let in",
               lambda: world.drops("a").get(("datagrams", "handshake"), 0) > 0,
               lambda: world.drops("a"))
    tap.same("nor is its channel up", "down",
             next(r["state"] for r in world.rows("a", "peers") if r["peer"] == "c.example"))
    # What c tries would be counted among what the attacker does.
    for name in (*IMPOSTORS, "c"):
        world.lab.act_kill(name)


def at_the_access(a):
    """What terminals send, altered and sent again from beside the victim."""
    discovery = a.seen("core discovery", "t1 up")
    older = a.seen("core discovery", "t1 up", 0)
    sealed = a.seen("sealed", "t1 up")
    text, body = sealed.payload, discovery.payload
    a.up(discovery.frame)
    a.counts("the same discovery from elsewhere", "b", "resync", a.up,
             discovery.altered(body, ATTACKER))
    a.counts("an older discovery", "b", "resync", a.up, older.frame)
    a.counts("a discovery with another handshake", "b", "authentication-failed", a.up,
             discovery.altered(flipped(body, len(body) - 1), ATTACKER),
             discovery.altered(flipped(body, len(body) - 100), ATTACKER))
    a.counts("a discovery for another realm", "b", "unknown-realm", a.up,
             discovery.altered(flipped(body, HEAD + 3, 0x10), ATTACKER))
    own = bytes.fromhex(address(a.world, "t2", "s2").replace(":", ""))
    a.answered(discovery, b"1st ")
    mark = len(a.interceptor.seen)
    realm = 3 + len("a.example")
    a.counts("a truncated discovery", "b", "short", a.up,
             *[discovery.altered(body[:n], ATTACKER)
               for n in (0, 1, HEAD - 1, HEAD + 1, HEAD + 5, HEAD + realm + 2, len(body) - 1)])
    a.counts("a discovery without its end", "b", "missing", a.up,
             discovery.altered(body[:HEAD], ATTACKER),
             discovery.altered(body[:HEAD + realm], ATTACKER))
    a.counts("another version", "b", "version", a.up,
             discovery.altered(flipped(body, 1), ATTACKER),
             discovery.altered(flipped(body, 3), ATTACKER))
    a.counts("another type", "b", "type", a.up, discovery.altered(b"\x55" + body[1:], ATTACKER),
             discovery.altered(b"\x20" + a.seen("core advertisement", "t1 down").payload[1:],
                               ATTACKER))
    a.counts("an unknown attribute", "b", "unknown", a.up,
             discovery.altered(flipped(body, HEAD, 0x60), ATTACKER))
    a.counts("a datagram that is too long", "b", "long", a.up,
             discovery.altered(body + bytes(1281 - len(body)), ATTACKER))
    a.counts("what a router has forwarded", "b", "value", a.up, with_hop_limit(discovery, 254))
    a.counts("what came from another port", "b", "value", a.up, from_port(discovery, 6277))
    a.counts("a sealed datagram again", "b", "replay", a.up, sealed.frame,
             sealed.altered(text, ATTACKER))
    a.counts("altered sealed datagrams", "b", "seal", a.up,
             *[sealed.altered(octets) for octets in altered(text)])
    a.counts("truncated sealed datagrams", "b", "short", a.up,
             *[sealed.altered(text[:n]) for n in (HEAD, HEAD + 8, SEALED_LEAST - 1)])
    a.counts("sealed for nobody", "b", "index", a.up, sealed.altered(flipped(text, 7)))
    chance = random.Random(11)
    before = a.datagrams("b")
    for _ in range(200):
        a.up(discovery.altered(chance.randbytes(chance.randrange(0, LARGEST)), ATTACKER))
    a.tap.within(3 * SLOW, "all of the garbage is counted", lambda: a.datagrams("b") >= before + 200,
                 lambda: f"before: {before}\nnow: {a.datagrams('b')}")
    a.answered(discovery, b"2nd ")
    a.tap.same("garbage is not answered", [],
               [f"{d.type} {d.way}" for d in a.interceptor.seen[mark:]
                if is_signalling(d) and d.way == "t2 down" and d.payload[4:8] != b"2nd "
                and d.frame[:6] != own])


def at_the_terminal(a):
    """What cores send, altered and sent again over the radio link of the victim."""
    done = a.seen("registration done", "t1 down")
    sealed = a.seen("sealed", "t1 down")
    advertisement = a.seen("core advertisement", "t1 down")
    text = sealed.payload
    a.counts("registration done again", "t1", "replay", a.down, done.frame)
    a.counts("registration done for another", "t1", "index", a.down,
             done.altered(flipped(done.payload, 7)))
    reject = b"\x23\x01\0\0" + done.payload[4:8] + b"\x0e\0\x02\0\x03"
    a.counts("a reject that no core has sent", "t1", "index", a.down, done.altered(reject))
    a.counts("a sealed datagram again", "t1", "replay", a.down, sealed.frame)
    a.counts("altered sealed datagrams", "t1", "seal", a.down,
             *[sealed.altered(octets) for octets in altered(text)])
    a.counts("truncated datagrams", "t1", "short", a.down,
             *[sealed.altered(text[:n]) for n in (0, 5, HEAD, SEALED_LEAST - 1)])
    a.counts("what a router has forwarded", "t1", "value", a.down, with_hop_limit(sealed, 64))
    a.counts("what only terminals send", "t1", "type", a.down,
             done.altered(a.seen("core discovery", "t1 up").payload))
    for _ in range(20):         # another core, another life of it
        a.down(advertisement.altered(flipped(advertisement.payload, HEAD + 3, 2)))
        a.down(advertisement.altered(flipped(advertisement.payload, HEAD + 3 + 9 + 5)))
        time.sleep(0.02)
    chance = random.Random(12)
    for _ in range(200):
        a.down(sealed.altered(chance.randbytes(chance.randrange(0, LARGEST))))


def while_answers_are_late(a):
    """A false advertisement has t1 register anew, and long before the core that serves it knows what
    comes of that its home core has taken it up."""
    def late(datagram):
        if (datagram.type, datagram.way) != ("sealed", "a -> b"):
            return [datagram.frame]
        a.interceptor.delay(datagram, 0.3)
        return []
    advertisement = a.seen("core advertisement", "t1 down")
    false = advertisement.altered(flipped(advertisement.payload, HEAD + 3 + 9 + 5))
    mark = a.world.log_end("t1")

    def registered():
        a.down(false)       # believed once a second
        return a.world.logged("t1", "for 300 s: core changed", mark)
    a.interceptor.hook = late
    a.tap.within(5 * SLOW, "t1 registers anew where it is, slowly", registered)
    a.interceptor.hook = lambda datagram: [datagram.frame]


def between_cores(a):
    """What cores say to each other, altered and sent again."""
    sealed = a.next("sealed", "a -> b")
    a.counts("a sealed datagram again", "b", "replay", a.core, sealed.frame)
    sealed = a.next("sealed", "a -> b")
    text = sealed.payload
    elsewhere = bytearray(sealed.frame)
    elsewhere[12:16] = bytes([198, 18, 3, 2])
    elsewhere = Datagram(sealed.way, bytes(elsewhere), 0)
    a.counts("and from elsewhere", "b", "replay", a.core, elsewhere.altered(text))
    sealed = a.next("sealed", "a -> b")
    text = sealed.payload
    a.counts("altered sealed datagrams", "b", "seal", a.core,
             *[sealed.altered(octets) for octets in altered(text)])
    sealed = a.next("sealed", "a -> b")
    text = sealed.payload
    a.counts("truncated datagrams", "b", "short", a.core,
             *[sealed.altered(text[:n]) for n in (0, 5, HEAD, SEALED_LEAST - 1)])
    a.counts("truncated handshakes", "b", "short", a.core,
             *[sealed.altered(bytes([kind]) + text[1:11]) for kind in (1, 2)])
    a.counts("sealed for nobody", "b", "index", a.core, sealed.altered(flipped(text, 7)))
    a.counts("another version", "b", "version", a.core, sealed.altered(flipped(text, 1)))
    a.counts("what belongs to the access side", "b", "type", a.core,
             sealed.altered(a.seen("core discovery", "t1 up").payload))
    a.counts("a datagram that is too long", "b", "long", a.core,
             sealed.altered(text + bytes(1281 - len(text))))
    initiations = [d for d in a.interceptor.seen if d.type == "handshake initiation"
                   and d.way in ("a -> b", "b -> a")]
    newest, oldest = initiations[-1], initiations[0]
    victim = newest.way[-1]
    # With its own index, one whose session is in use passes for the same again.
    other = flipped(newest.payload, HEAD - 1)
    a.counts("an altered initiation", victim, "handshake", a.core,
             newest.altered(flipped(newest.payload, 20)),
             newest.altered(flipped(other, len(other) - 1)),
             newest.altered(flipped(newest.payload, HEAD)))
    for _ in range(20):         # these cost a computation, and nothing else
        a.core(oldest.frame)
        a.core(newest.frame)
    chance = random.Random(13)
    for _ in range(200):
        a.core(sealed.altered(chance.randbytes(chance.randrange(0, LARGEST))))
    a.tap.same("the channel is up, to where it was", [("up", "198.18.1.2:6275")],
               [(r["state"], r["endpoint"]) for r in a.world.rows("b", "peers")
                if r["peer"] == "a.example"])


def overtaken(a):
    """A discovery that has not arrived yet is sent from another place, first: those that follow it do
    not arrive before either."""
    stolen = []

    def steal(datagram):
        if datagram.type == "core discovery" and datagram.way == "t1 up":
            stolen.append(datagram)
            return []
        return [datagram.frame]
    a.interceptor.hook = steal
    before = a.drops("b").get("not-permitted", 0) + a.drops("b").get("wrong-core", 0)
    a.world.handover("t1", "s1")
    a.tap.within(3 * SLOW, "a discovery is stolen", lambda: stolen)
    a.up(stolen[0].altered(stolen[0].payload, ATTACKER))
    a.tap.within(3 * SLOW, "and not permitted from elsewhere",
                 lambda: a.drops("b").get("not-permitted", 0) + a.drops("b").get("wrong-core", 0)
                 > before, lambda: a.drops("b"))
    a.interceptor.hook = lambda datagram: [datagram.frame]
    a.world.arrived("t1", "a", "s1", "its owner registers all the same", 25)


def test(tap):
    """All of it."""
    with World(tap, LAB, disguise) as world:
        impostors(tap, world)
        interceptor = Interceptor(world)
        for terminal in ("t1", "t2"):
            world.traffic(terminal)
        for satellite, core in (("s2", "b"), ("s1", "a"), ("s2", "b")):
            world.handover("t1", satellite)
            world.arrived("t1", core, satellite, f"t1 goes to {core}")
        mark = len(interceptor.seen)
        tap.within(10, "the channel is rekeyed", lambda: any(
            d.type == "handshake initiation" and d.way in ("a -> b", "b -> a")
            for d in interceptor.seen))
        pin(world, "t1", "s2")
        attacker = Attacker(world, interceptor)
        attacker.settled(mark)
        for attack in (at_the_access, at_the_terminal, while_answers_are_late, between_cores):
            begin = time.monotonic()
            attack(attacker)
            tap.same("nobody has lost a packet", {}, world.flows.lost(begin, time.monotonic()))
            tap.within(5 * SLOW, "t1 is where it was", lambda: world.served("t1", "b", "s2")
                       and world.one_binding("t1", "b"))
        overtaken(attacker)
        world.start("c")
        tap.same("every connection has lived", [], [f.error for f in world.flows.tcps() if f.error])
        interceptor.close()
        world.leave()


main(test)
