# SPDX-License-Identifier: GPL-2.0-or-later
"""The description of a lab: the text format, its checks, and the numbers that follow from it.

One directive per line, `#` begins a comment, words are quoted as in a shell. sno-lab(5) is the
reference; every fault is collected as "file:line: message" before anything is built.
"""

import ipaddress
import os
import re
import shlex
from dataclasses import dataclass, field

import script
from constellation import PLACE_OPTIONS, Constellation, ConstellationWords
from values import (nth_address, nth_subnet, one_of, parse_address, parse_family, parse_loss,
                    parse_names, parse_network, parse_number, parse_rate, parse_time, parse_yes)

NAME = re.compile(r"[a-z][a-z0-9]{0,7}$")
MODES = ("baseline", "combined", "proactive", "predictive", "soft")


class DescriptionError(Exception):
    """Holds every fault found, one line each."""


@dataclass
class Netem:
    """What a path does to packets, each way: delay in microseconds, loss as a fraction."""
    delay: int = 0
    loss: float = 0.0


@dataclass
class Core:
    """A core with its point of presence; index numbers its addresses."""
    name: str
    index: int
    realm: str
    path: Netem
    tunnel: dict            # kind, protection and more, as the configuration has them
    pools: dict
    underlay4: str = ""
    underlay6: str = ""
    timers: dict = field(default_factory=dict)
    handover: dict = field(default_factory=dict)


@dataclass
class Satellite:
    """A satellite: which core it serves at first, and every core it has a feeder to.

    Cores to which it has none are reached over its neighbour `via`, where it has one. `title` is
    what association files call it.
    """
    name: str
    core: str
    feeders: list
    path: Netem
    title: str = ""
    via: str = ""
    relayed: list = field(default_factory=list)     # those cores

    def __post_init__(self):
        self.title = self.title or self.name


@dataclass
class Terminal:
    """A terminal; `start` is the link that has a carrier when the lab begins.

    Below a constellation it has a place and antennas instead, which it points by a policy.
    """
    name: str
    index: int
    home: str
    nai: str
    links: list
    start: str
    switching: str
    gap: int
    path: Netem
    handover: dict = field(default_factory=dict)
    timers: dict = field(default_factory=dict)
    home4: str = ""
    home6: str = ""
    prefix: str = ""
    place: tuple = ()
    antennas: int = 0
    policy: str = "plan"

    def aerials(self):
        """Names of its antennas, which are interfaces."""
        return [f"ant{n}" for n in range(self.antennas)]


@dataclass
class Host:
    """A host in the delegated prefix behind a terminal."""
    name: str
    terminal: str
    address: str = ""


@dataclass
class Stream:
    """Probe packets between the server and a terminal (or a host behind it).

    Away from the moves of the script only one packet per `quiet` microseconds is sent.
    """
    node: str
    interval: int
    quiet: int
    size: int
    family: int
    down: bool
    up: bool


@dataclass
class Transfer:
    """A TCP connection whose bytes are checked at both ends."""
    node: str
    rate: int
    family: int


@dataclass
class Description:
    """A whole lab."""
    path: str
    underlay: str = "ipv4"
    tunnel: str = "auto"
    protection: str = "auto"
    access: Netem = field(default_factory=Netem)
    between: Netem = field(default_factory=Netem)
    gap: int = 50000
    mode: str = ""
    associations: str = "unknown"
    ahead: int = 0          # us between telling a terminal to go and its going
    overlap: int = 0        # us for which a terminal keeps the old link beside the new one
    advertise: int = 1000000
    psk: bool = False
    log: str = "info"
    server: str = "server"
    end: int = 0
    cores: dict = field(default_factory=dict)
    satellites: dict = field(default_factory=dict)
    terminals: dict = field(default_factory=dict)
    hosts: dict = field(default_factory=dict)
    streams: list = field(default_factory=list)
    transfers: list = field(default_factory=list)
    actions: list = field(default_factory=list)
    constellation: Constellation = None

    def ipv4(self):
        """True when cores have IPv4 addresses towards each other."""
        return self.underlay in ("ipv4", "both")

    def ipv6(self):
        """True when cores have IPv6 addresses towards each other."""
        return self.underlay in ("ipv6", "both")

    def addresses(self, node):
        """Family -> address of a terminal or host; None for anything else."""
        if node in self.terminals:
            return {4: self.terminals[node].home4, 6: self.terminals[node].home6}
        if node in self.hosts:
            return {6: self.hosts[node].address}
        return None

    def moves(self, terminal):
        """(from, to) of the times at which something may happen to a terminal."""
        for action in self.actions:
            if terminal in script.concerns(action, self):
                yield action.time, action.time + action.ahead

    def scheduled(self):
        """True when everybody knows, by an association file, which satellite serves which core."""
        return self.associations == "known" or self.constellation or any(
            s.via for s in self.satellites.values()) or any(a.verb == "schedule" for a in self.actions)

    def terminal_of(self, node):
        """The terminal that a node is, or is behind."""
        return self.hosts[node].terminal if node in self.hosts else node

    def daemons(self):
        """Names of all nodes that run a daemon, in the order in which they start."""
        return [*self.cores, *self.satellites, *self.terminals]

    def delays(self):
        """True when some path has a delay or loses packets, so that netem is needed."""
        paths = [c.path for c in self.cores.values()]
        paths += [s.path for s in self.satellites.values()]
        paths += [t.path for t in self.terminals.values()]
        return bool(self.constellation) or any(p.delay or p.loss for p in paths)


POOL_OPTIONS = {"home4": parse_network(4), "home6": parse_network(6),
                "care_of4": parse_network(4), "care_of6": parse_network(6),
                "delegated": parse_network(6)}
TIMER_OPTIONS = {key: parse_time for key in
                 ("lifetime", "drain", "leave", "stale", "keepalive", "dead_peer", "rekey")}
TERMINAL_TIMER_OPTIONS = {"disconnect_wait": parse_time, "retry_max": parse_time}
TUNNEL_OPTIONS = {"protection": one_of("auto", "esp", "none"),
                  "suite": one_of("chacha20-poly1305", "aes-256-gcm"),
                  "rekey_octets": parse_number(65536, 10**15),
                  "mtu": parse_number(1280, 65535)}
HOLD_OPTIONS = {"hold_packets": parse_number(0, 10**9), "hold_octets": parse_number(0, 10**12),
                "hold_time": parse_time}
HANDOVER_OPTIONS = {"mode": one_of(*MODES), "lead": parse_time, **HOLD_OPTIONS}
CORE_HANDOVER_OPTIONS = {**HANDOVER_OPTIONS, "prepared_for": parse_time,
                         "prepare_wait": parse_time,
                         "hold_total_packets": parse_number(0, 10**9),
                         "hold_total_octets": parse_number(0, 10**12)}
CORE_OPTIONS = {**script.SETTINGS, **POOL_OPTIONS, "realm": str,
                "tunnel": one_of("auto", "gre", "ipip", "gpe"), **TUNNEL_OPTIONS, **TIMER_OPTIONS,
                **CORE_HANDOVER_OPTIONS}
SATELLITE_OPTIONS = {**script.SETTINGS, "core": str, "feeders": parse_names, "via": str}
TERMINAL_OPTIONS = {**script.SETTINGS, **PLACE_OPTIONS, "home": str, "links": parse_names, "start": str, "nai": str,
                    "gap": parse_time, "switching": one_of("command", "self"),
                    **HANDOVER_OPTIONS, **TERMINAL_TIMER_OPTIONS, "addresses": parse_names,
                    "home4": parse_address(4), "home6": parse_address(6),
                    "prefix": parse_network(6)}
STREAM_OPTIONS = {"interval": parse_time, "quiet": parse_time, "size": parse_number(24, 1452), "family": parse_family,
                  "direction": one_of("both", "down", "up")}
TRANSFER_OPTIONS = {"rate": parse_rate, "family": parse_family}


class Parser(ConstellationWords):
    """Reads a description line by line; faults are collected, never raised, until finish()."""

    def __init__(self, path, elements=None):
        self.d = Description(path)
        self.elements = elements or os.path.dirname(path)
        self.faults = []
        self.line = 0
        self.later = []     # (line, function): what can be said once all names are known

    def fault(self, message, line=None):
        """Notes a fault at a line (the current one)."""
        self.faults.append((line or self.line, message))

    def options(self, words, known):
        """key=value words to a dictionary by a table of parsers."""
        found = {}
        for word in words:
            key, equals, text = word.partition("=")
            if not equals or key not in known:
                self.fault(f"'{word}' is not one of {', '.join(k + '=' for k in known)}")
                continue
            if key in found:
                self.fault(f"{key}= is given twice")
            try:
                found[key] = known[key](text)
            except ValueError as error:
                self.fault(f"{key}=: {error}")
        return found

    def new_name(self, words, what):
        """The name that a directive introduces, or None after noting why it is not one."""
        if not words or not NAME.match(words[0]):
            self.fault(f"{what} needs a name of 1 to 8 lower-case letters and digits")
            return None
        taken = {*self.d.daemons(), *self.d.hosts, self.d.server, "inet", "sky"}
        if self.d.constellation:
            taken |= set(self.d.constellation.stations)
        if words[0] in taken:
            self.fault(f"the name {words[0]} is taken")
            return None
        return words[0]

    @staticmethod
    def path_of(options, default):
        """The Netem of a node: its own options, else the default's."""
        return Netem(options.get("delay", default.delay), options.get("loss", default.loss))

    def handover_of(self, options, known):
        """What a node is told about handovers, by the daemons' own words; nothing: their defaults."""
        mode = {"mode": self.d.mode} if self.d.mode else {}
        return {**mode, **{k: v for k, v in options.items() if k in known}}

    # --- directives: one method each, named do_DIRECTIVE -----------------------------------------

    def value(self, words, parse):
        """The only word of a directive, parsed."""
        if len(words) != 1:
            self.fault("one value expected")
            return None
        try:
            return parse(words[0])
        except ValueError as error:
            self.fault(str(error))
            return None

    def do_underlay(self, words):
        self.d.underlay = self.value(words, one_of("ipv4", "ipv6", "both"))

    def do_tunnel(self, words):
        self.d.tunnel = self.value(words, one_of("auto", "gre", "ipip", "gpe"))

    def do_protection(self, words):
        self.d.protection = self.value(words, one_of("auto", "esp", "none"))

    def do_delay(self, words):
        given = self.options(words, {"access": parse_time, "core": parse_time})
        self.d.access.delay = given.get("access", self.d.access.delay)
        self.d.between.delay = given.get("core", self.d.between.delay)

    def do_loss(self, words):
        given = self.options(words, {"access": parse_loss, "core": parse_loss})
        self.d.access.loss = given.get("access", self.d.access.loss)
        self.d.between.loss = given.get("core", self.d.between.loss)

    def do_gap(self, words):
        self.d.gap = self.value(words, parse_time)

    def do_mode(self, words):
        self.d.mode = self.value(words, one_of(*MODES))

    def do_associations(self, words):
        self.d.associations = self.value(words, one_of("known", "unknown"))

    def do_ahead(self, words):
        self.d.ahead = self.value(words, parse_time) or 0

    def do_overlap(self, words):
        self.d.overlap = self.value(words, parse_time) or 0

    def do_advertise(self, words):
        self.d.advertise = self.value(words, parse_time)

    def do_psk(self, words):
        self.d.psk = self.value(words, parse_yes)

    def do_log(self, words):
        self.d.log = self.value(words, one_of("error", "warning", "notice", "info", "debug"))

    def do_server(self, words):
        self.d.server = self.new_name(words, "server") or self.d.server

    def do_end(self, words):
        self.d.end = self.value(words, parse_time) or 0

    def do_core(self, words):
        name = self.new_name(words, "core")
        options = self.options(words[1:], CORE_OPTIONS)
        if not name:
            return
        n = len(self.d.cores) + 1
        if n > 99:
            self.fault("more than 99 cores")
            return
        pools = {"home4": f"10.{n}.0.0/24", "home6": f"2001:db8:a0:{n}::/64",
                 "care_of4": f"100.64.{n}.0/24", "care_of6": f"2001:db8:c0:{n}::/64",
                 "delegated": f"2001:db8:{n}00::/40"}
        pools.update({k: v for k, v in options.items() if k in POOL_OPTIONS})
        pools = {k: v for k, v in pools.items() if v}
        timers = {k: v for k, v in options.items() if k in TIMER_OPTIONS}
        self.d.cores[name] = Core(name, n, options.get("realm", f"{name}.example"),
                                  self.path_of(options, self.d.between),
                                  {"kind": options.get("tunnel", self.d.tunnel),
                                   "protection": self.d.protection,
                                   **{k: v for k, v in options.items() if k in TUNNEL_OPTIONS}},
                                  pools,
                                  f"198.18.{n}.2", f"2001:db8:f0:{n}::2", timers,
                                  self.handover_of(options, CORE_HANDOVER_OPTIONS))

    def do_satellite(self, words):
        name = self.new_name(words, "satellite")
        options = self.options(words[1:], SATELLITE_OPTIONS)
        if "core" not in options:
            self.fault("satellite needs core=, the core it serves at first")
        elif name:
            satellite = Satellite(name, options["core"], options.get("feeders", []),
                                  self.path_of(options, self.d.access), via=options.get("via", ""))
            self.d.satellites[name] = satellite
            self.later.append((self.line, lambda: self.finish_satellite(satellite)))

    def finish_satellite(self, satellite):
        """Without feeders= a satellite has a feeder to every core."""
        satellite.feeders = satellite.feeders or list(self.d.cores)
        for core in [satellite.core, *satellite.feeders]:
            if core not in self.d.cores:
                yield f"there is no core {core}"
        neighbour = self.d.satellites.get(satellite.via)
        if satellite.via and (not neighbour or neighbour is satellite):
            yield f"there is no other satellite {satellite.via}"
        elif neighbour and neighbour.via:
            yield f"{neighbour.name} is itself relayed"
        elif neighbour:
            satellite.relayed = [c for c in neighbour.feeders or self.d.cores
                                 if c not in satellite.feeders]
        if satellite.core not in [*satellite.feeders, *satellite.relayed]:
            yield f"{satellite.name} has no feeder to {satellite.core}"

    def do_terminal(self, words):
        name = self.new_name(words, "terminal")
        options = self.options(words[1:], TERMINAL_OPTIONS)
        links = options.get("links", [])
        if "home" not in options or not links and "at" not in options:
            self.fault("terminal needs home=CORE, and links=SATELLITE,... or at=LAT,LON")
        elif name:
            terminal = Terminal(name, len(self.d.terminals) + 1, options["home"],
                                options.get("nai", ""), links,
                                options.get("start", links[0] if links else ""),
                                options.get("switching", "command"),
                                options.get("gap", self.d.gap),
                                self.path_of(options, Netem()),
                                self.handover_of(options, HANDOVER_OPTIONS),
                                {k: v for k, v in options.items() if k in TERMINAL_TIMER_OPTIONS},
                                place=options.get("at", ()),
                                antennas=options.get("antennas", 2) if "at" in options else 0,
                                policy=options.get("policy", "plan"))
            self.d.terminals[name] = terminal
            self.later.append((self.line, lambda: self.finish_terminal(terminal, options)))

    def finish_terminal(self, terminal, options):
        """Addresses out of the home core's pools, unless given."""
        if terminal.home not in self.d.cores:
            yield f"there is no core {terminal.home}"
            return
        if bool(self.d.constellation) != bool(terminal.place):
            yield ("in a constellation terminals have at=LAT,LON" if self.d.constellation else
                   "at= needs a constellation (elements CORE FILE)")
        for link in [*terminal.links, terminal.start]:
            if link not in self.d.satellites and not terminal.place:
                yield f"there is no satellite {link}"
        if terminal.start not in terminal.links and not terminal.place:
            yield f"start={terminal.start} is not one of links="
        core = self.d.cores[terminal.home]
        pool_of = {"ipv4": "home4", "ipv6": "home6", "prefix": "delegated"}
        wanted = options.get("addresses",
                             [word for word in ("ipv4", "ipv6") if pool_of[word] in core.pools])
        for word in wanted:
            if word not in pool_of:
                yield f"addresses={word}: not one of {', '.join(pool_of)}"
            elif pool_of[word] not in core.pools:
                yield f"addresses={word}: core {core.name} has no pool {pool_of[word]}"
                return
        terminal.nai = terminal.nai or f"{terminal.name}@{core.realm}"
        number = terminal.index + 9
        if "ipv4" in wanted:
            terminal.home4 = options.get("home4", nth_address(core.pools["home4"], number))
        if "ipv6" in wanted:
            terminal.home6 = options.get("home6", nth_address(core.pools["home6"], number))
        if "prefix" in wanted or "prefix" in options:
            terminal.prefix = options.get("prefix", nth_subnet(core.pools["delegated"], number))

    def do_host(self, words):
        name = self.new_name(words, "host")
        options = self.options(words[1:], {"behind": str})
        if "behind" not in options:
            self.fault("host needs behind=TERMINAL")
        elif name:
            host = Host(name, options["behind"])
            self.d.hosts[name] = host
            self.later.append((self.line, lambda: self.finish_host(host)))

    def finish_host(self, host):
        """A host needs a delegated prefix to live in."""
        terminal = self.d.terminals.get(host.terminal)
        if not terminal:
            yield f"there is no terminal {host.terminal}"
        elif not terminal.prefix:
            yield f"terminal {terminal.name} has no prefix (addresses=...,prefix)"
        else:
            number = 16 + sum(h.terminal == host.terminal and bool(h.address)
                              for h in self.d.hosts.values())
            host.address = str(ipaddress.ip_network(terminal.prefix)[number])

    def do_stream(self, words):
        options = self.options(words[1:], STREAM_OPTIONS)
        direction = options.get("direction", "both")
        interval = max(10, options.get("interval", 1000))
        stream = Stream(words[0] if words else "", interval, options.get("quiet", interval),
                        options.get("size", 64), options.get("family", 0),
                        direction != "up", direction != "down")
        self.d.streams.append(stream)
        self.later.append((self.line, lambda: self.finish_traffic(stream)))

    def do_transfer(self, words):
        options = self.options(words[1:], TRANSFER_OPTIONS)
        transfer = Transfer(words[0] if words else "", options.get("rate", 1000000),
                            options.get("family", 0))
        self.d.transfers.append(transfer)
        self.later.append((self.line, lambda: self.finish_traffic(transfer)))

    def finish_traffic(self, traffic):
        """Traffic runs between the server and a terminal or host that has such an address."""
        has = self.d.addresses(traffic.node)
        if has is None:
            yield f"'{traffic.node}' is not a terminal or host"
        else:
            traffic.family = traffic.family or (4 if has.get(4) else 6)
            if not has.get(traffic.family):
                yield f"{traffic.node} has no IPv{traffic.family} address"

    def do_at(self, words):
        try:
            action = script.parse(words, self.line, self.d)
        except ValueError as error:
            self.fault(str(error))
            return
        self.d.actions.append(action)
        self.later.append((self.line, lambda: script.check(action, self.d)))

    # --- the whole --------------------------------------------------------------------------------

    def read(self, text):
        """Every directive of the text, then what needs all names."""
        for number, line in enumerate(text.splitlines(), 1):
            self.line = number
            try:
                words = shlex.split(line, comments=True)
            except ValueError as error:
                self.fault(str(error))
                continue
            if not words:
                continue
            handler = getattr(self, f"do_{words[0]}", None)
            if handler:
                handler(words[1:])
            else:
                self.fault(f"unknown directive '{words[0]}'")
        for number, check in self.later:
            self.line = number
            for message in check():
                self.fault(message)
        if not self.d.cores:
            self.fault("a lab needs at least one core", 1)
        return self.finish()

    def finish(self):
        """The description, or DescriptionError with all faults."""
        if self.faults:
            raise DescriptionError("\n".join(f"{self.d.path}:{line}: {message}" for line, message
                                             in sorted(set(self.faults), key=lambda f: f[0])))
        self.d.actions.sort(key=lambda a: (a.time, a.line))
        if not self.d.end and self.d.actions:
            self.d.end = self.d.actions[-1].time + 3000000
        return self.d


def load(path, elements=None):
    """Reads a description file; DescriptionError for faults in it, OSError when it cannot be read.

    Element files are looked for in the folder `elements`, beside the description unless given.
    """
    with open(path, encoding="utf-8") as file:
        return Parser(path, elements).read(file.read())
