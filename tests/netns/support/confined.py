#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a program under the system call filter of a unit, as systemd would, where systemd does not run.

    confined.py UNIT PROGRAM [ARGUMENT ...]

SystemCallFilter= of the unit names groups and calls; what a group holds is asked of
systemd-analyze(1), and libseccomp makes the filter: everything else ends the process (SIGSYS).
"""

import ctypes
import os
import re
import subprocess
import sys

KILL_PROCESS, ALLOW = 0x80000000, 0x7fff0000


def group(name):
    """The calls of a group, those of groups in it included."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], check=True,
                            capture_output=True, text=True).stdout
    calls = set()
    for word in re.findall(r"^ +(@?[a-z0-9_-]+)$", listed, re.M):
        calls |= group(word) if word.startswith("@") else {word}
    return calls


def allowed(unit):
    """The calls that a unit's SystemCallFilter= leaves, lines in their order."""
    calls = set()
    with open(unit, encoding="utf-8") as file:
        for words in re.findall(r"^SystemCallFilter=(.*)$", file.read(), re.M):
            without = words.startswith("~")
            for word in words.lstrip("~").split():
                named = group(word) if word.startswith("@") else {word}
                calls = calls - named if without else calls | named
    return calls


def confine(calls):
    """Puts this process under the filter."""
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(KILL_PROCESS)))
    for name in calls:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            seccomp.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, 0)
    if seccomp.seccomp_load(context) != 0:
        raise OSError("the kernel takes no system call filter")


def main():
    calls = allowed(sys.argv[1])
    if "read" not in calls or "execve" not in calls:
        raise SystemExit(f"{sys.argv[1]}: not a filter that a program can run under")
    confine(calls)
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
