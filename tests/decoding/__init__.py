# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of tests/decoder.py: the protocol read a second time, from common/PROTOCOL alone."""
