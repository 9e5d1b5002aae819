# SPDX-License-Identifier: GPL-2.0-or-later
"""Doing things inside a network namespace without a process for each: a socket stays where it was
opened, so only the opening has to happen inside. (os.setns is younger than Debian 12's Python.)"""

import ctypes
import os

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    """This thread goes into a namespace."""
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def inside(netns, function):
    """The value of function(), called inside a named namespace; this thread comes back."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        other = os.open(f"/run/netns/{netns}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter(other)
        finally:
            os.close(other)
        try:
            return function()
        finally:
            enter(own)
    finally:
        os.close(own)
