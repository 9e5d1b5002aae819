# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys, configuration files and the life of every daemon of a lab."""

import json
import os
import selectors
import socket
import threading
import time

import sky
from system import LabError, Process, in_time, program, run, wait_until
from topology import GATEWAY_MAC

PROGRAMS = {"core": "sno-core-agent", "satellite": "sno-sat-forwarder",
            "terminal": "sno-terminal-agent"}
START_SECONDS = 60
END_OF_TIME = 4102444800 * 1000000      # the year 2100


def quote(text):
    """A libconfig string."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def strings(values):
    """A libconfig array of strings."""
    return "[ " + ", ".join(quote(v) for v in values) + " ]" if values else "[ ]"


def group(**members):
    """A libconfig group; values are already libconfig text, None leaves a member out."""
    return "{ " + " ".join(f"{k} = {v};" for k, v in members.items() if v is not None) + " }"


def groups(items):
    """A libconfig list of groups."""
    return "(\n  " + ",\n  ".join(items) + "\n)" if items else "( )"


def seconds(microseconds):
    """A libconfig number of seconds."""
    return f"{microseconds / 1000000:.6f}"


def association_time(microseconds):
    """A moment since 1970 as sno-associations(5) has it."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(microseconds // 1000000))
    return f"{whole}.{microseconds // 1000 % 1000:03}Z"


class Configurations:
    """Writes keys and configuration files below the lab's directory."""

    def __init__(self, description, topology, directory):
        self.d = description
        self.topology = topology
        self.dir = directory
        self.public = {}
        self.start = self.epoch = 0     # of the plan's time, and the real moment that is; us

    def path(self, name):
        """A file of the lab."""
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o600):
        """A file with these permissions from its first moment."""
        path = self.path(name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w",
                  encoding="utf-8") as file:
            file.write(text)
        return path

    def keys(self):
        """A key pair for every core and terminal, and pre-shared keys where they are wanted."""
        snoctl = program("snoctl")
        for name in [*self.d.cores, *self.d.terminals]:
            private = run([snoctl, "genkey"])
            self.write(f"{name}.key", private)
            self.public[name] = run([snoctl, "pubkey"], stdin=private).strip()
        if self.d.psk:
            names = list(self.d.cores)
            pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1:]]
            pairs += [(t.home, t.name) for t in self.d.terminals.values()]
            for a, b in pairs:
                self.write(f"{a}-{b}.psk", run([snoctl, "genpsk"]))

    def psk(self, a, b):
        """The quoted name of the file that a and b share, or None."""
        names = list(self.d.cores)
        if b in names and names.index(b) < names.index(a):
            a, b = b, a
        return quote(self.path(f"{a}-{b}.psk")) if self.d.psk else None

    def underlay(self, core):
        """A core's addresses towards other cores, the preferred one first."""
        return ([core.underlay4] if self.d.ipv4() else []) + (
            [core.underlay6] if self.d.ipv6() else [])

    def pools(self, core, names):
        """A core's pools of these names, as far as the underlay can use them."""
        return [core.pools[n] for n in names if n in core.pools
                and (n != "care_of4" or self.d.ipv4()) and (n != "care_of6" or self.d.ipv6())]

    def subscriber(self, terminal):
        """A terminal as its home core knows it."""
        return group(nai=quote(terminal.nai), public_key=quote(self.public[terminal.name]),
                     psk_file=self.psk(terminal.home, terminal.name),
                     home4=quote(terminal.home4) if terminal.home4 else None,
                     home6=quote(terminal.home6) if terminal.home6 else None,
                     prefix=quote(terminal.prefix) if terminal.prefix else None,
                     mode=quote(terminal.handover["mode"]) if "mode" in terminal.handover
                     else None)

    def peer(self, core, other):
        """A core as another core knows it."""
        address = self.underlay(other)[0]
        endpoint = f"[{address}]:6275" if ":" in address else f"{address}:6275"
        return group(name=quote(other.realm), endpoint=quote(endpoint),
                     public_key=quote(self.public[other.name]),
                     psk_file=self.psk(core.name, other.name),
                     home_prefixes=strings(self.pools(other, ("home4", "home6", "delegated"))),
                     care_of_prefixes=strings(self.pools(other, ("care_of4", "care_of6"))))

    def handover(self, node):
        """The handover group of a core or a terminal; None: all defaults."""
        values = {key: quote(value) if key == "mode" else
                  str(value) if key.endswith(("packets", "octets")) else seconds(value)
                  for key, value in node.handover.items()}
        if self.d.scheduled():
            values["schedule"] = quote(self.path("associations.csv"))
        return group(**values) if values else None

    def tunnel(self, core, addresses):
        """The tunnel group of a core; protected by ESP where nothing is said and the kernel can."""
        values = {key: value if key in ("mtu", "rekey_octets") else quote(value)
                  for key, value in core.tunnel.items()}
        if core.tunnel["protection"] == "auto":
            values["protection"] = quote("esp" if self.topology.esp else "none")
        return group(**values, local=addresses)

    def core(self, core):
        """core-agent.conf of a core."""
        addresses = strings(self.underlay(core))
        satellites = [group(name=quote(s.title), interface=quote(f"feed-{s.name}"))
                      for s in self.d.satellites.values()
                      if core.name in [*s.feeders, *s.relayed]]
        lines = {
            "core": group(name=quote(core.realm), listen=addresses,
                          state=quote(self.path(f"{core.name}.state")),
                          private_key_file=quote(self.path(f"{core.name}.key"))),
            "access": group(bridge=quote("sno-acc"), gateway_mac=quote(GATEWAY_MAC),
                            advertise_interval=seconds(self.d.advertise),
                            satellites=groups(satellites)),
            "tunnel": self.tunnel(core, addresses),
            "pools": group(**{name: strings(self.pools(core, (name,)))
                              for name in core.pools if self.pools(core, (name,))}),
            "subscribers": groups([self.subscriber(t) for t in self.d.terminals.values()
                                   if t.home == core.name]),
            "peers": groups([self.peer(core, c) for c in self.d.cores.values() if c is not core]),
            "handover": self.handover(core),
            "timers": group(**{k: seconds(v) for k, v in core.timers.items()}),
            "time": self.time(),
            "log": group(level=quote(self.d.log))}
        return "".join(f"{key} = {value};\n" for key, value in lines.items() if value)

    def time(self):
        """The group that says how time passes in the plan; None: as everywhere."""
        if not self.d.constellation:
            return None
        return group(start=quote(association_time(self.start)),
                     epoch=quote(association_time(self.epoch)),
                     rate=str(self.d.constellation.rate))

    def modem(self, terminal):
        """The switching command of a terminal that does not switch by itself."""
        if self.d.constellation:
            return sky.modem(self.dir, terminal)
        command = [program("tests/bench/radio"), "-g", str(terminal.gap),
                   "-o", self.path(f"{terminal.name}.links")]
        for link in terminal.links:
            command += ["-l", f"{link}={self.topology.netns(link)}/t-{terminal.name}/sat-{link}"]
        return command

    def terminal(self, terminal):
        """terminal-agent.conf of a terminal."""
        links = [group(name=quote(s), interface=quote(f"sat-{s}")) for s in terminal.links]
        links += [group(antenna=quote(a), interface=quote(a)) for a in terminal.aerials()]
        commanded = terminal.switching == "command"
        switching = group(mode=quote(terminal.switching), resident="true" if commanded else None,
                          command=strings(self.modem(terminal)) if commanded else None)
        position = None
        if terminal.place:
            elevation = f"{self.d.constellation.terminal_elevation:.6f}"
            position = group(latitude=f"{terminal.place[0]:.6f}",
                             longitude=f"{terminal.place[1]:.6f}", min_elevation=elevation)
        lines = {
            "terminal": group(nai=quote(terminal.nai),
                              private_key_file=quote(self.path(f"{terminal.name}.key")),
                              state=quote(self.path(f"{terminal.name}.state")),
                              psk_file=self.psk(terminal.home, terminal.name),
                              home_public_key=quote(self.public[terminal.home])),
            "links": groups(links),
            "position": position,
            "elements": strings([self.path("elements.tle")]) if position else None,
            "policy": quote(terminal.policy) if position else None,
            "switching": switching,
            "handover": self.handover(terminal),
            "timers": group(**{k: seconds(v) for k, v in terminal.timers.items()})
            if terminal.timers else None,
            "delegated": group(interface=quote("lan0")) if terminal.prefix else None,
            "time": self.time(),
            "log": group(level=quote(self.d.log))}
        return "".join(f"{key} = {value};\n" for key, value in lines.items() if value)

    def relays(self, satellite):
        """What this satellite lets pass for its neighbours."""
        neighbours = [s for s in self.d.satellites.values() if s.via == satellite.name]
        return [group(satellite=quote(s.title), interface=quote(f"isl-{s.name}"),
                      index=str(2 + number), feeders=groups([
                          group(core=quote(self.d.cores[c].realm), station=quote(f"gs-{c}"),
                                interface=quote(f"rly-{s.name}-{c}")) for c in s.relayed]))
                for number, s in enumerate(neighbours)]

    def satellite(self, satellite):
        """sat-forwarder.conf of a satellite."""
        realms = {name: core.realm for name, core in self.d.cores.items()}
        feeders = [group(core=quote(realms[c]), station=quote(f"gs-{c}"),
                         interface=quote(f"feed-{c}")) for c in satellite.feeders]
        if satellite.via:
            feeders.append(group(via=quote(self.d.satellites[satellite.via].title),
                                 interface=quote(f"isl-{satellite.via}")))
        relays = self.relays(satellite)
        own = group(name=quote(satellite.name), access=quote("acc0"))
        first = None if satellite.core in satellite.relayed else quote(realms[satellite.core])
        if self.d.constellation:
            # One feeder to each core, over whatever station the plan names.
            feeders = [group(core=quote(realms[c]), interface=quote(sky.feeder(satellite, c)))
                       for c in satellite.feeders]
            own = group(name=quote(satellite.title), access=quote(sky.bridge(satellite)),
                        index=str(sky.index(satellite)))
            first = None
        lines = {
            "satellite": own,
            "feeders": groups(feeders),
            "relays": groups(relays) if relays else None,
            "association": group(core=first,
                                 file=quote(self.path("associations.csv"))
                                 if self.d.scheduled() else None),
            "time": self.time(),
            "log": group(level=quote(self.d.log))}
        return "".join(f"{key} = {value};\n" for key, value in lines.items() if value)

    def schedule(self, begin=None):
        """The association file; `begin` is when the script begins, in us since 1970. None: later
        than anybody looks, so that the satellites serve the cores they serve at first."""
        rows = ["from,until,satellite,core,station,via"]
        for satellite in self.d.satellites.values():
            since, core = 0, satellite.core
            for action in self.d.actions:
                if action.verb == "schedule" and action.words[0] == satellite.name and begin:
                    rows.append(self.association(since, begin + action.time, satellite, core))
                    since, core = begin + action.time, action.words[1]
            rows.append(self.association(since, END_OF_TIME, satellite, core))
        self.write("associations.new", "\n".join(rows) + "\n", 0o644)
        os.replace(self.path("associations.new"), self.path("associations.csv"))

    def association(self, since, until, satellite, core):
        """A row of that file."""
        return ",".join((association_time(since), association_time(until), satellite.name,
                         self.d.cores[core].realm, f"gs-{core}",
                         satellite.via if core in satellite.relayed else ""))

    def readers(self):
        """Nodes that read the association file."""
        return [*self.d.cores, *self.d.satellites, *self.d.terminals]

    def write_all(self):
        """Every file; each is also checked by its daemon at the start."""
        self.keys()
        if self.d.scheduled() and not self.d.constellation:
            self.schedule()
        for name, core in self.d.cores.items():
            self.write(f"{name}.conf", self.core(core))
        for name, satellite in self.d.satellites.items():
            self.write(f"{name}.conf", self.satellite(satellite))
        for name, terminal in self.d.terminals.items():
            self.write(f"{name}.conf", self.terminal(terminal))


class Control:
    """Asks daemons over their control sockets (common/control.h)."""

    def __init__(self, directory):
        self.dir = directory

    def socket_path(self, node):
        """The control socket of a node's daemon."""
        return os.path.join(self.dir, f"{node}.sock")

    def open(self, node):
        """A connection; LabError when nobody listens."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(10)
        try:
            connection.connect(self.socket_path(node))
        except OSError as error:
            connection.close()
            raise LabError(f"{node}: control socket: {error.strerror}") from None
        return connection

    def ask(self, node, command, **arguments):
        """One request; the whole answer, or LabError with the daemon's own words."""
        rows, more = [], True
        with self.open(node) as connection:
            try:
                connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
                with connection.makefile("rb") as lines:
                    while more:
                        line = lines.readline()
                        if not line:
                            raise LabError(f"{node}: {command}: the daemon closed the connection")
                        answer = json.loads(line)
                        if not answer.get("ok"):
                            raise LabError(f"{node}: {command}: {answer.get('error')}")
                        more = answer.get("more")
                        rows += answer.get("table", {}).get("rows", [])
            except OSError as error:
                raise LabError(f"{node}: {command}: {error}") from None
        if "table" in answer:
            answer["table"]["rows"] = rows
        return answer

    def rows(self, node, command, **arguments):
        """The table of an answer as dictionaries."""
        table = self.ask(node, command, **arguments).get("table", {"columns": [], "rows": []})
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, row)) for row in table["rows"]]


class Events:
    """Follows `monitor` of all daemons in a thread and hands each event to a function."""

    def __init__(self, control, sink):
        self.control = control
        self.sink = sink
        self.selector = selectors.DefaultSelector()
        self.wake_read, self.wake_write = os.pipe()
        self.selector.register(self.wake_read, selectors.EVENT_READ, None)
        self.lock = threading.Lock()
        self.waiting = []
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def add(self, node):
        """Subscribes to a daemon that has just started."""
        connection = self.control.open(node)
        connection.sendall(b'{"command": "monitor"}\n')
        connection.setblocking(False)
        with self.lock:
            self.waiting.append((node, connection))
        os.write(self.wake_write, b"+")

    def follow(self):
        """The thread: lines of all subscriptions, until close()."""
        buffers = {}
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    if os.read(self.wake_read, 1) == b"-":
                        return
                    with self.lock:
                        for node, connection in self.waiting:
                            self.selector.register(connection, selectors.EVENT_READ, node)
                            buffers[connection] = b""
                        self.waiting.clear()
                    continue
                try:
                    data = key.fileobj.recv(1 << 16)
                except OSError:
                    data = b""
                if not data:
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()
                    continue
                *lines, buffers[key.fileobj] = (buffers[key.fileobj] + data).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if "event" in event:
                        self.sink(key.data, event)

    def close(self):
        """Ends the thread."""
        os.write(self.wake_write, b"-")
        self.thread.join(5)
        for key in list(self.selector.get_map().values()):
            if key.data is not None:
                key.fileobj.close()
        self.selector.close()
        os.close(self.wake_read)
        os.close(self.wake_write)


class Daemons:
    """Starts, stops and questions the daemons of a lab."""

    def __init__(self, description, topology, state):
        self.d = description
        self.topology = topology
        self.state = state
        self.control = Control(state.dir)
        self.processes = {}
        self.events = None

    def kind(self, node):
        """core, satellite or terminal."""
        if node in self.d.cores:
            return "core"
        return "satellite" if node in self.d.satellites else "terminal"

    def start(self, node):
        """Starts a node's daemon and waits until it answers."""
        # On a CPU for all of them a terminal that lets out what it has held shall not hold up a core,
        # a satellite that sees a link change holds up nobody, and nothing a satellite that is to
        # switch at an instant of the plan.
        priority = {"core": 16, "terminal": 15,
                    "satellite": 17 if self.d.constellation else 14}[self.kind(node)]
        command = [*in_time(priority), program(PROGRAMS[self.kind(node)]), "-f",
                   "-c", os.path.join(self.state.dir, f"{node}.conf"),
                   "-s", self.control.socket_path(node), "-N", f"{self.state.name}-{node}"]
        process = Process(self.state, self.topology.netns(node), command,
                          os.path.join(self.state.dir, f"{node}.log"), f"daemon of {node}")
        self.processes[node] = process

    def wait_started(self, node):
        """Waits until the daemon's control socket answers."""
        process = self.processes[node]

        def answers():
            if not process.running():
                raise LabError(f"the daemon of {node} ended at its start:\n{process.tail()}")
            try:
                self.control.ask(node, "help")
            except LabError:
                return False
            return True
        wait_until(answers, START_SECONDS, f"{process.what}: start")
        # Without a constellation the others tell nothing that cores do not.
        if self.events and (self.d.constellation or self.kind(node) == "core"):
            self.events.add(node)

    def start_all(self):
        """All daemons: cores, satellites, then terminals."""
        for nodes in (self.d.cores, self.d.satellites, self.d.terminals):
            for node in nodes:
                self.start(node)
            for node in nodes:
                self.wait_started(node)

    def stop(self, node, number):
        """Ends a daemon by a signal."""
        process = self.processes.pop(node, None)
        if not process:
            raise LabError(f"the daemon of {node} does not run")
        process.stop(number)

    def crashed(self):
        """Daemons that have ended although nobody told them to."""
        return [node for node, process in self.processes.items() if not process.running()]
