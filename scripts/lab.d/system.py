# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands, processes and the lab's memory of what it has made.

Whatever the lab creates is written to a state file before it is created, so that `lab down` can
take down what a killed lab left, and only that: a process is known by its number and the moment
it was started, a namespace by its name and inode.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

RUN_DIR = "/run/sno-lab"
NETNS_DIR = "/run/netns"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


class LabError(Exception):
    """A message for the user: what went wrong and, where known, what to do."""


def say(text):
    """A line for the reader, at once."""
    print(text, flush=True)


def warn(text):
    """A line for the reader on standard error."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def run(command, stdin=None, check=True, timeout=60):
    """Runs a command to its end and returns its output; LabError with its message if it fails."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True,
                              timeout=timeout, check=False)
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed (scripts/install-deps)") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(command)}: no end after {timeout} s") from None
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def program(name):
    """Where a program of this project is: SNO_BUILD, the build next to this script, or PATH."""
    for folder in (os.environ.get("SNO_BUILD"), os.path.join(TOP, "build")):
        path = os.path.join(folder, name) if folder else ""
        if os.access(path, os.X_OK):
            return path
    path = shutil.which(os.path.basename(name), path=os.environ.get("PATH", "") + ":/usr/sbin:"
                        "/usr/local/sbin")
    if not path:
        raise LabError(f"{name} is not built: ./configure && make")
    return path


def now_us():
    """Microseconds of CLOCK_MONOTONIC, the clock of every measurement."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def wait_until(condition, seconds, what, period=0.02):
    """Polls until condition() is true and returns its value; LabError when it is not behind the
    deadline, which may be seen late."""
    deadline = time.monotonic() + seconds
    while True:
        over = time.monotonic() > deadline
        value = condition()
        if value:
            return value
        if over:
            raise LabError(f"{what}: not within {seconds:g} s")
        time.sleep(period)


def process_start(pid):
    """When a process started (clock ticks since boot), or None when it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def need_root():
    """Before anything is made or said."""
    if os.geteuid() != 0:
        raise LabError("a lab needs root: it makes network namespaces (try sudo)")


def user_mode_linux():
    """True inside user-mode Linux, whose one slow CPU all nodes share."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return "User Mode Linux" in file.read()


def in_time(priority):
    """Words before a command that must not wait for the lab's own work on a single slow CPU."""
    return ["chrt", "--fifo", str(priority)] if user_mode_linux() else []


def hurry_softirqs():
    """Packets first: in user-mode Linux the kernel's own threads must not wait either.

    Once the one for packets is runnable all packet work is left to it, and behind other processes
    it gets the CPU only at the next of a hundred ticks a second. Others tell of a carrier.
    """
    if not user_mode_linux():
        return
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/comm", encoding="utf-8") as file:
                if file.read().startswith(("ksoftirqd/", "kworker/0:")):
                    os.sched_setscheduler(int(entry), os.SCHED_FIFO, os.sched_param(30))
        except (OSError, ValueError):
            continue


class State:
    """What the lab has made, in RUN_DIR/NAME/state.json."""

    def __init__(self, name):
        self.name = name
        self.dir = os.path.join(RUN_DIR, name)
        self.path = os.path.join(self.dir, "state.json")
        self.data = {"name": name, "description": "", "namespaces": {}, "processes": [],
                     "places": {}, "owner": None}

    @classmethod
    def load(cls, name):
        """The state of a lab that exists; LabError otherwise."""
        state = cls(name)
        try:
            with open(state.path, encoding="utf-8") as file:
                state.data = json.load(file)
        except FileNotFoundError:
            raise LabError(f"there is no lab {name}") from None
        return state

    @staticmethod
    def names():
        """Names of all labs on this machine."""
        try:
            return sorted(n for n in os.listdir(RUN_DIR)
                          if os.path.exists(os.path.join(RUN_DIR, n, "state.json")))
        except FileNotFoundError:
            return []

    def create(self, description):
        """Claims the name, and with it all namespaces that are called so."""
        if os.path.exists(self.path):
            raise LabError(f"lab {self.name} exists already: scripts/lab down -n {self.name}, "
                           "or another name with -n")
        taken = [n for n in os.listdir(NETNS_DIR) if n.startswith(f"{self.name}-")] \
            if os.path.isdir(NETNS_DIR) else []
        if taken:
            raise LabError(f"there is a network namespace {min(taken)}, which is no lab's: "
                           "take another name with -n")
        os.makedirs(self.dir, mode=0o700, exist_ok=True)
        self.data["description"] = os.path.abspath(description)
        self.data["owner"] = [os.getpid(), process_start(os.getpid())]
        self.save()

    def save(self):
        """Writes the file in one step."""
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)
        os.replace(self.path + ".new", self.path)

    def add_process(self, pid, what):
        """Remembers a process."""
        self.data["processes"].append({"pid": pid, "start": process_start(pid), "what": what})
        self.save()

    def alive(self):
        """The remembered processes that still run."""
        return [p for p in self.data["processes"]
                if p["start"] is not None and process_start(p["pid"]) == p["start"]]

    def held(self):
        """True while the process that made the lab runs (and is not this one)."""
        pid, start = self.data["owner"] or (None, None)
        return pid and pid != os.getpid() and start and process_start(pid) == start


class Process:
    """A program inside a namespace, its output in a log file."""

    def __init__(self, state, netns, command, log, what, output=None):
        """`output` is where standard output goes instead of the log: a path, or PIPE."""
        self.what = what
        self.log = log
        with open(log, "ab") as errors:
            out = errors
            if output == subprocess.PIPE:
                out = output
            elif output:
                out = open(output, "wb")    # pylint: disable=consider-using-with
            self.popen = subprocess.Popen(      # pylint: disable=consider-using-with
                ["ip", "netns", "exec", netns, *command], stdin=subprocess.DEVNULL,
                stdout=out, stderr=errors, start_new_session=True)
            if out not in (errors, subprocess.PIPE):
                out.close()
        self.pid = self.popen.pid
        state.add_process(self.pid, what)

    def running(self):
        """True while it runs."""
        return self.popen.poll() is None

    def stop(self, number=signal.SIGTERM, seconds=20):
        """Signals it and waits; SIGKILL when that does not help. Returns the exit status."""
        if self.running():
            self.popen.send_signal(number)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            warn(f"{self.what} did not end on signal {number} and was killed")
            return self.popen.wait(60)

    def tail(self, lines=5):
        """The last lines of its log, for a message."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return "\n".join("  " + line.rstrip() for line in file.readlines()[-lines:])
        except OSError:
            return ""


def end_processes(processes, seconds=3):
    """Ends processes by number: SIGTERM, and SIGKILL for those that stay."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for entry in processes:
            try:
                if process_start(entry["pid"]) == entry["start"]:
                    os.kill(entry["pid"], number)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not any(process_start(e["pid"]) == e["start"] for e in processes):
                return
            time.sleep(0.02)
