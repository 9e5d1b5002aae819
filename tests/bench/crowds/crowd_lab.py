# SPDX-License-Identifier: GPL-2.0-or-later
"""A lab whose only satellite carries a crowd: many terminals, all played by one process (main.c).

    server -- inet -- core a     the home of all
                 \\--- core s     serves them, until the satellite is re-associated
                  \\-- core t     serves them from then on
    satellite s1: a feeder to each; t-crowd, a port of its access bridge, leads to the crowd

Which core serves first and which next may be chosen otherwise: each of them may be the home core.

Daemons, keys, datagrams, routes and packets are real; only the terminals share a process.
"""

import json
import os
import subprocess
import tempfile
import time

import description
from daemons import program
from lab import Lab
from system import LabError, hurry_softirqs, run, wait_until
from topology import batch, inode

HOME4, HOME6 = "10.64.0.0/16", "2001:db8:a0:1::/64"
FIRST4 = "10.64.0.10"           # the home address of terminal 0
CARE_OF = {"a": "100.64.0.0/16", "s": "100.80.0.0/16", "t": "100.96.0.0/16"}
VENDOR = "02:c0:00"             # what a terminal's Ethernet address begins with (terminal.c)
PORT = 8200
DESCRIPTION = """
mode {mode}
tunnel {tunnel}
protection none
advertise {advertise}
log {log}
core a home4={home4} home6={home6} care_of4={a} lifetime=3600s drain={drain} {options}
core s home4=none home6=none care_of4={s} lifetime=3600s drain={drain} {options}
core t home4=none home6=none care_of4={t} lifetime=3600s drain={drain} {options}
satellite s1 core={origin} feeders=a,s,t
at 0s schedule s1 {target}
"""
DEFAULTS = {"tunnel": "gpe", "advertise": "1s", "log": "info", "drain": "2s", "options": ""}
CORES = ("a", "s", "t")
ALONE = ("keepalive", "echo", "echo ACK")


class Terminals:
    """The process that plays the crowd; one command after the other."""

    def __init__(self, lab):
        self.process = lab.spawn("crowd", [
            "play", "-i", "radio", "-k", lab.configurations.public["a"], "-r", "a.example",
            "-p", str(PORT), *lab.crowd_options()])

    def ask(self, *words):
        """One command; its answer."""
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise LabError(f"the crowd ended at '{words[0]}'")
        return json.loads(line)


class CrowdLab(Lab):
    """The lab, as a context: up at its beginning, down at its end."""

    def __init__(self, count, mode, way=("s", "t"), urgent=False, **options):
        """`way` has the cores that the satellite serves, one after the other. `urgent` lets other
        programs of this machine wait for those of the lab, as far as it is allowed."""
        self.count, self.way, self.urgent = count, way, urgent
        self.folder = tempfile.mkdtemp(prefix="sno-crowd.")
        path = os.path.join(self.folder, "description")
        with open(path, "w", encoding="ascii") as file:
            file.write(DESCRIPTION.format(**{**DEFAULTS, **options}, mode=mode, home4=HOME4,
                                          home6=HOME6, origin=way[0], target=way[1], **CARE_OF))
        super().__init__(description.load(path), f"crowd{os.getpid()}", lambda text: None)
        self.control = self.daemons.control
        self.terminals = None
        self.left = []

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.close()

    def up(self):
        """Everything runs, and the cores know each other; no terminal has been there."""
        self.state.create(self.d.path)
        hurry_softirqs()
        self.topology.up()
        self.add_crowd()
        self.write_configurations()
        self.daemons.start_all()
        wait_until(self.peers_up, 20, "cores find each other")
        self.terminals = Terminals(self)
        if self.urgent:
            self.hurry([*(p.pid for p in self.daemons.processes.values()),
                        self.terminals.process.pid])

    @staticmethod
    def hurry(processes):
        """Real-time priority for processes."""
        for pid in processes:
            try:
                os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(10))
            except PermissionError:
                return

    def close(self):
        """Takes it down; what is left is in `left`."""
        self.left = self.down()
        self.forget()
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))
        os.rmdir(self.folder)

    def peers_up(self):
        """True when every core has a channel to every other one."""
        return all(peer["state"] == "up" for core in CORES
                   for peer in self.control.rows(core, "peers"))

    # --- what the crowd adds ----------------------------------------------------------------------

    def add_crowd(self):
        """A namespace for the crowd and its link to the satellite. Its kernel takes no part."""
        netns = self.topology.netns("crowd")
        self.state.data["namespaces"][netns] = None
        self.state.save()
        run(["ip", "netns", "add", netns])
        self.state.data["namespaces"][netns] = inode(netns)
        self.state.save()
        run(["ip", "netns", "exec", netns, "sysctl", "-q", "-w",
             "net.ipv6.conf.default.disable_ipv6=1"])
        satellite = self.topology.netns("s1")
        batch([], "ip", [f"link add radio netns {netns} index 10 type veth "
                         f"peer name t-crowd index 11 netns {satellite}"])
        batch(["-n", netns], "ip", ["link set radio arp off up"])
        batch(["-n", satellite], "ip", ["link set t-crowd addrgenmode none master acc0",
                                        "link set t-crowd type bridge_slave isolated on",
                                        "link set t-crowd up"])

    def crowd_options(self):
        """What every mode of the crowd's program is told."""
        return ["-n", str(self.count), "-a", FIRST4, "-s", self.state.name]

    def write_configurations(self):
        """Those of any lab, and the subscribers of core a."""
        self.configurations.write_all()
        subscribers = run([program("tests/bench/crowds/crowd"), "subscribers", "-r", "a.example",
                           *self.crowd_options()])
        self.configurations.write("subscribers.conf", subscribers)
        path = self.configurations.path("a.conf")
        with open(path, encoding="ascii") as file:
            text = file.read()
        include = f'@include "{self.configurations.path("subscribers.conf")}"'
        with open(path, "w", encoding="ascii") as file:
            file.write(text.replace("subscribers = ( );", include))

    def spawn(self, node, arguments):
        """The crowd's program inside a node, its input and output in our hands."""
        with open(os.path.join(self.state.dir, f"crowd-{arguments[0]}.log"), "ab") as errors:
            process = subprocess.Popen(     # pylint: disable=consider-using-with
                ["ip", "netns", "exec", self.topology.netns(node),
                 program("tests/bench/crowds/crowd"), *arguments], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        self.state.add_process(process.pid, f"crowd {arguments[0]}")
        return process

    # --- what is done with it ---------------------------------------------------------------------

    def register(self, window=64, seconds=600):
        """All register, some at a time."""
        answer = self.terminals.ask("register", window, seconds)
        if answer["registered"] != self.count or answer["told"] != self.count:
            raise LabError(f"registration of {self.count} terminals: {answer}")
        return (answer["ended"] - answer["began"]) / 1e6

    def send(self, rate):
        """Starts packets from the server to all home addresses."""
        return self.spawn(self.d.server, ["send", "-f", str(rate), "-p", str(PORT),
                                          *self.crowd_options()])

    def announce(self, moment):
        """Writes down that the satellite changes its core at this moment (us since 1970)."""
        self.configurations.schedule(moment)
        for node in self.configurations.readers():
            self.control.ask(node, "reload")

    # --- what is found ----------------------------------------------------------------------------

    def cost(self):
        """What each core has done so far: datagrams to other cores, and seconds of CPU time."""
        return {core: {"datagrams": self.datagrams(core), "cpu_s": self.cpu(core)}
                for core in CORES}

    def datagrams(self, core):
        """Datagrams sent through UDP sockets in a core's namespace, which are its channels'; without
        those of which there are as many for any crowd."""
        lines = [line.split() for line in self.exec(core, ["cat", "/proc/net/snmp"]).splitlines()
                 if line.startswith("Udp:")]
        counters = dict(zip(lines[0][1:], lines[1][1:]))
        alone = sum(row["sent"] for row in self.control.rows(core, "counters")
                    if row["message"] in ALONE)
        return int(counters["OutDatagrams"]) - alone

    def cpu(self, core):
        """Seconds of CPU time of a core's daemon."""
        with open(f"/proc/{self.daemons.processes[core].pid}/stat", encoding="ascii",
                  errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def objects(self, node, *words):
        """What ip(8) lists in a node."""
        text = self.exec(node, ["ip", "-j", "-d", *words])
        # An encapsulation's own dst would stand in for the route's.
        return json.loads(text or "[]", object_pairs_hook=first_wins)

    def home_routes(self, core):
        """Home address -> route, of those in a core's kernel."""
        found = {}
        for family, pool in (("-4", HOME4), ("-6", HOME6)):
            found.update((route["dst"], route) for route in
                         self.objects(core, family, "route", "show", "table", "all", "root", pool)
                         if route["dst"] != pool and route.get("type", "unicast") == "unicast")
        return found

    def neighbours(self, core):
        """Link-local address -> Ethernet address, of terminals that a core's kernel knows."""
        return {entry["dst"]: entry["lladdr"] for entry in
                self.objects(core, "neigh", "show", "nud", "permanent")
                if entry.get("lladdr", "").startswith(VENDOR)}

    def bindings(self):
        """Number of a terminal -> its binding, of those that are bound to where they are."""
        target = self.way[1]
        state = "home" if target == "a" else "visiting"
        rows = {row["terminal"]: row for row in self.control.rows("a", "bindings")
                if (row["state"], row["core"]) == (state, f"{target}.example")}
        names = ((number, f"t{number}@a.example") for number in range(self.count))
        return {number: rows[name] for number, name in names if name in rows}

    def faults(self):
        """A line for each terminal that the cores do not lead to where it is, and for all else
        that is left in daemons or kernels. Empty when all is as it should be."""
        origin, target = self.way
        bindings = self.bindings()
        routes = {core: self.home_routes(core) for core in CORES}
        neighbours = self.neighbours(target)
        found = [f"a: t{number} is not bound to core {target}" for number in range(self.count)
                 if number not in bindings]
        for number, binding in bindings.items():
            for address in filter(None, (binding["hoa4"], binding["hoa6"])):
                if target != "a":
                    leads = routes["a"].pop(address, {}).get("encap_dst")
                    if leads != binding["coa"]:
                        found.append(f"a: {address} leads to {leads}, not to {binding['coa']}")
                route = routes[target].pop(address, {})
                via = route.get("gateway") or route.get("via", {}).get("host")
                if neighbours.get(via) != link_layer(number):
                    found.append(f"{target}: {address} leads to {via}, {neighbours.get(via)}")
        found += [f"{core}: {address} leads somewhere" for core in CORES for address in routes[core]]
        found += [f"{origin}: {address} is a neighbour" for address in self.neighbours(origin)]
        for core, name, count in ((target, "terminals", self.count), (origin, "terminals", 0),
                                  ("a", "anticipations", 0)):
            rows = len(self.control.rows(core, name))
            found += [f"{core}: {rows} {name}, not {count}"] * (rows != count)
        return found


def first_wins(pairs):
    """A JSON object in which ip(8) has used a name twice; the second one gets a prefix."""
    found = {}
    for key, value in pairs:
        found[key if key not in found else f"encap_{key}"] = value
    return found


def link_layer(number):
    """A terminal's Ethernet address (terminal.c)."""
    return VENDOR + "".join(f":{octet:02x}" for octet in number.to_bytes(3, "big"))


def wall_us():
    """Microseconds since 1970, the clock of schedules."""
    return time.time_ns() // 1000
