# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of a lab: one namespace per node, veth pairs between them.

                  server                    eth0
                    |
                  inet                      to-server, to-CORE
               /    |    \\                  netem: half a core's delay at each end
           core a  b      c                 net0; feed-SATELLITE (ports of the agent's bridge)
              |  \\ | \\  / |                 netem: the access delay at each end of a feeder
          satellite s1  s2                  feed-CORE; isl-SATELLITE to a neighbour, which has
                |    /  |                   rly-SATELLITE-CORE; acc0, a bridge with ports t-TERMINAL
                 \\  /                     a port that is down is a link without a carrier
               terminal t1                  sat-SATELLITE; lan0, a bridge
                    |
                  host h1                   eth0

The delay of the access lies on the feeder, behind the link that a handover cuts: what has been
sent over the link before the cut still arrives, as it does over a radio. Everything is made inside
the namespaces; the machine's own network sees none of it. Interface indexes are unique in the whole
lab, because the kernel takes a veth whose peer has the same index for a plain device and reports its
carrier up to a second late.
"""

import os
import socket
import statistics

import sky
from system import NETNS_DIR, LabError, State, end_processes, process_start, run, warn

GATEWAY_MAC = "02:53:4e:4f:00:01"
SYSCTL_ALL = ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
              "net.ipv6.conf.all.accept_ra=0", "net.ipv6.conf.default.accept_ra=0",
              "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
              "net.ipv6.conf.default.router_solicitations=0")
SYSCTL_ROUTER = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                 "net.ipv6.conf.default.forwarding=1")


class Topology:
    """Builds, changes and removes the namespaces of one lab."""

    def __init__(self, description, state):
        self.d = description
        self.state = state
        self.index = 100
        self.links = []         # commands that create veth pairs
        self.setup = {}         # node -> ip commands inside its namespace
        self.shapes = []        # (node, device, delay, loss, verb) for netem
        self.netem = True
        self.esp = True
        self.lateness = 0       # us by which netem lets each packet go too late

    def netns(self, node):
        """The name of a node's namespace. The satellites of a constellation share one."""
        if self.d.constellation and node in self.d.satellites:
            node = "sky"
        return f"{self.state.name}-{node}"

    def nodes(self):
        """Every node of the lab that has a namespace of its own."""
        if self.d.constellation:
            return ["inet", self.d.server, "sky", *self.d.cores, *self.d.terminals, *self.d.hosts]
        return ["inet", self.d.server, *self.d.daemons(), *self.d.hosts]

    def routers(self):
        """Nodes that forward packets of others."""
        return ["inet", *self.d.cores, *(t.name for t in self.d.terminals.values() if t.prefix)]

    # --- the plan ---------------------------------------------------------------------------------

    def ip(self, node, command):
        """Plans an ip(8) command inside a namespace."""
        self.setup.setdefault(node, []).append(command)

    def pair(self, node_a, name_a, node_b, name_b):
        """Plans a veth pair."""
        self.links.append(
            f"link add {name_a} index {self.index} netns {self.netns(node_a)} type veth "
            f"peer name {name_b} index {self.index + 1} netns {self.netns(node_b)}")
        self.index += 2

    def shape(self, node, device, delay, loss, verb="add"):
        """Plans what happens to packets that leave through a device."""
        if delay or loss or verb == "replace":
            self.shapes.append((node, device, delay, loss, verb))

    def plan_inet(self):
        """The router in the middle and the server."""
        self.pair("inet", "to-server", self.d.server, "eth0")
        for line in ("link set to-server up", "addr add 203.0.113.1/24 dev to-server",
                     "addr add 2001:db8:f1::1/64 dev to-server nodad"):
            self.ip("inet", line)
        for line in ("link set eth0 up", "addr add 203.0.113.2/24 dev eth0",
                     "addr add 2001:db8:f1::2/64 dev eth0 nodad",
                     "route add default via 203.0.113.1",
                     "route add default via 2001:db8:f1::1"):
            self.ip(self.d.server, line)

    def plan_core(self, core):
        """A core, its line to the Internet and what the Internet routes to it."""
        n, port = core.index, f"to-{core.name}"
        self.pair("inet", port, core.name, "net0")
        for line in (f"link set {port} up", f"addr add 198.18.{n}.1/24 dev {port}",
                     f"addr add 2001:db8:f0:{n}::1/64 dev {port} nodad"):
            self.ip("inet", line)
        for pool, prefix in core.pools.items():
            via = core.underlay4 if pool.endswith("4") else core.underlay6
            self.ip("inet", f"route add {prefix} via {via}")
        for line in ("link set net0 up", f"addr add {core.underlay4}/24 dev net0",
                     f"addr add {core.underlay6}/64 dev net0 nodad",
                     f"route add default via 198.18.{n}.1",
                     f"route add default via 2001:db8:f0:{n}::1"):
            self.ip(core.name, line)
        for node, device in ((core.name, "net0"), ("inet", port)):
            self.shape(node, device, core.path.delay // 2, core.path.loss)

    def plan_access(self, node, bridge, number):
        """The bridge of a satellite towards terminals.

        A port without anything behind it keeps the bridge's carrier. A bridge that had lost it with
        its last terminal would drop what it is sent until the kernel gets round to its queue,
        a registration done among it.
        """
        hold, held = f"hold{2 * number}", f"hold{2 * number + 1}"
        self.pair(node, hold, node, held)
        for line in (f"link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
                     f"link set {bridge} addrgenmode none", f"link set {bridge} up",
                     f"link set {hold} addrgenmode none master {bridge}",
                     f"link set {hold} type bridge_slave isolated on flood off mcast_flood off "
                     "bcast_flood off learning off",
                     f"link set {hold} up", f"link set {held} addrgenmode none",
                     f"link set {held} up"):
            self.ip(node, line)

    def plan_satellite(self, satellite):
        """A satellite: feeders to cores and the bridge towards terminals."""
        name = satellite.name
        self.plan_access(name, "acc0", 0)
        for core in satellite.feeders:
            self.pair(name, f"feed-{core}", core, f"feed-{name}")
            for node, device in ((name, f"feed-{core}"), (core, f"feed-{name}")):
                self.ip(node, f"link set {device} addrgenmode none")
                self.ip(node, f"link set {device} up")
                self.shape(node, device, satellite.path.delay, satellite.path.loss)
        if satellite.via:
            self.plan_relay(satellite, self.d.satellites[satellite.via])

    def plan_relay(self, satellite, neighbour):
        """The link to the neighbour, and the feeders there that belong to this satellite."""
        lines = [((satellite.name, f"isl-{neighbour.name}"), (neighbour.name, f"isl-{satellite.name}"),
                  satellite.path)]
        lines += [((neighbour.name, f"rly-{satellite.name}-{core}"), (core, f"feed-{satellite.name}"),
                   neighbour.path) for core in satellite.relayed]
        for one, other, path in lines:
            self.pair(*one, *other)
            for node, device in (one, other):
                self.ip(node, f"link set {device} addrgenmode none")
                self.ip(node, f"link set {device} up")
                self.shape(node, device, path.delay, path.loss)

    def plan_terminal(self, terminal):
        """A terminal: one link per satellite, of which only the first to be used has a carrier."""
        name = terminal.name
        for link in terminal.links:
            port, device = f"t-{name}", f"sat-{link}"
            self.pair(link, port, name, device)
            for line in (f"link set {port} addrgenmode none master acc0",
                         f"link set {port} type bridge_slave isolated on",
                         f"link set {port} {'up' if link == terminal.start else 'down'}"):
                self.ip(link, line)
            self.ip(name, f"link set {device} up")
            for node, where in ((link, port), (name, device)):
                self.shape(node, where, terminal.path.delay, terminal.path.loss)
        if terminal.prefix:
            for line in ("link add lan0 type bridge stp_state 0 forward_delay 0",
                         "link set lan0 addrgenmode none", "link set lan0 up",
                         "addr add fe80::53/64 dev lan0 nodad"):
                self.ip(name, line)

    def plan_host(self, host):
        """A host behind a terminal, with a fixed address in the delegated prefix."""
        port = f"h-{host.name}"
        self.pair(host.terminal, port, host.name, "eth0")
        self.ip(host.terminal, f"link set {port} master lan0 up")
        for line in ("link set eth0 up", f"addr add {host.address}/64 dev eth0 nodad",
                     "route add default via fe80::53 dev eth0"):
            self.ip(host.name, line)

    def plan(self):
        """Everything, in the order in which it is made."""
        for node in self.nodes():
            self.ip(node, "link set lo up")
        self.plan_inet()
        for core in self.d.cores.values():
            self.plan_core(core)
        if self.d.constellation:
            sky.plan(self)
        else:
            for satellite in self.d.satellites.values():
                self.plan_satellite(satellite)
        for terminal in self.d.terminals.values():
            self.plan_terminal(terminal)
        for host in self.d.hosts.values():
            self.plan_host(host)

    # --- making it --------------------------------------------------------------------------------

    def up(self):
        """Builds the network."""
        self.plan()
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()   # loads a modular IPv6
        for node in self.nodes():
            self.state.data["namespaces"][self.netns(node)] = None
        self.state.data["places"] = {node: self.netns(node) for node in self.d.daemons()}
        self.state.save()
        for node in self.nodes():
            run(["ip", "netns", "add", self.netns(node)])
            self.state.data["namespaces"][self.netns(node)] = inode(self.netns(node))
        self.state.save()
        for node in self.nodes():
            values = SYSCTL_ALL + (SYSCTL_ROUTER if node in self.routers() else ())
            run(["ip", "netns", "exec", self.netns(node), "sysctl", "-q", "-e", "-w", *values])
        batch([], "ip", self.links)
        for node, commands in self.setup.items():
            batch(["-n", self.netns(node)], "ip", commands)
        self.netem = self.kernel_has_netem()
        self.esp = self.kernel_has_esp()
        if not self.esp and any(core.tunnel["protection"] == "auto" for core in self.d.cores.values()):
            warn("this kernel has no ESP: tunnels between cores are not protected here")
        if self.netem and (self.shapes or self.d.constellation):
            self.calibrate()
            self.apply_shapes()
        elif self.d.delays():
            warn("this kernel has no netem: every delay and loss of the description is 0 here")

    def kernel_has_netem(self):
        """Tries it where nothing else can be hurt."""
        netns = self.netns("inet")
        try:
            run(["tc", "-n", netns, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1us"])
        except LabError:
            return False
        run(["tc", "-n", netns, "qdisc", "del", "dev", "lo", "root"])
        return True

    def kernel_has_esp(self):
        """Likewise, in the families of the underlay."""
        families = [("192.0.2.253", self.d.ipv4()), ("2001:db8::253", self.d.ipv6())]
        end = next(address for address, used in reversed(families) if used)
        state = ["src", end, "dst", end, "proto", "esp", "spi", "0x80000001"]
        try:
            run(["ip", "-n", self.netns("inet"), "xfrm", "state", "add", *state, "mode", "tunnel",
                 "aead", "rfc7539esp(chacha20,poly1305)", "0x" + 36 * "5a", "128"])
        except LabError:
            return False
        run(["ip", "-n", self.netns("inet"), "xfrm", "state", "delete", *state])
        return True

    def calibrate(self):
        """Measures how late netem lets packets go, so that delays are those of the description."""
        netns = self.netns("inet")
        run(["tc", "-n", netns, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "5ms"])
        text = run(["ip", "netns", "exec", netns, "ping", "-n", "-c", "80", "-i", "0.005",
                    "127.0.0.1"])
        run(["tc", "-n", netns, "qdisc", "del", "dev", "lo", "root"])
        times = [float(word[5:]) * 1000 for word in text.split() if word.startswith("time=")]
        self.lateness = min(500, max(0, round((statistics.median(times) - 2 * 5000) / 2)))

    def apply_shapes(self):
        """Runs tc for what is planned."""
        commands = {}
        for node, device, delay, loss, verb in self.shapes:
            options = f"delay {max(0, delay - self.lateness)}us" + (
                f" loss {loss * 100:g}%" if loss else "")
            commands.setdefault(node, []).append(
                f"qdisc {verb} dev {device} root netem limit 20000 {options}")
        for node, lines in commands.items():
            batch(["-n", self.netns(node)], "tc", lines)
        self.shapes = []

    def set_path(self, name, path):
        """Changes delay and loss of a core's line or of a satellite's feeders while it runs."""
        if not self.netem:
            warn("no netem in this kernel: nothing changed")
            return
        if name in self.d.cores:
            ends = [(name, "net0"), ("inet", f"to-{name}")]
            delay = path.delay // 2
        else:
            feeders = self.d.satellites[name].feeders
            ends = [(name, f"feed-{core}") for core in feeders]
            ends += [(core, f"feed-{name}") for core in feeders]
            delay = path.delay
        for node, device in ends:
            self.shape(node, device, delay, path.loss, verb="replace")
        self.apply_shapes()


def inode(netns):
    """The kernel's number of a namespace."""
    return os.stat(os.path.join(NETNS_DIR, netns)).st_ino


def batch(options, program, commands):
    """Runs many commands in one process; the message names the command that failed."""
    try:
        run([program, *options, "-batch", "-"], stdin="\n".join(commands) + "\n")
    except LabError as error:
        words = str(error).rpartition("Command failed -:")[2].split(":")[0]
        culprit = commands[int(words) - 1] if words.isdigit() else ""
        raise LabError(f"{error}\n  {program} {' '.join(options)} {culprit}") from None


def inside(inodes):
    """Processes that live in any of these namespaces: {"pid", "start", "what"}."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if os.stat(f"/proc/{entry}/ns/net").st_ino not in inodes:
                continue
            with open(f"/proc/{entry}/comm", encoding="utf-8", errors="replace") as file:
                what = file.read().strip()
        except OSError:
            continue
        found.append({"pid": int(entry), "start": process_start(int(entry)), "what": what})
    return [p for p in found if p["start"] is not None]


def anchors(state):
    """The namespaces of the lab that are there: number -> descriptor.

    Until it is closed the kernel gives that number to no other namespace: another lab's processes
    would be taken for ours, and be ended.
    """
    found = {}
    for netns, number in state.data["namespaces"].items():
        try:
            descriptor = os.open(os.path.join(NETNS_DIR, netns), os.O_RDONLY)
        except OSError:
            continue
        if os.fstat(descriptor).st_ino == number:
            found[number] = descriptor
        else:
            os.close(descriptor)
    return found


def tear_down(state: State):
    """Removes everything the state file names; returns what is left (nothing, if all is well)."""
    found = anchors(state)
    try:
        end_processes(state.alive())
        end_processes(inside(found))
        for netns in state.data["namespaces"]:
            if os.path.exists(os.path.join(NETNS_DIR, netns)):
                run(["ip", "netns", "del", netns], check=False)
        return leftovers(state, found)
    finally:
        for descriptor in found.values():
            os.close(descriptor)


def leftovers(state: State, inodes):
    """One line for each thing of the lab that still exists, processes in these namespaces too."""
    left = [f"namespace {n}" for n in sorted(os.listdir(NETNS_DIR))
            if n.startswith(state.name + "-")] if os.path.isdir(NETNS_DIR) else []
    left += [f"process {p['pid']} ({p['what']})" for p in state.alive()]
    left += [f"process {p['pid']} ({p['what']}) inside a namespace of the lab"
             for p in inside(inodes)]
    return left
