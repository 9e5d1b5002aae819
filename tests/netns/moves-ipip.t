#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: uml
"""Every move of terminals with IPv4 (support/moves.py) through IP-in-IP tunnels, which carry nothing
else."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from moves import IPV4, moves                                               # noqa: E402
from world import main                                                      # noqa: E402

main(lambda tap: moves(tap, "ipv4", "ipip", "ipip4", IPV4))
