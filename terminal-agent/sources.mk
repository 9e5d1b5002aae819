# SPDX-License-Identifier: GPL-2.0-or-later
# Every source of sno-terminal-agent; main.c alone stays out of the archive that unit tests link.
# gate.bpf.c is the kernel's, compiled by clang and carried in gate_image.c.
TERMINAL_AGENT_SRC := $(filter-out %.bpf.c,$(call sources,terminal-agent/*.c))
