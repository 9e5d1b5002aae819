#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: host uml
"""Every move over an IPv4 underlay (support/moves.py), with what `tunnel auto` chooses: GRE where
the kernel has it, else VXLAN-GPE."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "support"))

# pylint: disable=wrong-import-position
from moves import moves                                                     # noqa: E402
from world import kernel_has, main                                          # noqa: E402

main(lambda tap: moves(tap, "ipv4", "auto",
                       "gre4" if kernel_has("gre", "external") else "gpe4"))
