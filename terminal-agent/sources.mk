# SPDX-License-Identifier: GPL-2.0-or-later
# Every source of sno-terminal-agent; main.c alone stays out of the archive that unit tests link.
TERMINAL_AGENT_SRC := $(call sources,terminal-agent/*.c)
