# SPDX-License-Identifier: GPL-2.0-or-later
# Every source of sno-core-agent; main.c alone stays out of the archive that unit tests link.
# guard.bpf.c is the kernel's, compiled by clang and carried in guard_image.c.
CORE_AGENT_SRC := $(filter-out %.bpf.c,$(call sources,core-agent/*.c))
