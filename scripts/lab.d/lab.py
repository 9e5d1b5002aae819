# SPDX-License-Identifier: GPL-2.0-or-later
"""A lab as a whole: build, start, play the script, take down."""

import os
import shutil
import signal
import time

from daemons import Configurations, Daemons, Events
from links import Links
from planning import Planning
from script import LIFE, MOVES, SETTINGS
from sky import Sky
from system import LabError, Process, State, hurry_softirqs, now_us, run, say, wait_until
from topology import Topology, tear_down
from traffic import Traffic

REGISTER_SECONDS = 120
START_US = 1000000          # for the senders to start
QUIET_US = 600000           # traffic before the script begins
BEGUN_US = 50000            # before the script begins
MARK_US = 400000            # before an action, so that asking the daemons does not disturb it
SETTLE_SECONDS = 0.5        # for packets that are still on their way at the end
MARKED = (*MOVES, "link", *LIFE)


class Lab:
    """One lab. `report` gets a line for each thing worth telling; see narrate.py for events."""

    def __init__(self, description, name, report=say):
        self.d = description
        self.report = report
        self.state = State(name)
        self.topology = Topology(description, self.state)
        self.configurations = Configurations(description, self.topology, self.state.dir)
        self.daemons = Daemons(description, self.topology, self.state)
        self.traffic = Traffic(self)
        self.links = Links(self)
        self.planning = Planning(description, self.state.dir) if description.constellation else None
        self.sky = Sky(self) if description.constellation else None
        self.captures = []
        self.event_log = []     # (monotonic us, node, event)
        self.marks = []         # what the script did: {"time_us", "action", "counters" ...}
        self.begun = {}         # terminal -> what it said when the orbits of the script began
        self.ended = {}         # ... and when they ended
        self.moves = {}         # terminal -> its handovers, at the end
        self.begin_us = self.end_us = 0
        self.on_event = lambda node, event: None
        self.on_action = lambda action: None

    # --- building ---------------------------------------------------------------------------------

    def claim(self):
        """Makes the name this lab's. Where it is taken nothing is made, nor to be taken down."""
        self.state.create(self.d.path)

    def up(self):
        """Namespaces, keys, configurations, daemons; returns when every terminal is registered."""
        hurry_softirqs()
        if self.planning:
            self.planning.compute()
            for line in self.planning.summary():
                self.report(line)
        self.topology.up()
        if self.planning:
            self.start_time()
        self.write_configurations()
        if self.sky:
            self.sky.start()
        self.daemons.events = Events(self.daemons.control, self.take_event)
        self.daemons.start_all()
        for terminal in self.d.terminals:
            self.wait_registered(terminal)

    def start_time(self):
        """From now on the plan's time passes."""
        self.configurations.start = round(self.planning.orbits.start * 1000000)
        self.configurations.epoch = time.time_ns() // 1000000 * 1000
        self.begin_us = round(now_us() + self.planning.lead / self.d.constellation.rate * 1000000)

    def write_configurations(self):
        """Keys and files of all daemons, and the description itself for later commands."""
        shutil.copyfile(self.d.path, os.path.join(self.state.dir, "description"))
        self.configurations.write_all()

    def wait_registered(self, terminal):
        """Waits until a terminal has its home address and a serving core."""
        def registered():
            crashed = self.daemons.crashed()
            if crashed:
                tails = "\n".join(self.daemons.processes[n].tail() for n in crashed)
                raise LabError(f"daemon of {', '.join(crashed)} ended:\n{tails}")
            return self.registration(terminal)["state"] == "registered"
        wait_until(registered, REGISTER_SECONDS, f"registration of {terminal}")

    def registration(self, terminal):
        """What a terminal agent says about itself: state, core, link and so on."""
        fields = self.daemons.control.ask(terminal, "status").get("fields", {})
        return {key: value["value"] if isinstance(value, dict) else value
                for key, value in fields.items()}

    def handovers(self, terminal):
        """All handovers of a terminal that it remembers, as it tells them, with the time_us at which
        each was complete."""
        offset = time.time_ns() // 1000 - now_us()
        found = self.daemons.control.ask(terminal, "handovers")["handovers"]
        return [dict(move, time_us=round(move["time"] * 1000000) - offset) for move in found]

    # --- things inside nodes ----------------------------------------------------------------------

    def process(self, node, command, log, output=None):
        """Starts a program inside a node."""
        return Process(self.state, self.topology.netns(node), command,
                       os.path.join(self.state.dir, f"{log}.log"), f"{log} in {node}", output)

    def exec(self, node, command, check=True):
        """Runs a program inside a node to its end and returns its output."""
        return run(["ip", "netns", "exec", self.topology.netns(node), *command], check=check)

    def capture(self):
        """tcpdump on every line of every core and on the access side of every satellite; in the sky
        of a constellation on everything."""
        lines = [(core, "net0") for core in self.d.cores]
        lines += [("sky", "any")] if self.sky else [(s, "acc0") for s in self.d.satellites]
        for node, device in lines:
            path = os.path.join(self.state.dir, f"{node}-{device}.pcap")
            self.captures.append(self.process(
                node, ["tcpdump", "-n", "-U", "-s", "1600", "-Z", "root", "-i", device, "-w", path],
                f"tcpdump-{node}"))

    def take_event(self, node, event):
        """Called by the event thread."""
        self.event_log.append((now_us(), node, event))
        self.on_event(node, event)

    # --- the script -------------------------------------------------------------------------------

    def counters(self):
        """Messages of every core and terminal that answers: node -> rows of `counters`."""
        found = {}
        for node in [*self.d.cores, *self.d.terminals]:
            try:
                found[node] = self.daemons.control.rows(node, "counters")
            except LabError:
                continue
        return found

    def mark(self, action):
        """Notes a coming action with the counters as they are before it."""
        mark = {"action": action, "counters": self.counters(),
                "cores": self.ask_terminals(self.registration, {}),
                "handovers": self.ask_terminals(
                    lambda terminal: self.daemons.control.rows(terminal, "handovers"), [])}
        mark["time_us"] = now_us()
        self.marks.append(mark)

    def mark_of(self, action):
        """The mark of an action, None where it has none; other actions may have been marked since."""
        return next((m for m in self.marks if m["action"] is action), None)

    def ask_terminals(self, question, silence):
        """Terminal -> answer, or `silence` of one whose agent does not run."""
        found = {}
        for terminal in self.d.terminals:
            try:
                found[terminal] = question(terminal)
            except LabError:
                found[terminal] = silence
        return found

    def play(self):
        """Traffic on, the script, traffic off."""
        self.traffic.prepare()
        if self.planning:
            traffic_us = self.begin_us - QUIET_US
            if traffic_us < now_us():
                raise LabError("the orbits have begun before every terminal was registered and its "
                               "traffic prepared: say time warmup=, more than "
                               f"{self.planning.lead / self.d.constellation.rate:g} s")
        else:
            traffic_us = now_us() + START_US
            self.begin_us = traffic_us + QUIET_US
            self.publish_schedule()
        self.traffic.start(traffic_us)
        if self.planning:
            self.sleep_until(-BEGUN_US)
            self.begun = self.ask_terminals(self.registration, {})
        steps = [step for action in self.d.actions for step in self.steps(action)]
        for time_us, step in sorted(steps, key=lambda s: s[0]):
            self.sleep_until(time_us)
            step()
        self.sleep_until(self.d.end)
        self.mark(None)
        self.end_us = now_us()
        if self.planning:
            self.moves = self.ask_terminals(self.handovers, [])
            self.ended = self.ask_terminals(self.registration, {})
        self.traffic.stop(lambda: time.sleep(SETTLE_SECONDS))
        for message in self.traffic.failed():
            raise LabError(f"traffic ended early: {message}")

    def steps(self, action):
        """What an action consists of: [(time, function)]."""
        if action.verb in MARKED:
            yield action.time - MARK_US, lambda: self.begin(action)
        yield action.time, lambda: self.perform(action)
        if action.overlap:
            yield (action.time + action.ahead + action.overlap,
                   lambda: self.end_overlap(action))

    def begin(self, action):
        """What comes before an action: its mark, and a second link."""
        self.mark(action)
        if action.overlap:
            self.links.set(action.words[0], action.words[1], True)

    def end_overlap(self, action):
        """The link that the terminal has left loses its carrier."""
        old = self.mark_of(action)["cores"].get(action.words[0], {}).get("link")
        if old and old != action.words[1]:
            self.links.set(action.words[0], old, False)

    def publish_schedule(self):
        """Tells everybody who reads it when the satellites change their cores."""
        if self.d.scheduled():
            self.configurations.schedule(time.time_ns() // 1000 - now_us() + self.begin_us)
            for node in self.configurations.readers():
                self.daemons.control.ask(node, "reload")

    def sleep_until(self, offset):
        """Waits for a moment of the script."""
        wait = (self.begin_us + offset - now_us()) / 1000000
        if wait > 0:
            time.sleep(wait)

    def perform(self, action):
        """One action of the script; a refusal is reported, and the script goes on."""
        self.on_action(action)
        mark = self.mark_of(action)
        if mark:
            mark["order_us"] = now_us()
        try:
            self.act(action)
        except (LabError, OSError) as error:
            self.report(f"{self.d.path}:{action.line}: {error}")

    def act(self, action):
        """The action itself."""
        getattr(self, f"act_{action.verb}")(*action.words, *action.arguments())

    def act_now(self, action):
        """All that belongs to an action, without a script."""
        if action.overlap:
            self.begin(action)
            time.sleep(MARK_US / 1000000)
        self.act(action)
        if action.overlap:
            time.sleep((action.ahead + action.overlap) / 1000000)
            self.end_overlap(action)

    def act_handover(self, terminal, link, ahead):
        order = {"in": f"{ahead / 1000000:g}"} if ahead else {}
        self.daemons.control.ask(terminal, "handover", link=link, **order)

    def act_associate(self, satellite, core):
        self.daemons.control.ask(satellite, "associate", core=self.d.cores[core].realm)

    def act_schedule(self, _satellite, _core):
        """The satellite does it by itself."""

    def act_lose(self, terminal, satellite):
        old = self.registration(terminal)["link"]
        self.links.switch(terminal, old, satellite, self.d.terminals[terminal].gap)

    def act_link(self, terminal, satellite, state):
        self.links.set(terminal, satellite, state == "up")

    def act_kill(self, node):
        self.daemons.stop(node, signal.SIGKILL)

    def act_stop(self, node):
        self.daemons.stop(node, signal.SIGTERM)

    def act_start(self, node):
        self.daemons.start(node)
        self.daemons.wait_started(node)

    def act_reload(self, node):
        self.daemons.control.ask(node, "reload")

    def act_set(self, name, *words):
        path = (self.d.cores.get(name) or self.d.satellites[name]).path
        for word in words:
            key, _, text = word.partition("=")
            setattr(path, key, SETTINGS[key](text))
        self.topology.set_path(name, path)

    def act_run(self, node, *command):
        output = self.exec(node, list(command), check=False)
        if output:
            self.report(output.rstrip())

    def act_say(self, *words):
        self.report(" ".join(words))

    # --- the end ----------------------------------------------------------------------------------

    def stop(self):
        """Ends daemons and captures in order, so that their logs and files are whole."""
        if self.daemons.events:
            self.daemons.events.close()
            self.daemons.events = None
        for node in reversed(self.d.daemons()):
            if node in self.daemons.processes:
                self.daemons.stop(node, signal.SIGTERM)
        if self.sky:
            self.sky.stop()
        for process in self.captures:
            process.stop(signal.SIGINT)

    def down(self):
        """Takes everything down and proves it; returns what is left."""
        self.links.close()
        return tear_down(self.state)

    def keep(self, folder):
        """Copies logs, captures and configurations (without keys) to a folder."""
        os.makedirs(folder, exist_ok=True)
        for name in sorted(os.listdir(self.state.dir)):
            if name.endswith((".log", ".conf", ".pcap", ".json", ".csv", ".links", ".record",
                              "description")):
                shutil.copyfile(os.path.join(self.state.dir, name), os.path.join(folder, name))

    def forget(self):
        """Removes the lab's directory, once nothing of the lab is left."""
        shutil.rmtree(self.state.dir, ignore_errors=True)
