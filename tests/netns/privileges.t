#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
"""What running daemons still may do: the capabilities that they need and no other, no way to new
ones, no core dump, memory that stays out of the swap, no system call beyond their unit's filter. And
with that they hand over, reload and restart. A core runs as a user of its own too.

    t1 (its modem is a program of the lab) and t2 (switches by itself) between cores a and b
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from tap import poll                                                        # noqa: E402
from world import SLOW, World, main                                         # noqa: E402
import daemons as lab_daemons                                               # noqa: E402

LAB = """
gap 10ms
advertise 200ms
core a drain=100ms leave=2s
core b drain=100ms leave=2s
satellite s1 core=a
satellite s2 core=b
terminal t1 home=a links=s1,s2
terminal t2 home=a links=s1,s2 switching=self
"""
SUPPORT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "support")
BUILD = os.environ["BUILD"]
NAMES = {12: "net_admin", 13: "net_raw", 14: "ipc_lock", 39: "bpf"}
# What each daemon keeps (its manual page says what for).
KEPT = {"core": {"net_admin", "net_raw", "bpf"}, "terminal": {"net_admin", "net_raw"},
        "satellite": {"net_admin", "net_raw"}}
try:
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
except (ValueError, PermissionError):   # then the right is what remains
    for names in KEPT.values():
        names.add("ipc_lock")
CONFINED = bool(shutil.which("systemd-analyze")) and os.path.exists(
    os.path.join(BUILD, "conf", "systemd", "sno-core-agent.service"))


def status(pid):
    """/proc/PID/status as a mapping."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(re.findall(r"^(\w+):\s*(.*)$", file.read(), re.M))


def capabilities(state, which):
    """The names of a set."""
    bits = int(state[which], 16)
    return {NAMES.get(n, f"capability {n}") for n in range(64) if bits >> n & 1}


def look(tap, world, node, starts_programs=False):
    """The points about one daemon."""
    pid = world.lab.daemons.processes[node].pid
    state = status(pid)
    kept = KEPT[world.lab.daemons.kind(node)]
    for which in ("CapEff", "CapPrm"):
        tap.same(f"{node}: {which}", kept, capabilities(state, which))
    for which in ("CapInh", "CapAmb"):
        tap.same(f"{node}: {which}", set(), capabilities(state, which))
    if not starts_programs:
        tap.same(f"{node}: CapBnd", kept, capabilities(state, "CapBnd"))
    tap.same(f"{node}: no new privileges", "0" if starts_programs else "1", state["NoNewPrivs"])
    # What the guard shares with the kernel is the kernel's, and needs none.
    tap.ok(int(state["VmLck"].split()[0]) >= int(state["RssAnon"].split()[0]),
           f"{node}: memory is locked", f"{state['VmLck']} of {state['RssAnon']}")
    with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
        limits = file.read()
    tap.ok(re.search(r"Max core file size +0 +0 ", limits), f"{node}: no core dump", limits)
    if CONFINED and not starts_programs:
        tap.same(f"{node}: under its unit's filter", "2", state["Seccomp"])


def confine(world):
    """Daemons are started under the filters of their units."""
    if not CONFINED:
        return
    confined = os.path.join(SUPPORT, "confined.py")
    original = lab_daemons.program

    class Process(lab_daemons.Process):     # pylint: disable=too-few-public-methods
        """As ever, behind confined.py."""

        def __init__(self, state, netns, command, *rest):
            for number, word in enumerate(command):
                unit = os.path.join(BUILD, "conf", "systemd", os.path.basename(word) + ".service")
                # The lab's modem does what no modem does: it goes into other namespaces.
                if os.path.basename(word).startswith("sno-") and os.path.exists(unit) \
                        and "t1" not in command[-1]:
                    command = [*command[:number], sys.executable, confined, unit,
                               *command[number:]]
                    break
            super().__init__(state, netns, command, *rest)

    assert original
    lab_daemons.Process = Process


def reloads(tap, world, node):
    """A reload opens and closes things again."""
    pid = world.lab.daemons.processes[node].pid
    offset = world.log_end(node)
    os.kill(pid, signal.SIGHUP)
    tap.within(5 * SLOW, f"{node} reloads", lambda: world.logged(node, "reload", offset)
               or world.logged(node, "configuration", offset), lambda: "")


def as_another_user(tap, world):
    """The core runs as a user with ambient capabilities; others of that user do not look into it."""
    folder = world.folder
    config = os.path.join(folder, "other.conf")
    key = os.path.join(folder, "other.key")
    uid = 65534
    os.chmod(folder, 0o755)
    shutil.copy(os.path.join(world.lab.state.dir, "a.key"), key)
    os.chown(key, uid, uid)
    with open(config, "w", encoding="utf-8") as file:
        file.write(f'core = {{ name = "x.example"; private_key_file = "{key}";'
                   f' listen = [ "127.0.0.1" ]; state = "{folder}/other"; }};\n'
                   'pools = { care_of4 = [ "198.51.100.0/25" ]; };\n'
                   'access = { bridge = "sno-x"; satellites = (); };\n')
    # Usually everybody may open /dev/net/tun, but not on every machine.
    begin = ('mknod -m 666 "$0/tun" c 10 200 && mount --bind "$0/tun" /dev/net/tun; '
             'ip link set lo up; exec "$@"')
    command = ["unshare", "-n", "-m", "sh", "-c", begin, folder, "setpriv",
               f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
               "--inh-caps=+net_admin,+net_raw,+bpf,+perfmon,+sys_ptrace",
               "--ambient-caps=+net_admin,+net_raw,+bpf,+perfmon,+sys_ptrace",
               os.path.join(BUILD, "sno-core-agent"), "-f", "-c", config, "-s",
               os.path.join(folder, "other.sock")]
    os.chown(folder, uid, uid)
    ask = [os.path.join(BUILD, "snoctl"), "-s", os.path.join(folder, "other.sock"), "status"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        # Who answers has begun, and that is after the rights have been dropped.
        poll(5 * SLOW, lambda: process.poll() is not None
             or not subprocess.run(ask, capture_output=True, check=False).returncode)
        if process.poll() is None:
            state = status(process.pid)
            tap.same("another user's core: capabilities", {"net_admin", "net_raw", "bpf"},
                     capabilities(state, "CapEff") | capabilities(state, "CapPrm")
                     | capabilities(state, "CapAmb"))
            tap.same("it is that user's", str(uid), state["Uid"].split()[0])
            tap.same("but /proc/PID is not, so it cannot be looked into", 0,
                     os.stat(f"/proc/{process.pid}/mem").st_uid)
            process.terminate()
            process.wait()
        else:
            tap.ok(False, "a core runs as another user", process.stderr.read())
        process.stderr.close()


def test(tap):
    """All of it."""
    if not CONFINED:
        print("# no systemd-analyze: without system call filters")
    with World(tap, LAB, confine) as world:
        for node in ("a", "b", "s1", "s2", "t2"):
            look(tap, world, node)
        look(tap, world, "t1", True)
        for terminal in ("t1", "t2"):
            world.traffic(terminal)
        world.handover("t1", "s2")
        world.arrived("t1", "b", "s2", "t1 goes to b")
        for node in ("a", "b", "s1", "t2"):
            reloads(tap, world, node)
        world.handover("t1", "s1")
        world.arrived("t1", "a", "s1", "t1 comes home", 25)
        world.kill("b")
        world.start("b")
        look(tap, world, "b")
        as_another_user(tap, world)
        world.leave()


main(test)
