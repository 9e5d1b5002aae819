#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: uml
"""Every move (support/moves.py) through VXLAN-GPE tunnels over IPv6, on a kernel that has GRE too."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from moves import moves                                                     # noqa: E402
from world import main                                                      # noqa: E402

main(lambda tap: moves(tap, "ipv6", "gpe", "gpe6"))
