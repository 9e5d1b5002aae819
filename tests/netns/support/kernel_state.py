# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in a namespace's kernel, in a form to compare: links, addresses, rules, routes of all
tables, neighbours, bridge entries. Left out is only what the kernel does by itself: its dynamic
neighbours outside of our devices, its multicast neighbours, and the random link-local addresses
and tunnel keys of a device's present life."""

import re
import subprocess

# Per line: what to replace by what.
MASKS = ((re.compile(r"^\d+: "), ""),
         (re.compile(r" id \d+ "), " id KEY "),
         (re.compile(r" (valid_lft|expires|users|used|age) .*"), ""),
         (re.compile(r"\\.*"), ""),
         (re.compile(r"@\S+"), ""),
         (re.compile(r"<.*?> "), ""),
         (re.compile(r" (state|qdisc|mode|group|qlen|txqlen) \S+"), ""),
         (re.compile(r"\bproto sno\b"), "proto 83"),
         (re.compile(r" +$"), ""))
# A terminal agent's packet hold is there as long as the agent.
HOLD = re.compile(r"\d+: sno-buf-up: ")
OURS = re.compile(r"\bdev (sno-\S+)")
UPKEEP = re.compile(r"(\d+: \S+ +inet6 fe80::\w+:|local fe80::\w+:|anycast fe80:: |"
                    r"multicast ff00::/8 |fe80::/64 dev \S+ proto kernel)")


def output(command, text=None):
    """What a command prints."""
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True,
                          timeout=30).stdout


def relevant(line):
    """False for what the kernel does by itself."""
    if HOLD.match(line) or " NOARP" in line or "33:33:" in line or "01:00:5e:" in line:
        return False
    if "lladdr" in line or line.rstrip().endswith(("FAILED", "INCOMPLETE")):
        return "PERMANENT" in line or OURS.search(line)
    # What comes and goes with an interface and its carrier.
    return not UPKEEP.match(line)


def masked(line):
    """A line without what differs from one moment or life to the next."""
    for pattern, text in MASKS:
        line = pattern.sub(text, line)
    return line


def kernel_state(netns):
    """Sorted lines."""
    text = output(["ip", "-n", netns, "-o", "-batch", "-"], "link show\naddr show\n")
    text += output(["ip", "-n", netns, "-batch", "-"],
                   "rule show\nroute show table all\nneigh show nud all\n")
    text += output(["ip", "-n", netns, "-6", "rule", "show"])
    text += output(["bridge", "-n", netns, "fdb", "show"])
    return sorted({masked(line) for line in text.splitlines() if line.strip() and relevant(line)})


def difference(wanted, found):
    """Lines that are missing (-) or too many (+)."""
    return [f"- {line}" for line in wanted if line not in found] + [
        f"+ {line}" for line in found if line not in wanted]
