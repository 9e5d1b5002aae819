#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host
"""Handovers in mode proactive under bad luck (support/losing.py). Each takes at least
disconnect, discovery, done, and their answers."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from losing import ordeal                                                   # noqa: E402
from world import main                                                      # noqa: E402

main(lambda tap: ordeal(tap, "proactive", 6))
