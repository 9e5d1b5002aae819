# SPDX-License-Identifier: GPL-2.0-or-later
# Every source of sno-core-agent; main.c alone stays out of the archive that unit tests link.
CORE_AGENT_SRC := $(call sources,core-agent/*.c)
