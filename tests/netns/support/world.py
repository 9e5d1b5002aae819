# SPDX-License-Identifier: GPL-2.0-or-later
"""A lab (scripts/lab) in the hands of a test: it is brought up with the kernel's state noted before
any terminal was there, has traffic that must live, and is taken down with proof.

    with World(tap, LAB) as world:
        world.traffic("t1")
        world.move(tap, "t1", "s2", "b")
        world.leave(tap)                    every terminal deregisters, and nothing is left of it
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from tap import BUILD, KERNEL, SLOW, SRCDIR, Tap, note, poll, skip_all

os.environ.setdefault("SNO_BUILD", BUILD)

# pylint: disable=wrong-import-position
import description                                                          # noqa: E402
from flows import Flows, Ping, Tcp                                          # noqa: E402
from kernel_state import difference, kernel_state                           # noqa: E402
from lab import Lab                                                         # noqa: E402
from system import NETNS_DIR, LabError                                      # noqa: E402
from traffic import SERVER                                                  # noqa: E402

TEST = os.path.basename(sys.argv[0]).removesuffix(".t")
EVIDENCE = os.path.join(BUILD, "log", f"{TEST}-{KERNEL}.failed")
PORT = 8100


def kernel_has(*words):
    """True when this kernel has links of a type."""
    name = f"sno{os.getpid()}-probe"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        skip_all("this kernel lets us make no network namespaces")
    try:
        return subprocess.run(["ip", "-n", name, "link", "add", "probe", "type", *words],
                              capture_output=True, check=False).returncode == 0
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def need_namespaces():
    """Skips the test for an ordinary user."""
    if os.geteuid() != 0:
        skip_all("namespaces need root")
    if not kernel_has("veth"):
        skip_all("this kernel has no veth devices")


def main(test):
    """Runs test(tap) and ends with its status; a signal ends it as an error does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    need_namespaces()
    tap = Tap()
    begin = time.monotonic()
    try:
        test(tap)
    except Exception:           # pylint: disable=broad-exception-caught
        note(traceback.format_exc())
        tap.ok(False, "the test could not go on")
        sys.exit(1)
    note(f"{time.monotonic() - begin:.1f} s")
    sys.exit(tap.finish())


class World:
    """One lab."""

    def __init__(self, tap, text, prepare=lambda world: None):
        """`prepare` is called once the daemons have configurations but none has been started."""
        self.tap = tap
        self.folder = tempfile.mkdtemp(prefix="sno-test")
        path = os.path.join(self.folder, "lab")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.d = description.load(path)
        self.lab = Lab(self.d, f"sno{os.getpid()}", lambda text: None)
        self.control = self.lab.daemons.control
        self.prepare = prepare
        self.flows = None
        self.idle = {}
        self.waited = [t for t in self.d.terminals]

    # --- up and down ------------------------------------------------------------------------------

    def __enter__(self):
        self.lab.daemons.start_all = self.start_all
        self.lab.wait_registered = self.wait_registered
        self.tap.on_failure = self.keep
        self.lab.claim()
        try:
            self.lab.up()
        except BaseException:
            self.keep()
            self.down()
            raise
        self.flows = Flows()
        return self

    def __exit__(self, kind, error, trace):
        if self.flows:
            self.flows.close()
        if kind:
            note(f"{kind.__name__}: {error}")
            self.keep()
        elif self.tap.failed:
            self.lab.keep(EVIDENCE)     # by now the logs tell more
        left = self.down()
        if not kind:
            self.tap.same("nothing is left of the lab", [], left)

    def start_all(self):
        """Cores and satellites, what is in the kernels then, terminals."""
        self.prepare(self)
        daemons = self.lab.daemons
        for nodes in (self.d.cores, self.d.satellites):
            for node in nodes:
                daemons.start(node)
            for node in nodes:
                daemons.wait_started(node)
        if not poll(10 * SLOW, self.peers_up):
            raise LabError("the cores did not find each other")
        time.sleep(0.1 * SLOW)
        for node in [*self.d.cores, *self.d.terminals]:
            self.idle[node] = kernel_state(self.netns(node))
        for node in self.d.terminals:
            daemons.start(node)
        for node in self.d.terminals:
            daemons.wait_started(node)

    def wait_registered(self, terminal):
        """Lab.up() waits for those that can register."""
        if terminal in self.waited:
            Lab.wait_registered(self.lab, terminal)

    def down(self):
        """Takes everything down; what is left."""
        try:
            self.lab.stop()
        except LabError:
            pass
        left = self.lab.down()
        if not left:
            self.lab.forget()
        shutil.rmtree(self.folder, ignore_errors=True)
        name = self.lab.state.name
        left += [f"namespace {n}" for n in os.listdir(NETNS_DIR) if n.startswith(name + "-")]
        left += [self.lab.state.dir] if os.path.exists(self.lab.state.dir) else []
        return left

    def keep(self):
        """Evidence of a failure: logs, configurations without keys, the kernels' state."""
        shutil.rmtree(EVIDENCE, ignore_errors=True)
        self.lab.keep(EVIDENCE)
        for node in [*self.d.cores, *self.d.terminals]:
            try:
                with open(os.path.join(EVIDENCE, f"{node}.kernel"), "w", encoding="utf-8") as file:
                    file.write("\n".join(kernel_state(self.netns(node))) + "\n")
                if node in self.d.cores:
                    for command in ("terminals", "bindings", "drops", "counters"):
                        with open(os.path.join(EVIDENCE, f"{node}.{command}"), "w",
                                  encoding="utf-8") as file:
                            file.write("\n".join(map(str, self.rows(node, command))) + "\n")
            except (LabError, subprocess.SubprocessError):
                pass
        note(f"evidence: {EVIDENCE}")

    # --- questions --------------------------------------------------------------------------------

    def netns(self, node):
        """The name of a node's namespace."""
        return self.lab.topology.netns(node)

    def ask(self, node, command, **arguments):
        """A control command."""
        return self.control.ask(node, command, **arguments)

    def rows(self, node, command):
        """The table of a control command."""
        return self.control.rows(node, command)

    def peers_up(self):
        """True when every core has a channel to every other one, and tunnels there."""
        return all(row["state"] == "up" and row["tunnel"] != "none"
                   for core in self.d.cores for row in self.rows(core, "peers"))

    def registration(self, terminal):
        """A terminal's status; empty while its agent does not run."""
        try:
            return self.lab.registration(terminal)
        except LabError:
            return {}

    def served(self, terminal, core, satellite=None):
        """True when the terminal is registered there, over that satellite."""
        now = self.registration(terminal)
        return (now.get("state") == "registered" and now.get("core") == self.realm(core)
                and satellite in (None, now.get("link")))

    def realm(self, core):
        """A core's name on the wire."""
        return self.d.cores[core].realm

    def binding(self, terminal):
        """The home core's row of a terminal."""
        t = self.d.terminals[terminal]
        return next(r for r in self.rows(t.home, "bindings") if r["terminal"] == t.nai)

    def sessions(self, terminal):
        """[(core, state)] of all that cores know of a terminal on their access side."""
        nai = self.d.terminals[terminal].nai
        return [(core, row["state"]) for core in self.d.cores
                if core in self.lab.daemons.processes
                for row in self.rows(core, "terminals") if row["terminal"] == nai]

    def one_binding(self, terminal, core):
        """True when exactly one session exists, and the home core's binding is to that core."""
        row = self.binding(terminal)
        state = "home" if self.d.terminals[terminal].home == core else "visiting"
        return (row["state"], row["core"]) == (state, self.realm(core)) and \
            self.sessions(terminal) == [(core, "registered")]

    def drops(self, node):
        """(what, reason) -> count."""
        return {(r["what"], r["reason"]): r["count"] for r in self.rows(node, "drops")}

    # --- things to do -----------------------------------------------------------------------------

    def traffic(self, terminal, tcp=True):
        """Echo requests and TCP from each of a terminal's addresses and from hosts behind it."""
        t = self.d.terminals[terminal]
        sources = [(terminal, a) for a in (t.home4, t.home6) if a]
        sources += [(h.name, h.address) for h in self.d.hosts.values() if h.terminal == terminal]
        for node, source in sources:
            family = 6 if ":" in source else 4
            target = SERVER[family]
            name = f"{node} IPv{family}"
            self.flows.add(Ping(f"{name} ping", self.netns(node), source, target))
            if tcp:
                port = PORT + len(self.flows.flows)
                self.flows.add(Tcp(f"{name} TCP", self.netns(node), source,
                                   self.netns(self.d.server), target, port))

    def handover(self, terminal, satellite, **arguments):
        """Orders a handover, as soon as the one before is over, modem and all. `ahead`: seconds until
        the terminal is to go."""
        if "ahead" in arguments:
            arguments["in"] = f"{arguments.pop('ahead'):g}"

        def accepted():
            try:
                self.ask(terminal, "handover", link=satellite, **arguments)
            except LabError as error:
                if "under way" not in str(error):
                    raise
                return False
            return True
        if not poll(5, accepted):
            raise LabError(f"{terminal} does not take the order to go to {satellite}")

    def handover_softly(self, terminal, satellite):
        """Orders a handover with both links up. Returns the old link, for the test to cut."""
        old = self.registration(terminal)["link"]
        self.lab.links.set(terminal, satellite, True)
        if not poll(5 * SLOW, lambda: self.link_state(terminal, satellite) == "ready"):
            raise LabError(f"{terminal} does not see its link to {satellite}")
        self.handover(terminal, satellite)
        return old

    def link_state(self, terminal, satellite):
        """How the agent sees a link."""
        return next(r["state"] for r in self.rows(terminal, "links") if r["link"] == satellite)

    def made(self, terminal):
        """The last handover of a terminal, as its agent tells it."""
        rows = self.rows(terminal, "handovers")
        return rows[-1] if rows else {}

    def associate(self, satellite, core):
        """Has a satellite serve another core."""
        self.ask(satellite, "associate", core=self.realm(core))

    def arrived(self, terminal, core, satellite, name, seconds=5):
        """Points: registered there, with one binding, and all traffic passes."""
        good = self.tap.within(seconds * SLOW, f"{name}: registered",
                               lambda: self.served(terminal, core, satellite),
                               lambda: self.registration(terminal))
        good &= self.tap.within(seconds * SLOW, f"{name}: exactly one binding",
                                lambda: self.one_binding(terminal, core),
                                lambda: f"{self.binding(terminal)}\n{self.sessions(terminal)}")
        good &= self.passes(f"{name}: traffic goes on", seconds)
        return good

    def passes(self, name, seconds=5, but=None):
        """A point: every flow is alive, but for those of one terminal."""
        dead = self.flows.dead(seconds * SLOW, but)
        return self.tap.same(name, [], dead)

    def change(self, node, *replacements):
        """Another configuration: pairs of old and new text."""
        path = os.path.join(self.lab.state.dir, f"{node}.conf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for old, new in replacements:
            if old not in text:
                raise LabError(f"{node}.conf has no {old}")
            text = text.replace(old, new)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def logged(self, node, text, offset=0):
        """True when a daemon's log has this text behind an offset."""
        path = os.path.join(self.lab.state.dir, f"{node}.log")
        with open(path, encoding="utf-8", errors="replace") as file:
            file.seek(offset)
            return text in file.read()

    def log_end(self, node):
        """Where a daemon's log ends now."""
        return os.path.getsize(os.path.join(self.lab.state.dir, f"{node}.log"))

    def told(self, terminal, reason, name, offset=0, seconds=5):
        """A point: a terminal has been refused with a reason."""
        return self.tap.within(seconds * SLOW, f"{name}: {terminal} is told {reason}",
                               lambda: self.logged(terminal, f"refuses: {reason}", offset))

    def start(self, node):
        """Starts a daemon and waits until it answers."""
        self.lab.act_start(node)

    def kill(self, node):
        """SIGKILL."""
        self.lab.act_kill(node)

    def leave(self, name="after deregistration", seconds=6):
        """Points: every terminal deregisters, and all kernels are as before the first one came."""
        for terminal in self.d.terminals:
            if terminal in self.lab.daemons.processes:
                self.ask(terminal, "disconnect")
        self.clean(name, seconds)

    def clean(self, name, seconds=6, nodes=None):
        """Points: kernels are as before the first terminal came."""
        for node in nodes or [*self.d.cores, *self.d.terminals]:
            self.tap.within(seconds * SLOW, f"{name} nothing is left in the kernel of {node}",
                            lambda n=node: not self.stray(n),
                            lambda n=node: "\n".join(self.stray(n)))

    def stray(self, node):
        """What differs from the kernel's state before the first terminal came."""
        return difference(self.idle[node], kernel_state(self.netns(node)))
